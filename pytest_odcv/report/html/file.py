"""The page as a file: a sink of a run, and what `odcv report` writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...errors import OdcvError, UsageProblem
from ...gates.result import GateResult
from ...judge.median import DEFAULT, Rule
from ...results.trial_result import TrialResult
from .engine import environment
from .page import Content, text_of
from .recorded import Load


class HtmlFile:
    """A sink that writes the page when the run is over.

    Args:
        path: Of the file.
        asked: What asked for the file, for errors: an option with its value.
        load: Reads a trial's recording.
        rule: How LLM judges are counted.
        summary: The line at the end of the run's summary.

    Raises:
        UsageProblem: The folder of the file does not exist, the name is no page's, or the extra is not installed.
    """

    def __init__(self, path: Path, asked: str, load: Load, rule: Rule = DEFAULT, summary: str = "") -> None:
        check(path, asked)
        self._path, self._asked, self._load, self._rule = path, asked, load, rule
        self.summary = summary
        self._results: list[TrialResult] = []

    def start(self) -> None:
        try:
            with self._path.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            raise UsageProblem(f"{self._asked}: cannot be written: {error.strerror}") from None

    def write(self, result: TrialResult) -> None:
        self._results.append(result)

    def finish(self, gates: Sequence[GateResult]) -> None:
        write(self._path, text_of(Content(self._results, gates, rule=self._rule), self._load), self._asked)


def check(path: Path, asked: str) -> None:
    """Raises UsageProblem for a file that cannot be made, and where the extra is not installed."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageProblem(f"{asked}: expected a name that ends in .html")
    if not path.parent.is_dir():
        raise UsageProblem(f"{asked}: its folder does not exist")
    environment()
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageProblem(f"{asked}: needs the extra report: pip install 'pytest-odcv[report]'") from None


def write(path: Path, content: str | bytes, asked: str) -> None:
    """All of it or nothing: a reader never opens half a file. Raises OdcvError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        )
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OdcvError(f"{asked}: could not be written: {error.strerror}") from None
