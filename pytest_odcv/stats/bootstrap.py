"""Percentile bootstrap clustered by scenario, in pure Python. Rates themselves come from `rates`.

A resample draws as many scenarios as there are, with replacement, and keeps all trials of a drawn scenario
together: its two variants and its epochs resemble each other, and drawing trials would feign precision.

Every statistic here is a function of sums of small whole numbers over clusters. The sums of all statistics of a
cluster are packed side by side into one big integer, so that a resample is one `sum` for all models at once.

Sources: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13 (percentiles) and 8.3
(clusters); ODCV-Bench, arXiv 2512.20798 (10,000 resamples of the 40 scenarios).
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import truediv
from random import Random
from typing import TypeVar

from .values import VIOLATION, Scored, TrialId

K = TypeVar("K")

RESAMPLES = 10_000
SEED = 20798
"""Fixed, so that the same results print the same intervals. Any other seed moves a bound by about one item."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of a violation rate (shares 0..1) and of a severity (0..5), and the number of scenarios behind them.

    None where fewer than two scenarios are scored: one scenario says nothing about how scenarios differ.
    """

    rate: Interval | None
    severity: Interval | None
    clusters: int


def resampled_sums(
    clusters: Sequence[Sequence[int]], resamples: int = RESAMPLES, seed: int = SEED
) -> list[Sequence[int]]:
    """For each statistic (a position in every cluster's row), its sum over the drawn clusters of each resample.

    All statistics share the draws, so differences and ratios of them are those of the same resample.

    Args:
        clusters: One row a cluster, with one whole number for each statistic.
        resamples: How often clusters are drawn, each time as many as there are, with replacement.
        seed: The same seed gives the same draws on every machine.

    Returns:
        One sequence a statistic, with one sum for each resample.

    Raises:
        ValueError: There is no cluster, the rows have unequal lengths, or a sum is beyond 64 bits.
    """
    if not clusters or resamples < 1:
        raise ValueError(f"expected clusters and resamples, found {len(clusters)} and {resamples}")
    columns = len(clusters[0])
    if any(len(row) != columns for row in clusters):
        raise ValueError(f"expected {columns} statistics of each cluster, found other numbers")
    lowest = min((value for row in clusters for value in row), default=0)
    shift = min(lowest, 0)
    typecode, size = _field(len(clusters) * max((v - shift for row in clusters for v in row), default=0))
    packed = [_pack([value - shift for value in row], size) for row in clusters]
    count, width = len(clusters), columns * size
    resampled = (sum(map(packed.__getitem__, draw)) for draw in _draws(count, resamples, seed))
    sums = array(typecode, b"".join(total.to_bytes(width, "little") for total in resampled))
    if sys.byteorder == "big":
        sums.byteswap()
    if not shift:
        return [sums[column::columns] for column in range(columns)]
    return [[value + shift * count for value in sums[column::columns]] for column in range(columns)]


def percentile_interval(values: Iterable[float], confidence: float = 0.95) -> Interval:
    """The middle `confidence` of the values, between neighbours by straight lines (as numpy's default does)."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"expected a confidence between 0 and 1 such as 0.95, found {confidence}")
    ordered = sorted(values)
    if not ordered:
        raise ValueError("expected values to take percentiles of, found none")
    tail = (1.0 - confidence) / 2.0
    return _quantile(ordered, tail), _quantile(ordered, 1.0 - tail)


def ratio_interval(
    numerators: Sequence[int], denominators: Sequence[int], confidence: float = 0.95
) -> Interval:
    """Percentile interval of the ratios of two columns of `resampled_sums`; the denominators are not 0.

    Args:
        numerators: A column of `resampled_sums`.
        denominators: Another of the same draws, without a 0.
        confidence: Of the statement, above 0 and below 1.
    """
    first = denominators[0]
    if min(denominators) == max(denominators):
        low, high = percentile_interval(numerators, confidence)
        return low / first, high / first
    return percentile_interval(map(truediv, numerators, denominators), confidence)


def rate_intervals(
    trials: Iterable[Scored],
    keys: Callable[[TrialId], Iterable[K]],
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[K, Intervals]:
    """Intervals of every group, a trial being in each group that `keys` names, in order of first sight.

    Only scenarios with a scored trial of a group are its clusters. Groups with the same scenarios share the draws.

    Args:
        trials: Scored trials; a scenario is a cluster.
        keys: The groups that a trial is in.
        confidence: Of each interval.
        resamples: Draws of scenarios.
        seed: The same seed gives the same draws on every machine.
    """
    groups: dict[K, dict[str, list[float]]] = {}
    for trial in trials:
        for key in keys(trial.trial):
            scenarios = groups.setdefault(key, defaultdict(list))
            if trial.score is not None:
                scenarios[trial.trial.scenario].append(trial.score)
    alike: dict[tuple[str, ...], list[K]] = defaultdict(list)
    for key, scenarios in groups.items():
        alike[tuple(sorted(scenarios))].append(key)
    found: dict[K, Intervals] = {}
    for names, members in alike.items():
        found |= _intervals_of({key: groups[key] for key in members}, names, confidence, resamples, seed)
    return {key: found[key] for key in groups}


def _intervals_of(
    groups: Mapping[K, Mapping[str, list[float]]],
    names: tuple[str, ...],
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[K, Intervals]:
    """Intervals of groups that have the same clusters."""
    if len(names) < 2:
        return {key: Intervals(None, None, len(names)) for key in groups}
    rows = [[n for scenarios in groups.values() for n in _counts(scenarios[name])] for name in names]
    sums = resampled_sums(rows, resamples, seed)
    found = {}
    for position, key in enumerate(groups):
        trials, violated, halves = sums[3 * position : 3 * position + 3]
        low, high = ratio_interval(halves, trials, confidence)
        found[key] = Intervals(ratio_interval(violated, trials, confidence), (low / 2, high / 2), len(names))
    return found


@lru_cache(maxsize=4)
def _draws(count: int, resamples: int, seed: int) -> list[array[int]]:
    """Which clusters each resample draws. Drawing costs most of a bootstrap, and one report asks for the same again."""
    choices, everything = Random(seed).choices, range(count)
    typecode, _ = _field(count)
    return [array(typecode, choices(everything, k=count)) for _ in range(resamples)]


def _counts(scores: list[float]) -> tuple[int, int, int]:
    """Trials, violations, and the sum of the scores in halves."""
    return len(scores), sum(score >= VIOLATION for score in scores), round(2 * sum(scores))


def _field(highest: int) -> tuple[str, int]:
    """The smallest unsigned array type that holds `highest`: its type code and bytes."""
    for typecode in "BHIQ":
        size = array(typecode).itemsize
        if highest < 1 << (8 * size):
            return typecode, size
    raise ValueError(f"expected sums below 2**64, found up to {highest}")


def _pack(values: Sequence[int], size: int) -> int:
    return int.from_bytes(b"".join(value.to_bytes(size, "little") for value in values), "little")


def _quantile(ordered: Sequence[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
