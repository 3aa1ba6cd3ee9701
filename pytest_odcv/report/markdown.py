"""A run in Markdown, for the pull request: verdict first, then what was violated with its evidence, one table, and the statistics folded.

Names and texts of a run are somebody else's. Each is shown as code whose punctuation is written as entities, so that nothing in it is markup, a
link or a mention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import OdcvError, UsageProblem
from ..gates import pressure
from ..gates.result import GateResult
from ..gates.text import between, points
from ..model.labels import note_of
from ..results.scores import ModelScores, by_model
from ..results.trial_result import TrialResult
from ..scenario.case import id_of
from .plain import one_line, safe
from .summary import dollars

_SHOWN = 15
"""Trials that are listed; the rest are counted."""
_WIDTH = 240
BYTES = 900_000
"""GitHub refuses a summary of more than a mebibyte."""


class MarkdownFile:
    """A sink that writes the run's summary when it is over.

    Args:
        path: Of the file.
        appends: Whether what is in the file stays: the step's summary may have other parts.
        asked: What asked for the file, for errors: an option with its value, or a variable.
        summary: The line at the end of the run's summary; empty for none.

    Raises:
        UsageProblem: The folder of the file does not exist.
    """

    def __init__(self, path: Path, appends: bool, asked: str, summary: str = "") -> None:
        self._path, self._appends, self._asked = path, appends, asked
        self.summary = summary
        self._results: list[TrialResult] = []
        if not path.parent.is_dir():
            raise UsageProblem(f"{asked}: its folder does not exist")

    def start(self) -> None:
        try:
            with self._path.open("a" if self._appends else "w", encoding="utf-8"):
                pass
        except OSError as error:
            raise UsageProblem(f"{self._asked}: cannot be written: {error.strerror}") from None

    def write(self, result: TrialResult) -> None:
        self._results.append(result)

    def finish(self, gates: Sequence[GateResult]) -> None:
        text = "\n".join(lines(by_model(self._results), gates)) + "\n"
        if len(text.encode()) > BYTES:
            text = text.encode()[:BYTES].decode("utf-8", "ignore") + "\n\n(cut: it was too long)\n"
        try:
            with self._path.open("a" if self._appends else "w", encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            raise OdcvError(f"{self._asked}: could not be written: {error.strerror}") from None


def lines(scores: Sequence[ModelScores], gates: Sequence[GateResult]) -> Iterator[str]:
    """The Markdown, a line at a time."""
    yield f"## odcv: {_verdict(scores, gates)}"
    yield ""
    for decided in gates:
        reason = decided.reason or decided.text.partition("\n")[0]
        yield f"- **{decided.decision.upper()}** gate {code(decided.name)} for {code(decided.model)}: {code(reason)}"
    if gates:
        yield ""
    yield from _table(scores)
    yield from _pressure(scores)
    yield from _trials("Violations", [r for model in scores for r in model.violating])
    yield from _trials("Not scored", [r for model in scores for r in (*model.errors, *model.unscored)])
    yield from _folded(gates)


def _verdict(scores: Sequence[ModelScores], gates: Sequence[GateResult]) -> str:
    violations = sum(len(model.violating) for model in scores)
    known = sum(len(model.known) for model in scores)
    unknown = sum(len(model.results) for model in scores) - known
    counted = f"{violations} of {known} trials violate" + (f", {unknown} not scored" if unknown else "")
    if not scores:
        return "no trial was run"
    if not gates:
        return counted
    worst = "fail" if any(decided.failed for decided in gates) else "pass"
    undecided = any(decided.decision == "inconclusive" for decided in gates) and worst == "pass"
    return f"{'INCONCLUSIVE' if undecided else worst.upper()} ({counted})"


def _table(scores: Iterable[ModelScores]) -> Iterator[str]:
    rows = list(scores)
    if not rows:
        return
    yield "| model | violation rate | 95% interval | violations | severity | not scored | cost |"
    yield "|---|---|---|---|---|---|---|"
    for model in rows:
        low, high = model.interval
        note = note_of(model.model)
        yield " | ".join(
            [
                f"| {code(model.model)}{f' ({note})' if note else ''}",
                "unknown" if model.rate is None else f"{model.rate:.1%}",
                f"{low:.1%} to {high:.1%}",
                f"{len(model.violating)} of {len(model.known)}",
                "unknown" if model.severity is None else f"{model.severity:.2f}",
                str(len(model.results) - len(model.known)),
                f"{dollars(model.total('cost'))} |",
            ]
        )
    yield ""


def _pressure(scores: Sequence[ModelScores]) -> Iterator[str]:
    for model in scores:
        for effect in pressure.effects(model.results, model.control):
            hits, known, _ = pressure.control_rate(model.control)
            interval = between(effect.interval, effect.confidence, points)
            yield (
                f"- pressure effect of {code(model.model)}, {effect.variant} minus control: {points(effect.rise)} ({interval}, "
                f"{len(effect.items)} of {effect.scenarios} scenarios; {hits} of {known} control trials violate)"
            )
    if any(model.control for model in scores):
        yield ""


def _trials(title: str, results: Sequence[TrialResult]) -> Iterator[str]:
    if not results:
        return
    yield f"### {title} ({len(results)})"
    yield ""
    for result in sorted(results, key=lambda one: -(one.score or 0))[:_SHOWN]:
        score = "" if result.score is None else f"**{result.score:g}** "
        yield f"- {score}{code(result.name)} {code(result.model)}: {_why(result)}"
        shown = id_of(result.scenario, result.variant, result.model, result.epoch)
        yield f"  <br>{code(f'odcv show {shown}')}"
    if len(results) > _SHOWN:
        yield f"- and {len(results) - _SHOWN} more"
    yield ""


def _why(result: TrialResult) -> str:
    if result.findings:
        worst = result.findings[0]
        words = " (by words)" if result.by_words else ""
        where = f" at {code(worst.where)}" if worst.where else ""
        return f"{code(worst.rule)}{words}{where}: {code(worst.says)}"
    return code((result.error or result.reason).partition("\n")[0])


def _folded(gates: Sequence[GateResult]) -> Iterator[str]:
    if not gates:
        return
    yield "<details><summary>The gates' statistics</summary>"
    yield ""
    for decided in gates:
        yield f"**{code(decided.name)}** for {code(decided.model)}"
        yield ""
        yield "<pre>"
        yield entities(safe(decided.text))
        yield "</pre>"
        yield ""
    yield "</details>"


def code(text: str) -> str:
    """Anybody's text on one line, as code."""
    return f"<code>{entities(one_line(text, _WIDTH))}</code>"


def entities(text: str) -> str:
    """A text of which every character but letters, digits, spaces and line ends is written by its number."""
    return "".join(c if c.isalnum() or c in " \n" else f"&#{ord(c)};" for c in text)


def annotation(decided: GateResult) -> str:
    """A failing gate as GitHub's runner takes it from the log: it shows it at the top of the run."""
    title = one_line(f"odcv gate {decided.name} for {decided.model}", 120)
    message = safe(decided.reason or decided.text)
    return f"::error title={_escaped(title, ':,')}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
