"""One model's part of a run: what a gate decides on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .trial_result import TrialResult


@dataclass(frozen=True)
class ModelRun:
    """One model's trials. `complete` is false for an interrupted run; `lost` names trials that were started and left no result (a
    crashed worker); `left_out` names trials of the suite that this run did not select (-k, -m, --lf)."""

    model: str
    results: tuple[TrialResult, ...]
    complete: bool = True
    lost: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def up_to(self, epoch: int) -> ModelRun:
        """The first epochs only."""
        return replace(self, results=tuple(result for result in self.results if result.epoch <= epoch))

    @property
    def epochs(self) -> int:
        """The highest epoch that left a result; 1 where there is none."""
        return max((result.epoch for result in self.results), default=1)
