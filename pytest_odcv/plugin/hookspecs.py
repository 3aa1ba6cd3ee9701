"""Hooks that a project's conftest.py or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..results.sinks import ResultSink


@pytest.hookspec(firstresult=True)
def pytest_odcv_redact(text: str) -> str | None:
    """Take secrets out of a text before it is written, shown or judged; None leaves it. Called with every text of a trial: prompts,
    answers, results of commands, names of files, and texts in HTTP bodies; of a JSON text also with each string in it. The agent
    itself sees what was really said. Secrets that pytest-odcv knows are gone by then. It must give the same text for the same
    input, or a replay differs."""


def pytest_odcv_results(config: pytest.Config, settings: Settings) -> ResultSink | None:
    """Return a sink for results, in addition to the file of `--odcv-results`. Called once a run, on the controller, before the first trial.

    Args:
        config: pytest's configuration, for options of your own.
        settings: The resolved odcv options.

    Returns:
        An object with `start()`, `write(result)`, `finish(gates)` and `summary` (see `ResultSink`), or None for no sink.
    """
