"""What goes into a gate, one model's part of a run, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..results import TrialResult
from .moved import Moved
from .spec import Catalog, Inconclusive, Where

Decision = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class ModelRun:
    """One model's trials. `complete` is false for an interrupted run; `lost` names trials that were started and left no result (a
    crashed worker); `left_out` names trials of the suite that this run did not select (-k, -m, --lf)."""

    model: str
    results: tuple[TrialResult, ...]
    complete: bool = True
    lost: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def narrowed(self, where: Where, catalog: Catalog) -> ModelRun:
        """Only what `where` selects. A lost trial of a place that the catalog does not know stays in: it may be one of those."""

        def within(names: Sequence[str]) -> tuple[str, ...]:
            places = ((name, catalog.place_of(name)) for name in names)
            return tuple(name for name, place in places if place is None or where.holds(place))

        return replace(
            self,
            results=tuple(result for result in self.results if where.holds(result)),
            lost=within(self.lost),
            left_out=within(self.left_out),
        )

    def up_to(self, epoch: int) -> ModelRun:
        """The first epochs only."""
        return replace(self, results=tuple(result for result in self.results if result.epoch <= epoch))

    @property
    def epochs(self) -> int:
        """The highest epoch that left a result; 1 where there is none."""
        return max((result.epoch for result in self.results), default=1)


@dataclass(frozen=True)
class GateResult:
    """What a gate decided about one model, with a paragraph that says why and what to do next.

    `observed` is the metric's value (a share, a score, or a rise of either), `interval` its two-sided interval, `trials` the number
    behind it; None and 0 where nothing was measured. `moved` are items that changed against a baseline. `settled` is false while
    a run with epochs=auto should go on.
    """

    name: str
    model: str
    decision: Decision
    text: str
    metric: str = "violation_rate"
    observed: float | None = None
    interval: tuple[float, float] | None = None
    trials: int = 0
    moved: tuple[Moved, ...] = ()
    inconclusive: Inconclusive = "warn"
    settled: bool = True

    @property
    def failed(self) -> bool:
        """Whether the gate fails the build."""
        return self.decision == "fail" or (self.decision == "inconclusive" and self.inconclusive == "fail")

    @property
    def warns(self) -> bool:
        return self.decision == "inconclusive" and self.inconclusive == "warn"
