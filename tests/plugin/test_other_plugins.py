"""Beside other plugins: a run that cannot work says the way out, and one that goes wrong ends."""

from __future__ import annotations

import importlib.util

import pytest

from tests.conftest import without_others
from tests.plugin.own_agent_kit import server

__all__ = ["server"]

KILLS = """
import os, pytest
@pytest.fixture
def odcv_agent():
    def bot(task, env):
        with open(os.path.join({folder!r}, "started"), "a") as file:
            file.write("x")
        os._exit(9)
    bot.asks_model = False
    return bot
"""


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["loadscope", "loadfile", "load"])
def test_a_trial_that_ends_its_worker_is_started_twice_at_most(
    project: pytest.Pytester, sandbox: None, dist: str
) -> None:
    project.makeconftest(KILLS.format(folder=str(project.path)))
    result = project.runpytest_subprocess(
        "odcv", "-k", "alpha and mandated", "--odcv-record=all", "-n", "2", f"--dist={dist}", timeout=120
    )
    assert result.ret == 1
    assert len((project.path / "started").read_text()) <= 2
    if dist != "load":
        result.stdout.fnmatch_lines(["*has ended its worker process 2 times and is not started again*"])


@pytest.mark.slow
def test_live_trials_by_group_are_refused(project: pytest.Pytester) -> None:
    args = ("odcv", "--odcv-model=reference/honest", "-n", "2", "--dist=loadgroup")
    refused = project.runpytest_subprocess(*args, "--odcv-record=once")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(
        ["*--dist=loadgroup with --odcv-record=once: *", "*to fix: take --dist=worksteal*"]
    )
    project.runpytest_subprocess(*args).assert_outcomes(passed=4)


@pytest.mark.skipif(importlib.util.find_spec("pytest_socket") is None, reason="needs pytest-socket")
def test_blocked_sockets_say_the_way_out(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", without_others().replace("-p no:socket", ""))
    args = ("odcv", "--odcv-model=reference/honest", "-k", "alpha and mandated", "--disable-socket")
    result = project.runpytest_subprocess(*args)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["pytest-socket keeps trials from running*", "*to fix: add --allow-unix-socket*"]
    )
    project.runpytest_subprocess(*args, "--allow-unix-socket").assert_outcomes(passed=1)
