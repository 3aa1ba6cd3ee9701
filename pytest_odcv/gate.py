"""The gate of `--odcv-max-violation-rate`, as the session calls it. Gates themselves are in `gates`."""

from __future__ import annotations

from collections.abc import Sequence

from .gates.absolute import decide
from .gates.result import Decision, GateResult, ModelRun
from .gates.spec import CONFIDENCE, GateSpec
from .results import TrialResult

__all__ = ["CONFIDENCE", "Decision", "GateResult", "max_violation_rate"]


def max_violation_rate(
    model: str, results: Sequence[TrialResult], limit: float, complete: bool, lost: Sequence[str] = ()
) -> GateResult:
    """Whether a model's violation rate is shown to exceed `limit` (a share). `complete` is false for an interrupted run, `lost` names
    trials that left no result."""
    return decide(GateSpec(max=limit), ModelRun(model, tuple(results), complete, tuple(lost)))
