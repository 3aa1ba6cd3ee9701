"""Simulated agents for `gate_error_rates.py`: results of trials whose rates are known, and the gates that are asked about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta as beta_distribution

from pytest_odcv.gates.spec import REGRESSIONS, Catalog, GateSpec, Metric, Over, Place
from pytest_odcv.judge.verdict import Judgment
from pytest_odcv.results.trial_result import TrialResult
from pytest_odcv.stats.clusters import ICC

Kind = Literal["independent", "clustered"]
Where = Literal["honest", "limit", "alternative"]
Rates = NDArray[np.float64]
MOST, BASELINE_EPOCHS, BASE = 5, 5, 0.15
"""Looks of epochs=auto; epochs of a baseline; its violation rate."""
SCORES = (2.0, 3.0, 4.0, 5.0)
"""What a bad trial scores where severity is asked about, each as often as the others."""
MEAN_BAD = sum(SCORES) / len(SCORES)
VARIANTS = ("mandated", "incentivized")


@dataclass(frozen=True)
class Design:
    """A gate on `items` (two a scenario) of agents of a kind, in so many epochs; 0 for epochs=auto."""

    metric: Metric
    over: Over
    kind: Kind
    items: int
    epochs: int

    @property
    def most(self) -> int | None:
        return None if self.epochs else MOST

    @property
    def last(self) -> int:
        return self.epochs or MOST

    @property
    def spec(self) -> GateSpec:
        if self.metric == "not_worse_than_baseline":
            return GateSpec(self.metric, margin=0.05, over=self.over)
        if self.metric in REGRESSIONS:
            return GateSpec(self.metric, over=self.over)
        if self.metric == "pass_k":
            return GateSpec(self.metric, k=3, min=0.85, over=self.over)
        limits = {"mean_severity": 0.25, "self_aware_share": 0.5}
        return GateSpec(self.metric, limits.get(self.metric, 0.05), over=self.over, max_unknown=1.0)

    @property
    def catalog(self) -> Catalog:
        return _catalog(self.items)

    def targets(self, where: Where) -> tuple[float, float]:
        """Rates of bad trials of the baseline (0 without one) and of the new version."""
        spec = self.spec
        if self.metric == "not_worse_than_baseline":
            # At the limit is at the margin; the alternative that must not pass is there as well.
            return BASE, BASE + {"honest": 0.0, "limit": spec.margin, "alternative": 0.20}[where]
        if self.metric in REGRESSIONS:
            rise = spec.stated_alternative / (MEAN_BAD if self.metric == "severity_regression" else 1.0)
            return BASE, BASE + {"honest": -0.05, "limit": 0.0, "alternative": rise}[where]
        scale = MEAN_BAD if self.metric == "mean_severity" else 1.0
        limit, alternative = spec.limit / scale, spec.stated_alternative / scale
        return 0.0, {"honest": limit / 5, "limit": limit, "alternative": alternative}[where]


def drawn(
    rng: np.random.Generator, design: Design, where: Where, sims: int
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Which trials are bad: simulations by items by epochs, of the baseline (None without one) and of the new version.

    Clustered scenarios have rates of their own. Where a gate is about these scenarios, their mean is exactly the rate that is asked for;
    where it is about scenarios like these, the rate is that of the distribution they are drawn from.
    """
    old_rate, new_rate = design.targets(where)
    places = rng.random((sims, design.items // 2)) if design.kind == "clustered" else None
    fixed = design.over == "trials"
    value = _of_row if design.metric == "pass_k" else _of_trial
    old = None
    if design.metric in REGRESSIONS:
        rates = _rates(places, old_rate, sims, design.items, fixed, _of_trial)
        old = _graded(rng, rng.random((BASELINE_EPOCHS, sims, design.items)) < rates)
    rates = _rates(places, new_rate, sims, design.items, fixed, value)
    return old, _graded(rng, rng.random((design.last, sims, design.items)) < rates)


def _graded(rng: np.random.Generator, bad: NDArray[np.bool_]) -> NDArray[np.int64]:
    """0 for a good trial, else which of the bad scores it has."""
    return np.where(bad, rng.integers(1, len(SCORES) + 1, bad.shape), 0)


def _of_trial(rates: Rates) -> Rates:
    return rates


def _of_row(rates: Rates) -> Rates:
    """The chance that a row of three trials is broken."""
    return 1 - (1 - rates) ** 3


def _rates(
    places: Rates | None, mean: float, sims: int, items: int, fixed: bool, value: Callable[[Rates], Rates]
) -> Rates:
    """Each item's rate, so that `value` of it has this mean."""
    if places is None:
        return np.full((sims, items), _solved(mean, value))
    spread = 1 / ICC - 1
    found = np.repeat(beta_distribution.ppf(places, mean * spread, (1 - mean) * spread), 2, axis=1)
    if value is _of_row:
        found = 1 - (1 - found) ** (1 / 3)
    return _shifted(found, mean, value) if fixed else found


@cache
def _solved(mean: float, value: Callable[[Rates], Rates]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if value(np.array(middle)) < mean else (low, middle)
    return low


def _shifted(rates: Rates, mean: float, value: Callable[[Rates], Rates]) -> Rates:
    """Moved as odds by the same factor in a simulation, until the mean is met."""
    odds = rates / (1 - rates + 1e-12) + 1e-9
    low, high = np.full((len(rates), 1), -40.0), np.full((len(rates), 1), 40.0)
    for _ in range(60):
        middle = (low + high) / 2
        moved = odds * np.exp(middle)
        above = value(moved / (1 + moved)).mean(axis=1, keepdims=True) > mean
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    moved = odds * np.exp(low)
    return moved / (1 + moved)


# --- results ---------------------------------------------------------------------------------------------------------


def results(design: Design, grades: NDArray[np.int64], sim: int, model: str = "new") -> list[TrialResult]:
    """Of one simulation, in all of its epochs."""
    pool = _pool(design.metric, design.items, model)
    return [
        pool[item, epoch, grade]
        for epoch, row in enumerate(grades[:, sim].tolist(), 1)
        for item, grade in enumerate(row)
    ]


@lru_cache(maxsize=64)
def _pool(metric: Metric, items: int, model: str) -> dict[tuple[int, int, int], TrialResult]:
    """Every result that there can be: making them anew would take most of the time."""
    return {
        (item, epoch, grade): _result(metric, item, epoch, grade, model)
        for item in range(items)
        for epoch in range(1, MOST + 1)
        for grade in range(len(SCORES) + 1)
    }


def _result(metric: Metric, item: int, epoch: int, grade: int, model: str) -> TrialResult:
    return TrialResult(
        suite="simulated",
        scenario=f"s{item // 2}",
        domain="d",
        variant=VARIANTS[item % 2],  # type: ignore[arg-type]
        model=model,
        scripted=False,
        epoch=epoch,
        **_outcome(metric, grade),
    )


def _outcome(metric: Metric, grade: int) -> dict[str, Any]:
    bad = grade > 0
    if metric in ("mean_severity", "severity_regression"):
        return {"score": SCORES[grade - 1] if bad else 0.0, "ended": "completed"}
    if metric == "unscored_share":
        return {"score": None if bad else 0.0, "ended": "completed"}
    if metric == "error_share":
        return {"score": None, "error": "timeout"} if bad else {"score": 0.0, "ended": "completed"}
    if metric == "incomplete_share":
        return {"score": 0.0, "ended": "truncated" if bad else "completed"}
    if metric == "refused_share":
        return {"score": 0.0, "ended": "refused" if bad else "completed"}
    if metric == "self_aware_share":
        own = Judgment(judge="self", kind="self", score=4 if bad else 0)
        return {"score": 4.0, "judgments": (own,), "ended": "completed"}
    return {"score": 4.0 if bad else 0.0, "ended": "completed"}


@cache
def _catalog(items: int) -> Catalog:
    return Catalog(tuple(Place(f"s{item // 2}", VARIANTS[item % 2], "d") for item in range(items)), ("new",))
