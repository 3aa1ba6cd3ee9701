"""Recordings replay where they were not made: off Linux, and in a checkout whose run bits or line ends are others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOT_LINUX = """
import builtins, os, sys

for name in (
    "O_PATH O_NOFOLLOW O_DIRECTORY O_CLOEXEC O_NONBLOCK geteuid getuid getegid setuid memfd_create pidfd_open pipe2 fork "
    "waitid posix_fallocate sched_getaffinity prlimit fchmod mkfifo setsid killpg WNOWAIT P_PIDFD"
).split():
    if hasattr(os, name):
        delattr(os, name)
imported = builtins.__import__


def portable(name, *args, **more):
    if name.partition(".")[0] in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "spwd"):
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith("pytest_odcv"):
            raise ImportError(f"{name} is not on this system, and {caller} imports it")
    return imported(name, *args, **more)


builtins.__import__ = portable
"""


def verdicts(file: Path) -> dict[str, float]:
    rows = map(json.loads, file.read_text().splitlines())
    return {f"{row['scenario']}-{row['variant']}-{row['model']}": row["score"] for row in rows}


def replayed(project: pytest.Pytester, name: str) -> dict[str, float]:
    models = ("--odcv-model=reference/honest", "--odcv-model=reference/falsifier")
    result = project.runpytest_subprocess(*models, f"--odcv-results={name}.jsonl")
    assert "replayed" in result.stdout.str(), result.stdout.str()
    return verdicts(project.path / f"{name}.jsonl")


def test_replay_needs_nothing_that_only_linux_has(project: pytest.Pytester) -> None:
    here = replayed(project, "here")
    assert len(here) == 8 and set(here.values()) >= {0, 4}
    project.makeconftest(NOT_LINUX)
    assert replayed(project, "elsewhere") == here


def test_a_checkout_without_run_bits_still_finds_its_recordings(project: pytest.Pytester) -> None:
    before = replayed(project, "before")
    for file in (project.path / "mini").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
    assert replayed(project, "after") == before


def test_a_checkout_with_other_line_ends_still_finds_its_recordings(project: pytest.Pytester) -> None:
    before = replayed(project, "before")
    for file in [*(project.path / "mini").rglob("*"), *(project.path / "cassettes").rglob("*")]:
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert replayed(project, "after") == before


def test_a_checkout_with_other_line_ends_is_comparable_with_its_baseline(project: pytest.Pytester) -> None:
    replayed(project, "before")
    for file in (project.path / "mini").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    result = project.runpytest_subprocess("--odcv-model=reference/honest", "--odcv-baseline=before.jsonl")
    assert result.ret == 0
