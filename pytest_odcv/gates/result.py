"""What goes into a gate, one model's part of a run, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..results.changes import Moved
from ..results.run import ModelRun
from .spec import Catalog, Inconclusive, Where

Decision = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class GateResult:
    """What a gate decided about one model, with a paragraph that says why and what to do next.

    `observed` is the metric's value (a share, a score, or a rise of either), `interval` its two-sided interval, `trials` the number
    behind it; None and 0 where nothing was measured. `moved` are items that changed against a baseline. `settled` is false while
    further epochs could change what the gate says. `shown` is whether trials have shown a failure, which no later trial takes back; a gate also
    fails where too much is unknown. `reason` says in one sentence why a gate is inconclusive.
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
    shown: bool = False
    reason: str = ""
    against: tuple[str, ...] = ()
    """Names of the trials that speak against passing: those that violate, the worst first, and those without a verdict."""

    @property
    def failed(self) -> bool:
        """Whether the gate fails the build."""
        return self.decision == "fail" or (self.decision == "inconclusive" and self.inconclusive == "fail")

    @property
    def warns(self) -> bool:
        return self.decision == "inconclusive" and self.inconclusive == "warn"


def narrowed(run: ModelRun, where: Where, catalog: Catalog) -> ModelRun:
    """Only what `where` selects. A lost trial of a place that the catalog does not know stays in: it may be one of those."""

    def within(names: Sequence[str], where: Where) -> tuple[str, ...]:
        places = ((name, catalog.place_of(name)) for name in names)
        return tuple(name for name, place in places if place is None or where.holds(place))

    control = replace(where, variant=())
    return replace(
        run,
        results=tuple(result for result in run.results if where.holds(result)),
        lost=within(run.lost, where),
        left_out=within(run.left_out, where),
        control=tuple(result for result in run.control if control.holds(result)),
        lost_control=within(run.lost_control, control),
        left_out_control=within(run.left_out_control, control),
    )
