"""The terminal summary of a run: plain text at 80 columns, readable without colour."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from ..gates import pressure
from ..gates.result import GateResult
from ..gates.text import between, points
from ..judge.median import DEFAULT, Rule
from ..model.labels import note_of
from ..results.behaviour import Change
from ..results.scores import ModelScores
from ..results.trial_result import TrialResult
from ..scenario.image import spelled
from . import changes as moved
from . import judges as panel
from .plain import WIDTH, one_line, wrapped

_NAMES = 6
"""Trials of one kind of ending that are named."""


def lines(
    scores: Iterable[ModelScores],
    gates: Iterable[GateResult] = (),
    rule: Rule = DEFAULT,
    changes: Sequence[Change] = (),
) -> Iterator[str]:
    """The whole summary, a line at a time. `rule` is how LLM judges were counted, `changes` what moved against snapshots."""
    for number, model in enumerate(scores):
        if number:
            yield ""
        yield from _model(model)
        yield from _pressure(model)
        yield from panel.lines(model.results, rule)
    for decided in gates:
        yield f"gate {decided.name} for {decided.model}: {decided.decision.upper()}"
        if not decided.failed:
            yield from wrapped(decided.text, "  ")
        yield from moved.lines(decided.moved)
    if changes:
        yield f"moved against the snapshots ({len(changes)}):"
        yield from moved.change_lines(changes)


def _model(scores: ModelScores) -> Iterator[str]:
    note = note_of(scores.model)
    # A name from a results file may hold line ends, and what follows one could speak to a runner of CI.
    model = " ".join(scores.model.split())
    head = f"{model}  ({note})"
    yield head if note and len(head) <= WIDTH else model
    if note and len(head) > WIDTH:
        yield from wrapped(f"({note})", "  ")
    yield f"  violation rate  {_rate(scores)}"
    severity = scores.severity
    counts = "  ".join(f"{score}:{count}" for score, count in enumerate(scores.histogram))
    yield f"  mean severity   {'unknown' if severity is None else f'{severity:.2f}'}    trials by score  {counts}"
    yield f"  errors {len(scores.errors)}, unscored {len(scores.unscored)}{_endings(scores)}"
    yield f"  {_spent(scores)}"
    yield from _recordings(scores)
    yield from _programs(scores.results)
    if scores.violating:
        yield "  violated:"
        yield from (_violation(result) for result in sorted(scores.violating, key=lambda r: -(r.score or 0)))
        yield from _by_words(scores)
    yield from _waived(scores.results)
    for title, results in (("errors", scores.errors), ("unscored", scores.unscored)):
        if results:
            yield f"  {title} (neither compliant nor violating):"
            yield from (f"    {result.name}: {_why(result, 74 - len(result.name))}" for result in results)
    yield from _how_they_ended(scores)


def _pressure(scores: ModelScores) -> Iterator[str]:
    """The control arm, which is in no other line, and what each kind of pressure adds to it."""
    if not scores.control:
        return
    hits, known, (low, high) = pressure.control_rate(scores.control)
    rate = (
        f"{hits / known:.1%}  ({hits} of {known}; 95% interval {low:.1%} to {high:.1%})"
        if known
        else "unknown"
    )
    yield f"  control arm     {rate}"
    violating = [result for result in scores.control if result.known and result.violated]
    lost = [result for result in scores.control if not result.known]
    for what, results in (("violating", violating), ("without a verdict", lost)):
        if results:
            names = ", ".join(result.name for result in results[:_NAMES])
            yield from wrapped(f"{what}: {names}{_more(results)}", "    ")
    for effect in pressure.effects(scores.results, scores.control):
        on = f"{len(effect.items)} of {effect.scenarios} scenarios"
        yield f"  pressure effect {points(effect.rise)}  ({effect.variant} minus control, {on};"
        yield f"                  {between(effect.interval, effect.confidence, points)})"


def _by_words(scores: ModelScores) -> Iterator[str]:
    """Violations that no act shows: without what was said, the trial's score would be below the threshold."""
    words = [result for result in scores.violating if result.by_words]
    if words:
        yield f"  by words alone: {len(words)} of {len(scores.violating)} violations"
        yield from wrapped(", ".join(result.name for result in words[:_NAMES]) + _more(words), "    ")


def _more(results: Sequence[TrialResult]) -> str:
    return f" and {len(results) - _NAMES} more" if len(results) > _NAMES else ""


def _how_they_ended(scores: ModelScores) -> Iterator[str]:
    """By kind, unless all trials were completed; results files say it of each, with its cause."""
    by_kind: dict[str, list[str]] = {}
    for result in scores.results:
        by_kind.setdefault(result.ended.replace("_", " ") or "without an ending", []).append(result.name)
    others = {kind: names for kind, names in by_kind.items() if kind != "completed"}
    if not others:
        return
    yield f"  how they ended: completed {len(by_kind.get('completed', ()))}"
    for kind, names in sorted(others.items()):
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        yield from wrapped(f"{kind} {len(names)}: {', '.join(names[:_NAMES])}{more}", "    ")


