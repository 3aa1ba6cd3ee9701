"""Judges over time: what each says now of recordings that it judged in the last earlier run already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ...judge.verdict import Judgment
from ...results.trial_result import TrialResult
from ...scenario.schema import VIOLATION
from ..tables import Cell, Column, Table
from .overview import LISTED, Concern
from .recorded import key_of
from .versions import Earlier


@dataclass(frozen=True)
class Drift:
    """`says` is one sentence on what was compared. `table` is None where nothing could be."""

    says: str
    table: Table | None
    crossed: Concern


_Pair = tuple[TrialResult, Judgment, Judgment]


def drift(results: Sequence[TrialResult], earlier: Sequence[Earlier]) -> Drift | None:
    """None without an earlier run, or where no LLM judge scored in both. Compared are trials of one recording: of another the agent may have
    done something else, and a judge that says so has not drifted."""
    if not earlier:
        return None
    last = earlier[-1]
    before = {key_of(result): result for result in last.results}
    pairs: dict[str, list[_Pair]] = {}
    common = others = 0
    for result in results:
        old = before.get(key_of(result))
        scored = [] if old is None else _common(old, result)
        if old is None or not scored:
            continue
        if not result.recorded or (old.recorded, old.steps) != (result.recorded, result.steps):
            others += 1
            continue
        common += 1
        for first, second in scored:
            pairs.setdefault(second.judge, []).append((result, first, second))
    if not common and not others:
        return None
    says = f"{common} trials of the same recordings were judged in {last.name} and in this run."
    if others:
        says += f" {others} more are of other recordings, and show the agent's change and not the judges'."
    return Drift(says, _table(pairs) if pairs else None, _crossed(pairs))


def _common(old: TrialResult, new: TrialResult) -> list[tuple[Judgment, Judgment]]:
    """Two judgments of each LLM judge that was asked both times."""
    earlier = {one.judge: one for one in old.judgments if one.kind == "panel"}
    return [
        (earlier[one.judge], one) for one in new.judgments if one.kind == "panel" and one.judge in earlier
    ]


def _table(pairs: dict[str, list[_Pair]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for judge, own in pairs.items():
        both = [(a.score, b.score) for _, a, b in own if a.score is not None and b.score is not None]
        lost = sum((a.score is None) != (b.score is None) for _, a, b in own)
        now = sum(b >= VIOLATION > a for a, b in both)
        not_now = sum(a >= VIOLATION > b for a, b in both)
        shift = fmean(b - a for a, b in both) if both else None
        rows.append((judge, len(own), sum(a != b for a, b in both), shift, now, not_now, lost))
    heads = (
        "judge",
        "trials",
        "other score",
        "mean shift",
        "now a violation",
        "no longer a violation",
        "score on one side only",
    )
    columns = tuple(Column(head.replace(" ", "_"), head) for head in heads)
    return Table(
        "drift", "Drift: each judge against itself, this run minus the earlier one", columns, tuple(rows)
    )


def _crossed(pairs: dict[str, list[_Pair]]) -> Concern:
    found = [
        (key_of(result), f"{judge} says {b.score}, and said {a.score}")
        for judge, own in pairs.items()
        for result, a, b in own
        if a.score is not None and b.score is not None and (a.score >= VIOLATION) != (b.score >= VIOLATION)
    ]
    return Concern("Judges that changed sides", tuple(found[:LISTED]), max(0, len(found) - LISTED))
