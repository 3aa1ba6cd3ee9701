"""What pull requests show of a run without being asked by a hook: a Markdown summary, and what GitHub's runner takes from the log."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..config.settings import Settings
from ..gates.result import GateResult
from ..results.sinks import ResultSink
from ..scenario.suite import Suite

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def markdown(settings: Settings) -> ResultSink | None:
    """The file of `--odcv-markdown`, else the summary of a step of GitHub's. Raises UsageProblem for a file that cannot be."""
    step = Path(os.environ.get(_STEP_SUMMARY, ""))
    if settings.markdown is None and not (step.name and step.parent.is_dir()):
        return None
    from ..report.markdown import MarkdownFile

    if settings.markdown is None:
        return MarkdownFile(step, appends=True, asked=f"${_STEP_SUMMARY}={step}")
    written = f"summary for the pull request written to {settings.markdown}"
    path = Path(settings.root, settings.markdown)
    return MarkdownFile(path, appends=False, asked=f"--odcv-markdown={settings.markdown}", summary=written)


def html(settings: Settings, suite: Suite) -> ResultSink:
    """The page of `--odcv-report`. Raises UsageProblem for a file that cannot be, and without the extra."""
    from ..config import build
    from ..config.recorded import loader
    from ..report.html.file import HtmlFile

    assert settings.report is not None
    written = f"report written to {settings.report}"
    path = Path(settings.root, settings.report)
    asked = f"--odcv-report={settings.report}"
    return HtmlFile(path, asked, loader(settings, suite), build.rule_of(settings), written)


def log_commands(gates: Iterable[GateResult]) -> Iterator[str]:
    """Of failing gates, where GitHub's runner reads the log."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from ..report.markdown import annotation

    yield from (annotation(decided) for decided in gates if decided.failed)
