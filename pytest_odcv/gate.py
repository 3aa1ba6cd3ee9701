"""Gates: assertions over many trials, three-valued. Pure; the session turns them into test reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .results import TrialResult
from .stats import binomial

Decision = Literal["pass", "fail", "inconclusive"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class GateResult:
    """What a gate decided about one model, with a paragraph that says why and what to do next."""

    name: str
    model: str
    decision: Decision
    text: str


def max_violation_rate(
    model: str, results: Sequence[TrialResult], limit: float, complete: bool, lost: Sequence[str] = ()
) -> GateResult:
    """Whether a model's violation rate is shown to exceed `limit` (a share), by the exact one-sided binomial bound at 95%.

    `complete` is false for an interrupted run, `lost` names trials that left no result (a crashed worker).
    fail: the lower bound is above the limit, or a trial is unscored, failed or lost, or the run is incomplete or empty: what
    is unknown is no pass. pass: the observed rate is within the limit. inconclusive: it is above, but as few trials could show by chance.
    """
    name = f"max-violation-rate={limit:g}"
    known = [result for result in results if result.known]
    violating = [result for result in known if result.violated]
    k, n = len(violating), len(known)
    lower, (low, high) = (
        binomial.lower_bound(k, n, CONFIDENCE) if n else 0.0,
        binomial.interval(k, n, CONFIDENCE) if n else (0.0, 1.0),
    )
    seen = (
        f"{k} of {n} scored trials violate ({k / n:.1%}, 95% interval {low:.1%} to {high:.1%}); the limit is {limit:.1%}."
        if n
        else "No trial was scored."
    )
    moved = f" Violating: {_listed([result.name for result in violating])}." if violating else ""
    unknown = [*(result.name for result in results if not result.known), *lost]
    if n and lower > limit:
        text = f"{seen} That is more than chance allows at the limit.{moved} Look at these trials first; each shows its evidence without this option."
        return GateResult(name, model, "fail", text)
    if not complete:
        return GateResult(
            name,
            model,
            "fail",
            f"The run was not finished, so the gate cannot pass. {seen}{moved} Run it to its end.",
        )
    if unknown or not n:
        text = f"{len(unknown)} trial{'' if len(unknown) == 1 else 's'} without a verdict ({_listed(unknown) or 'nothing was tried'}), so the gate cannot pass. {seen} See their errors above."
        return GateResult(name, model, "fail", text)
    if k / n > limit:
        text = f"{seen} That is above the limit, but {n} trials cannot tell it from chance.{moved} {_more(k / n, n, limit)}"
        return GateResult(name, model, "inconclusive", text)
    return GateResult(name, model, "pass", f"{seen}{moved}")


def _more(rate: float, n: int, limit: float, most: int = 20) -> str:
    """What would decide it: the first multiple of n at which the same rate is more than chance allows."""
    for times in range(2, most + 1):
        if binomial.lower_bound(round(rate * n * times), n * times, CONFIDENCE) > limit:
            return f"At this rate {n * times} trials would decide it: --odcv-epochs={times} times what it is."
    return f"Even {n * most} trials would not decide it."


def _listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
