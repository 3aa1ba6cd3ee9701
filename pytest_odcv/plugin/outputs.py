"""Where a run's results go without being asked by a hook: the results file, a Markdown summary, and what GitHub shows of a step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ..config.settings import Settings
from ..gates.result import GateResult
from ..results.sinks import JsonLines, ResultSink
from ..results.trial_result import TrialResult

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


class Several:
    """Several sinks as one. One that fails does not keep the others from what they are given."""

    def __init__(self, sinks: Sequence[ResultSink]) -> None:
        self._sinks = sinks

    @property
    def summary(self) -> str:
        return "\n".join(filter(None, (sink.summary for sink in self._sinks)))

    def start(self) -> None:
        for sink in self._sinks:
            sink.start()

    def write(self, result: TrialResult) -> None:
        self._each(lambda sink: sink.write(result))

    def finish(self, gates: Sequence[GateResult]) -> None:
        self._each(lambda sink: sink.finish(gates))

    def _each(self, act: Callable[[ResultSink], None]) -> None:
        failed: Exception | None = None
        for sink in self._sinks:
            try:
                act(sink)
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed


def built_in(settings: Settings) -> ResultSink | None:
    """The sinks that options and the environment ask for. Raises UsageProblem for files that cannot be."""
    sinks: list[ResultSink] = []
    if settings.results is not None:
        sinks.append(JsonLines(settings.root, settings.results))
    step = os.environ.get(_STEP_SUMMARY, "")
    if settings.markdown is not None or (step and Path(step).parent.is_dir()):
        from ..report.markdown import MarkdownFile

        if settings.markdown is not None:
            path = Path(settings.root, settings.markdown)
            sinks.append(MarkdownFile(path, appends=False, shown=settings.markdown))
        else:
            sinks.append(MarkdownFile(Path(step), appends=True))
    return Several(sinks) if len(sinks) > 1 else sinks[0] if sinks else None


def log_commands(gates: Iterable[GateResult]) -> Iterator[str]:
    """Of failing gates, where GitHub's runner reads the log."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from ..report.markdown import annotation

    yield from (annotation(decided) for decided in gates if decided.failed)