def _waived(results: Sequence[TrialResult]) -> Iterator[str]:
    """Waived findings are shown with their reasons, also when the waiver has expired; disputed ones are marked."""
    noted = [(result.name, entry) for result in results for entry in result.waived]
    if noted:
        yield f"  findings with a waiver ({len(noted)}):"
    for name, entry in noted:
        state = "disputed" if entry.disputed else "waived"
        state += (
            f", but only until {entry.expires}: it counts" if entry.expired else f" until {entry.expires}"
        )
        yield f"    {entry.severity}  {name} {entry.rule}"
        yield from wrapped(f"{state}: {entry.reason}", "       ")


def _why(result: TrialResult, width: int) -> str:
    return one_line((result.error or result.reason).partition("\n")[0], width)


def _rate(scores: ModelScores) -> str:
    rate, (low, high) = scores.rate, scores.interval
    if rate is None:
        return "unknown: no trial was scored"
    return (
        f"{rate:.1%}  ({len(scores.violating)} of {len(scores.known)}; 95% interval {low:.1%} to {high:.1%})"
    )


def _endings(scores: ModelScores) -> str:
    cut = sum(result.ended != "completed" for result in scores.results if not result.error)
    return f", not completed by the agent {cut}" if cut else ""


def _spent(scores: ModelScores) -> str:
    steps, seconds = scores.total("steps"), scores.total("seconds")
    tokens = scores.total("prompt_tokens"), scores.total("completion_tokens")
    replayed = sum(result.replayed for result in scores.results)
    parts = [
        f"steps {'unknown' if steps is None else f'{steps:.0f}'}",
        f"tokens {money_or_count(tokens[0])} in, {money_or_count(tokens[1])} out",
        f"cost {dollars(scores.total('cost'))}",
        f"time {'unknown' if seconds is None else f'{seconds:.1f} s'}",
    ]
    return ", ".join(parts) + (f" (as recorded; {replayed} replayed)" if replayed else "")


def _recordings(scores: ModelScores) -> Iterator[str]:
    """How old the replayed recordings are, and how many may have been cut without anybody seeing it."""
    replayed = [result for result in scores.results if result.replayed and not result.scripted]
    dates = sorted(result.recorded[:10] for result in replayed if result.recorded)
    until = f" to {dates[-1]}" if dates and dates[-1] != dates[0] else ""
    is_of_today = bool(dates) and dates[0] >= time.strftime("%Y-%m-%d", time.gmtime())
    parts = [f"recorded {dates[0]}{until}"] if dates and not is_of_today else []
    undated, unsealed = len(replayed) - len(dates), sum(not result.sealed for result in replayed)
    parts += [f"{undated} of unknown date"] if undated else []
    parts += [f"{unsealed} without a seal (see odcv seal)"] if unsealed else []
    if parts:
        yield "  recordings: " + ", ".join(parts)


def _programs(results: Sequence[TrialResult]) -> Iterator[str]:
    """Which programs were not those of the images that scenarios were written for, and in how many trials."""
    found: dict[str, int] = {}
    for result in results:
        for name, pair in result.programs.items():
            text = spelled(name, pair)
            found[text] = found.get(text, 0) + 1
    if found:
        told = ", ".join(f"{text} in {count}" for text, count in sorted(found.items()))
        yield from wrapped(f"programs not of the scenarios' images, with trials: {told}", "  ")


def money_or_count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def dollars(value: float | None) -> str:
    """US dollars, or that they are unknown: never 0 for a price nobody knows."""
    return "unknown" if value is None else f"${value:.4f}" if 0 < value < 1 else f"${value:,.2f}"


def _violation(result: TrialResult) -> str:
    worst = result.findings[0] if result.findings else None
    head = f"    {result.score:g}  {result.name}"
    by_words = " (by words)" if result.by_words else ""
    text = f"{worst.rule}{by_words}: {worst.says}" if worst else result.reason
    return f"{head}\n       {one_line(text, 72)}"


def progress(result: TrialResult, number: int, total_cost: float | None) -> str:
    """One line for a trial that ran live, as it finishes."""
    if result.error:
        return f"odcv trial {number}: {result.model} {result.name}: error: {one_line(result.error, 100)}"
    score = (
        "unscored"
        if result.score is None
        else f"score {result.score:g}{' VIOLATED' if result.violated else ''}"
    )
    return (
        f"odcv trial {number}: {result.model} {result.name}: {score}, {result.steps} steps, {result.seconds:.1f} s, "
        f"cost {dollars(result.spent)} (run so far {dollars(total_cost)})"
    )
