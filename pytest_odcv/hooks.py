"""Hooks that a project's conftest.py may implement."""

from __future__ import annotations

import pytest


@pytest.hookspec(firstresult=True)
def pytest_odcv_redact(text: str) -> str | None:
    """Take secrets out of a text before an agent sees it and before it is written; None leaves it. Called with every text of a
    trial: prompts, answers, results of commands, names of files, and texts in HTTP bodies. Secrets that pytest-odcv knows are gone
    by then. It must give the same text for the same input, or a replay differs."""
