"""Two versions on the items that both have: how far apart they are, by every statistic that is shown, and which items moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..results.changes import Moved, moved
from ..results.trial_result import TrialResult
from ..scenario.schema import VIOLATION
from ..stats import compare, margin, permutation, stratified
from ..stats.bootstrap import Interval
from ..stats.compare import Table
from ..stats.values import Scored, TrialId
from .spec import CONFIDENCE, TOP


class Item(NamedTuple):
    """An item's scores of the old and of the new version, and the scenario it belongs to."""

    scenario: str
    old: tuple[float, ...]
    new: tuple[float, ...]

    @property
    def table(self) -> Table:
        a, c = (sum(score >= VIOLATION for score in side) for side in (self.old, self.new))
        return a, len(self.old) - a, c, len(self.new) - c

    @property
    def rise(self) -> float:
        """Of the violation rate."""
        a, b, c, d = self.table
        return c / (c + d) - a / (a + b)

    @property
    def severity_rise(self) -> float:
        return sum(self.new) / len(self.new) - sum(self.old) / len(self.old)


def scored(results: Iterable[TrialResult]) -> list[Scored]:
    """As the statistics take them; trials in error are unscored."""
    return [
        Scored(TrialId(r.model, r.scenario, r.variant, r.epoch, r.domain), r.score if r.known else None)
        for r in results
    ]


def at_worst(
    old: Sequence[TrialResult], new: Sequence[TrialResult], lost: Sequence[str]
) -> tuple[list[Scored], list[Scored]]:
    """Both sides with nothing unknown: what is unknown of the baseline complies, what is unknown of the new version violates at the
    worst score. `lost` are names of new trials without a result."""
    before = [_with(trial, 0.0) for trial in scored(old)]
    after = [_with(trial, TOP) for trial in scored(new)]
    for name in lost:
        scenario, variant, _ = [*name.rsplit("-", 2), "", ""][:3]
        after.append(Scored(TrialId("", scenario, variant), TOP))
    return before, after


def _with(trial: Scored, score: float) -> Scored:
    return Scored(trial.trial, score) if trial.score is None else trial


def shared_items(first: Iterable[Scored], second: Iterable[Scored]) -> tuple[Item, ...]:
    """The items with scored trials of both sides."""
    return _items(stratified.by_item(first, second))


def _items(sides: Mapping[stratified.Item, stratified.Sides]) -> tuple[Item, ...]:
    return tuple(
        Item(scenario, _scores(one), _scores(other))
        for (scenario, _), (one, other) in sides.items()
        if one and other
    )


def _scores(trials: Iterable[Scored]) -> tuple[float, ...]:
    return tuple(trial.score or 0.0 for trial in trials)


def mean_rise(items: Sequence[Item], rise: Callable[[Item], float]) -> float:
    """Averaged over items, each counting once."""
    return sum(map(rise, items)) / len(items) if items else 0.0


def by_scenario(items: Iterable[Item], rise: Callable[[Item], float]) -> list[float]:
    """The mean rise of each scenario."""
    found: dict[str, list[float]] = {}
    for item in items:
        found.setdefault(item.scenario, []).append(rise(item))
    return [sum(rises) / len(rises) for rises in found.values()]


@dataclass(frozen=True)
class Comparison:
    """Two versions on the items that both have scored trials of; what is not asked for is not computed.

    `items` and `epochs` are of those; `only_old` and `only_new` are items that cannot be compared.
    """

    before: tuple[TrialResult, ...]
    after: tuple[TrialResult, ...]
    items: tuple[Item, ...]
    epochs: tuple[int, int]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    confidence: float

    @property
    def old(self) -> str:
        return _models(self.before)

    @property
    def new(self) -> str:
        return _models(self.after)

    @cached_property
    def tables(self) -> list[Table]:
        return [item.table for item in self.items]

    @property
    def old_rate(self) -> float:
        """Means over the items, each counting once, so that the difference of two is the effect."""
        return _mean(a / (a + b) for a, b, _, _ in self.tables)

    @property
    def new_rate(self) -> float:
        return _mean(c / (c + d) for _, _, c, d in self.tables)

    @property
    def old_severity(self) -> float:
        return _mean(sum(item.old) / len(item.old) for item in self.items)

    @property
    def new_severity(self) -> float:
        return _mean(sum(item.new) / len(item.new) for item in self.items)

    @property
    def rise(self) -> float:
        return self.new_rate - self.old_rate

    @property
    def severity_rise(self) -> float:
        return self.new_severity - self.old_severity

    @cached_property
    def effect(self) -> stratified.Effect:
        """With the intervals over scenarios, which take a tenth of a second to resample."""
        return stratified.effect(*self._sides, self.confidence)

    @cached_property
    def severity_interval(self) -> Interval | None:
        return stratified.effect(*self._sides, self.confidence, resamples=0).severity_interval

    @cached_property
    def rise_interval(self) -> Interval:
        """Of the rise of the violation rate; it does not vanish where nobody violates."""
        return margin.rise_interval(self.tables, self.confidence)

    @cached_property
    def worse(self) -> stratified.Worse:
        """What decides on violations."""
        return stratified.worse(self.tables)

    @cached_property
    def shift(self) -> permutation.Shift:
        """What decides on scores."""
        return permutation.shift((item.old, item.new) for item in self.items)

    @cached_property
    def cmh(self) -> compare.Stratified:
        return compare.of_tables(self.tables)

    @cached_property
    def exact(self) -> stratified.Exact:
        return stratified.exact(self.tables)

    @cached_property
    def mcnemar(self) -> compare.McNemar | None:
        """None unless every item has one trial a side."""
        if any(len(item.old) != 1 or len(item.new) != 1 for item in self.items):
            return None
        return compare.mcnemar_of([(bool(a), bool(c)) for a, _, c, _ in self.tables])

    @cached_property
    def moved(self) -> tuple[Moved, ...]:
        return moved(self.before, self.after)

    @cached_property
    def _sides(self) -> tuple[list[Scored], list[Scored]]:
        return scored(self.before), scored(self.after)


def comparison(
    old: Sequence[TrialResult], new: Sequence[TrialResult], confidence: float = CONFIDENCE
) -> Comparison | None:
    """None where no item has scored trials of both."""
    sides = stratified.by_item(scored(old), scored(new))
    items = _items(sides)
    if not items:
        return None
    return Comparison(
        before=tuple(old),
        after=tuple(new),
        items=items,
        epochs=(max(len(item.old) for item in items), max(len(item.new) for item in items)),
        only_old=tuple("-".join(item) for item, (one, other) in sides.items() if one and not other),
        only_new=tuple("-".join(item) for item, (one, other) in sides.items() if other and not one),
        confidence=confidence,
    )


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _models(results: Sequence[TrialResult]) -> str:
    return ", ".join(dict.fromkeys(result.model for result in results))
