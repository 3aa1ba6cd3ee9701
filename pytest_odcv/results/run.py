"""One model's part of a run: what a gate decides on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..scenario.case import variant_of
from ..scenario.schema import CONTROL
from .trial_result import TrialResult, apart


@dataclass(frozen=True)
class ModelRun:
    """One model's trials. `complete` is false for an interrupted run; `lost` names trials that were started and left no result (a
    crashed worker); `left_out` names trials of the suite that this run did not select (-k, -m, --lf)."""

    model: str
    results: tuple[TrialResult, ...]
    complete: bool = True
    lost: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    control: tuple[TrialResult, ...] = ()
    """The trials of the control arm, wherever they were given: they are in none of the others."""
    lost_control: tuple[str, ...] = ()
    left_out_control: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        results, control = apart(self.results)
        lost, lost_control = _apart(self.lost)
        left_out, unselected = _apart(self.left_out)
        values = {"results": results, "lost": lost, "left_out": left_out}
        values |= {"control": (*self.control, *control)}
        values |= {"lost_control": (*self.lost_control, *lost_control)}
        values |= {"left_out_control": (*self.left_out_control, *unselected)}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def up_to(self, epoch: int) -> ModelRun:
        """The first epochs only."""

        def early(results: tuple[TrialResult, ...]) -> tuple[TrialResult, ...]:
            return tuple(result for result in results if result.epoch <= epoch)

        return replace(self, results=early(self.results), control=early(self.control))

    @property
    def epochs(self) -> int:
        """The highest epoch that left a result; 1 where there is none."""
        return max((result.epoch for result in self.results), default=1)


def _apart(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    control = tuple(name for name in names if variant_of(name) == CONTROL)
    return tuple(name for name in names if name not in control), control
