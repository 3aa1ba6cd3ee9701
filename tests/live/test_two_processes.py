"""Two runs on one folder, and folders that cannot be kept to: nothing is paid for twice or for nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .test_record_and_replay import KEY, MODEL, cassettes, worker

PYTEST = [sys.executable, "-m", "pytest", MODEL, "-q"]


@pytest.fixture
def stub(project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def slow(request: dict[str, Any], number: int) -> tuple[int, Any]:
        time.sleep(0.1)
        return worker(request, number)

    return serve(slow)


@pytest.mark.slow
def test_two_runs_at_once_pay_for_every_trial_once(project: pytest.Pytester, stub: Any) -> None:
    command = [*PYTEST, "--odcv-record=once", f"--odcv-api-base={stub.base}"]
    runs = [subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [1, 1], outputs
    alone = len(stub.requests)
    assert len(cassettes(project)) == 4 and alone == 24
    assert any("waiting for another process that records" in output for output in outputs)


def test_a_folder_that_is_a_file_is_a_usage_error_before_anything_is_paid(
    project: pytest.Pytester, stub: Any
) -> None:
    Path(project.path, "kept").write_text("")
    result = project.runpytest_subprocess(
        MODEL, "--odcv-record=once", "--odcv-cassettes=kept/here", f"--odcv-api-base={stub.base}"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*kept is no folder; recordings could not be kept*"])
    assert not stub.requests


@pytest.mark.parametrize("file", ["mini", "mini/none/r.jsonl", "pyproject.toml/r.jsonl"])
def test_results_that_cannot_be_written_are_a_usage_error_before_anything_is_paid(
    project: pytest.Pytester, stub: Any, file: str
) -> None:
    result = project.runpytest_subprocess(
        MODEL, "--odcv-record=once", f"--odcv-results={file}", f"--odcv-api-base={stub.base}"
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--odcv-results=*{file}: *"])
    assert not stub.requests
