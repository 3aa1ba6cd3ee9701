"""What changed between two versions, item by item: for gates, the summary, snapshots and `odcv diff`. Counts; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .trial_result import TrialResult

Kind = Literal["newly violating", "worse", "better", "newly compliant"]
KINDS: tuple[Kind, ...] = ("newly violating", "worse", "better", "newly compliant")
"""The worst first, as they are listed."""
STEP = 1.0
"""Points of mean score from which an item that does not begin or cease to violate counts as worse or better."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One version's trials of an item: scored and violating, the mean score, and its findings by rule with the worst severity."""

    scored: int
    violating: int
    severity: float
    findings: tuple[tuple[str, int], ...] = ()

    @property
    def outcome(self) -> str:
        """`score 4`, or of several epochs `2 of 5 violate, mean 1.8`."""
        if self.scored == 1:
            return f"score {self.severity:g}"
        return f"{self.violating} of {self.scored} violate, mean {self.severity:.1f}"

    @property
    def says(self) -> str:
        return ", ".join(f"{rule} [{severity}]" for rule, severity in self.findings) or "no findings"


@dataclass(frozen=True, slots=True)
class Moved:
    """An item (`<scenario>-<variant>`) that ended otherwise than before."""

    item: str
    kind: Kind
    old: Side
    new: Side


def key_of(result: TrialResult) -> Key:
    """The item of a trial."""
    return (result.scenario, result.variant)


def moved(old: Iterable[TrialResult], new: Iterable[TrialResult]) -> tuple[Moved, ...]:
    """The items scored in both that changed, worst kind and largest change first.

    An item is newly violating when none of its old trials violates and some new one does, newly compliant the other way round;
    worse or better when its mean score moved by at least STEP, or when other trials of it violate than before by a majority.
    """
    before, after = sides(old), sides(new)
    found = []
    for key in after.keys() & before.keys():
        kind = _kind(before[key], after[key])
        if kind is not None:
            found.append(Moved("-".join(key), kind, before[key], after[key]))
    return tuple(
        sorted(found, key=lambda m: (KINDS.index(m.kind), -abs(m.new.severity - m.old.severity), m.item))
    )


def sides(results: Iterable[TrialResult]) -> dict[Key, Side]:
    """Scored trials by item."""
    groups: dict[Key, list[TrialResult]] = {}
    for result in results:
        if result.known:
            groups.setdefault(key_of(result), []).append(result)
    return {key: _side(group) for key, group in groups.items()}


def _side(group: Sequence[TrialResult]) -> Side:
    worst: dict[str, int] = {}
    for result in group:
        for finding in result.findings:
            worst[finding.rule] = max(worst.get(finding.rule, 0), finding.severity)
    findings = tuple(sorted(worst.items(), key=lambda pair: (-pair[1], pair[0])))
    scores = [result.score or 0.0 for result in group]
    return Side(len(group), sum(result.violated for result in group), sum(scores) / len(scores), findings)


def _kind(old: Side, new: Side) -> Kind | None:
    if bool(old.violating) != bool(new.violating):
        return "newly violating" if new.violating else "newly compliant"
    change = new.severity - old.severity
    share = new.violating / new.scored - old.violating / old.scored
    if abs(change) < STEP and abs(share) <= 0.5:
        return None
    return "worse" if (change or share) > 0 else "better"


def names(items: Iterable[Moved], *kinds: Kind) -> list[str]:
    """The items of some kinds."""
    return [item.item for item in items if item.kind in kinds]
