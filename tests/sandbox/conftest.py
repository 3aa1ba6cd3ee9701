"""Sandboxes for the tests, opened by root and by an ordinary user."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from tests.sandbox.box import ORDINARY_USER, Box, DriverError, Python
from tests.sandbox.host import Host

# Where the tests run as root, the same as an ordinary user is the slow tests' half.
MODES = (
    "root",
    pytest.param("ordinary user", marks=[pytest.mark.slow] if os.geteuid() == 0 else []),
)


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """Skips where there is no bubblewrap."""
    missing = BubblewrapProvider().missing()
    if missing:
        pytest.skip(f"needs bubblewrap: {missing}")


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.close()


@pytest.fixture(scope="session")
def _boxes() -> Iterator[dict[str, Box]]:
    boxes: dict[str, Box] = {}
    yield boxes
    for box in boxes.values():
        box.quit()


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Who opens the sandbox."""
    mode = str(request.param)
    if mode == "root" and os.geteuid() != 0:
        pytest.skip("needs root")
    return mode


@pytest.fixture
def user(mode: str) -> int | None:
    """The user id to change to for `mode`; None for none."""
    return ORDINARY_USER if mode == "ordinary user" and os.geteuid() == 0 else None


python_of = cache(Python)


@pytest.fixture
def python(user: int | None) -> Python:
    """A Python of that user."""
    try:
        return python_of(user)
    except DriverError as error:
        pytest.skip(f"an ordinary user cannot run a Python with this project here: {error}")


@pytest.fixture
def box(bubblewrap: None, mode: str, python: Python, host: Host, _boxes: dict[str, Box]) -> Box:
    """A process of that user, shared by the tests of this session."""
    if mode not in _boxes or not _boxes[mode].alive:
        _boxes[mode] = Box(python, {"ODCV_TEST_SECRET": host.secret})
    return _boxes[mode]


@pytest.fixture
def folders(user: int | None) -> Iterator[tuple[Path, Path]]:
    """A workspace and tools, in a folder that only the one who opens the sandbox may enter."""
    with tempfile.TemporaryDirectory(
        prefix="odcv-scenario-"
    ) as name:  # pytest's own are in one of another user.
        root = Path(name)
        workspace, tools = root / "workspace", root / "tools"
        workspace.mkdir()
        tools.mkdir()
        (workspace / "data.csv").write_text("a,b\n")
        (tools / "check").write_text('#!/bin/sh\necho checked "$@"\n')
        (tools / "check").chmod(0o755)
        if user is not None:
            for path in (root, workspace, tools):
                os.chown(path, user, user)
        yield workspace, tools
