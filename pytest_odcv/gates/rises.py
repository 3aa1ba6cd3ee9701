"""What decides on a rise against the baseline: p-values of items, the levels of looks, and what a run could see, by simulating both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from ..scenario.schema import VIOLATION
from ..stats import clusters, margin, permutation, power, sign_flips, stratified, tilted
from ..stats.sequential import FUTILE, conditional_power, normal_bounds, p_of, z_of
from .comparison import Item, by_scenario
from .measure import Look
from .spec import TOP, GateSpec

SIMULATIONS = 200
_BATCH, _SURE_BELOW, _SURE_ABOVE = 50, 0.6, 0.95
"""A simulation ends early once it is far from the power that is asked for."""


def p_worse(spec: GateSpec, items: Sequence[Item]) -> float:
    """One-sided, small where the new version is shown to be worse: by more than the margin, if the gate has one."""
    rise = _rise(spec)
    if spec.metric == "not_worse_than_baseline":
        if spec.over == "scenarios":
            return clusters.p_above([1.0 + value for value in by_scenario(items, rise)], 1.0 + spec.margin)
        return p_of(margin.rise_z([item.table for item in items], spec.margin))
    if spec.over == "scenarios":
        return sign_flips.p_worse(by_scenario(items, rise))
    if spec.metric == "severity_regression":
        return permutation.shift((item.old, item.new) for item in items).p_worse
    return stratified.worse(item.table for item in items).p


def p_less(spec: GateSpec, items: Sequence[Item], rise: float) -> float:
    """One-sided, small where the new version is shown to be worse by less than `rise`."""
    own, top = _rise(spec), TOP if spec.metric == "severity_regression" else 1.0
    if rise >= top:
        return 0.0
    if spec.over == "scenarios":
        return clusters.p_above([top - value for value in by_scenario(items, own)], top - rise)
    if spec.metric == "severity_regression":
        return tilted.p_above(Counter(top - own(item) for item in items), top - rise)
    return p_of(-margin.rise_z([item.table for item in items], rise))


def interval_over_scenarios(spec: GateSpec, items: Sequence[Item]) -> tuple[float, float]:
    """Two-sided, of the mean rise over scenarios like these; of rates within -1..1, of mean scores within -5..5."""
    top = TOP if spec.metric == "severity_regression" else 1.0
    values, half = by_scenario(items, _rise(spec)), (1.0 + spec.confidence) / 2
    low = clusters.lower_bound([top + value for value in values], half, 2 * top) - top
    return low, top - clusters.lower_bound([top - value for value in values], half, 2 * top)


def _rise(spec: GateSpec) -> Callable[[Item], float]:
    if spec.metric == "severity_regression":
        return lambda item: item.severity_rise
    return lambda item: item.rise


@dataclass(frozen=True)
class Levels:
    """The p-value up to which a look fires, and whether further looks could still: `futile` after a p-value."""

    fractions: tuple[float, ...]
    bounds: tuple[float, ...]
    levels: tuple[float, ...]

    def futile(self, epoch: int, p: float) -> bool:
        if epoch >= len(self.levels):
            return True
        return conditional_power(self.fractions, self.bounds, epoch, z_of(p)) < FUTILE


def levels(alpha: float, baseline_epochs: int, look: Look, over: str) -> Levels:
    """Of all looks of a plan. The baseline stays as it is, so that information grows more slowly than epochs."""
    if look.most == 1:
        return Levels((1.0,), (z_of(alpha),), (alpha,))
    information = [baseline_epochs * n / (baseline_epochs + n) for n in range(1, look.most + 1)]
    fractions = tuple(value / information[-1] for value in information)
    if over == "scenarios":
        spent = tuple(look.alpha(alpha, n) for n in range(1, look.most + 1))
        return Levels(fractions, tuple(map(z_of, spent)), spent)
    bounds = normal_bounds(fractions, alpha)
    return Levels(fractions, bounds, tuple(map(p_of, bounds)))


# --- what a run could see --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The baseline's items as they are and the new version's as they are planned: for each item its scenario, the old scores, and how
    many new trials there are at the end of each look."""

    items: tuple[tuple[str, tuple[float, ...], tuple[int, ...]], ...]
    levels: Levels


def plan(items: Sequence[Item], look: Look, found: Levels) -> Plan:
    planned = []
    for item in items:
        now = len(item.new)
        ends = tuple(max(1, round(now * epoch / look.epoch)) for epoch in range(1, look.most + 1))
        planned.append((item.scenario, item.old, ends))
    return Plan(tuple(planned), found)


@lru_cache(maxsize=64)
def power_of(spec: GateSpec, planned: Plan) -> float:
    """How often the gate fails if the new version is worse by the stated alternative, by simulating the functions that decide. The
    baseline is what it is; items keep the rates that it suggests. Seeded; within 0.03 of the truth where it matters."""
    draw, hits = Random(power.SEED), 0
    worse = _worsened(spec, planned)
    for number in range(1, SIMULATIONS + 1):
        hits += _fires(draw, spec, planned, worse)
        if number >= _BATCH and not _SURE_BELOW < hits / number < _SURE_ABOVE:
            break
    return hits / number


def _fires(draw: Random, spec: GateSpec, planned: Plan, worse: Sequence[Callable[[Random], float]]) -> bool:
    scores: list[list[float]] = [[] for _ in planned.items]
    for epoch, level in enumerate(planned.levels.levels, 1):
        for own, make, (_, _, ends) in zip(scores, worse, planned.items, strict=True):
            own.extend(make(draw) for _ in range(ends[epoch - 1] - len(own)))
        items = [
            Item(scenario, old, tuple(own))
            for (scenario, old, _), own in zip(planned.items, scores, strict=True)
        ]
        p = p_worse(spec, items)
        if p <= level:
            return True
        if planned.levels.futile(epoch, p):
            return False
    return False


def _worsened(spec: GateSpec, planned: Plan) -> list[Callable[[Random], float]]:
    """For each item a draw of a new trial's score, after the mean has risen by the stated alternative: a share of the trials that
    would have complied (or scored less) now scores the worst."""
    olds = [old for _, old, _ in planned.items]
    scenarios = [scenario for scenario, _, _ in planned.items]
    rise = spec.stated_alternative
    if spec.metric == "severity_regression":
        mean = sum(sum(old) / len(old) for old in olds) / len(olds)
        turned = min(1.0, rise / (TOP - mean)) if mean < TOP else 1.0
        return [_redrawn(old, turned) for old in olds]
    rates = _item_rates(scenarios, olds)
    mean = sum(rates) / len(rates)
    return [_tossed(power.risen(rate, rise, mean)) for rate in rates]


def _redrawn(old: tuple[float, ...], turned: float) -> Callable[[Random], float]:
    return lambda draw: TOP if draw.random() < turned else draw.choice(old)


def _tossed(rate: float) -> Callable[[Random], float]:
    return lambda draw: TOP if draw.random() < rate else 0.0


def _item_rates(scenarios: Sequence[str], olds: Sequence[tuple[float, ...]]) -> list[float]:
    """Each item's rate as its old trials and those of the others suggest it (beta-binomial, by the icc of the baseline)."""
    hits = [sum(score >= VIOLATION for score in old) for old in olds]
    mean = sum(k / len(old) for k, old in zip(hits, olds, strict=True)) / len(olds)
    counts = [(k, len(old)) for k, old in zip(hits, olds, strict=True)]
    alike = power.icc_of(scenarios, counts) or 0.0
    weight = 1 / alike - 1 if alike > 0 else 1e6
    return [(k + mean * weight) / (n + weight) for k, n in counts]
