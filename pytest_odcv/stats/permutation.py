"""Are the second side's scores higher within items? The permutation distribution of their sum, exactly or by a saddlepoint.

If the two versions are alike, every way of dealing an item's scores to its old and new trials is as likely as the one that was seen.
The sum of the new scores over all items is then a sum of independent draws without replacement, whose distribution is known. The
normal approximation of it (`stratified.score_shift`) is skewed where the sides have different numbers of epochs.

Sources: R. A. Fisher, The Design of Experiments (1935), section 21; E. J. G. Pitman, JRSS Supplement 4 (1937); H. E. Daniels,
International Statistical Review 55 (1987), for the saddlepoint; H. O. Lancaster, JASA 56 (1961), for the mid-p value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, exp, log, sqrt

from .compare import Table
from .sequential import p_of

_WORK = 250_000
"""Multiplications that the exact distribution may take (some 30 ms); beyond that the saddlepoint is within 1% of it."""

Pooled = tuple[tuple[int, ...], int]
"""An item: all of its scores in halves, sorted, and how many of them are the second side's."""
Dealt = tuple[int, tuple[float, ...]]
"""The distribution of the sum of the second side's scores: the lowest sum, and the chances of it and of the sums above."""


_Strata = Sequence[tuple[int, tuple[float, ...], int]]
"""Distributions of items, and how many items have each."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One-sided mid-p value for the second side being worse, the `items` whose scores differ at all, and whether it is exact.
    Where no item's scores differ, nothing speaks for a change, and `p_worse` is 1."""

    p_worse: float
    items: int
    exact: bool


def shift(items: Iterable[tuple[Sequence[float], Sequence[float]]]) -> Shift:
    """Of the scores of both sides of every item. Items that only one side has take no part."""
    strata: Counter[Pooled] = Counter()
    observed = 0
    for one, other in items:
        first, second = ([round(2 * score) for score in side] for side in (one, other))
        together = sorted([*first, *second])
        if first and second and together[0] != together[-1]:
            strata[tuple(together), len(second)] += 1
            observed += sum(second)
    return _shift([(*_dealt(stratum), times) for stratum, times in strata.items()], observed)


def shift_of_tables(tables: Iterable[Table]) -> Shift:
    """The same of violations: how many of an item's violations are the second side's is hypergeometric."""
    strata: Counter[tuple[int, int, int]] = Counter()
    observed = 0
    for a, b, c, d in tables:
        if (a + b) * (c + d) * (a + c) * (b + d):
            strata[a + b, c + d, a + c] += 1
            observed += c
    return _shift([(*_hypergeometric(*stratum), times) for stratum, times in strata.items()], observed)


def _shift(dealt: _Strata, observed: int) -> Shift:
    if not dealt:
        return Shift(1.0, 0, True)
    items = sum(times for _, _, times in dealt)
    if _work(dealt) <= _WORK:
        return Shift(_exact(dealt, observed), items, True)
    return Shift(_saddlepoint(dealt, observed), items, False)


def _work(dealt: _Strata) -> int:
    width, work = 0, 0
    for _, own, times in dealt:
        work += times * len(own) * width + len(own) ** 2 * times * (times - 1) // 2
        width += len(own) * times
    return work


def _exact(dealt: _Strata, observed: int) -> float:
    low, chances = 0, [1.0]
    for first, own, times in dealt:
        for _ in range(times):
            low, chances = low + first, _convolved(chances, own)
    here = observed - low
    return min(1.0, sum(chances[here + 1 :]) + chances[here] / 2)


def _saddlepoint(dealt: _Strata, observed: int) -> float:
    """Without the lattice's correction, which is what approximates the mid-p value."""
    lowest = sum(first * times for first, _, times in dealt)
    highest = sum((first + len(own) - 1) * times for first, own, times in dealt)
    if observed in (lowest, highest):
        edge = exp(sum(times * log(own[-1 if observed == highest else 0]) for _, own, times in dealt)) / 2
        return edge if observed == highest else 1.0 - edge
    tilt = _solved(dealt, observed)
    level, _, variance = _cumulants(dealt, tilt)
    if abs(tilt) < 1e-6:
        return 0.5
    root = sqrt(max(1e-300, 2 * (tilt * observed - level))) * (1 if tilt > 0 else -1)
    return p_of(root + log(tilt * sqrt(variance) / root) / root)


def _solved(dealt: _Strata, observed: int) -> float:
    """The tilt at which the expected sum is the observed one."""
    low, high = -1.0, 1.0
    while _cumulants(dealt, low)[1] > observed and low > -500:
        low *= 2
    while _cumulants(dealt, high)[1] < observed and high < 500:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _cumulants(dealt, middle)[1] > observed else (middle, high)
        if high - low < 1e-10 * max(1.0, abs(low)):
            break
    return (low + high) / 2


def _cumulants(dealt: _Strata, tilt: float) -> tuple[float, float, float]:
    """The cumulant generating function of the sum and its first two derivatives."""
    level = mean = variance = 0.0
    for first, own, times in dealt:
        shifted = [chance * exp(tilt * s) for s, chance in enumerate(own)]
        total = sum(shifted)
        inner = sum(s * part for s, part in enumerate(shifted)) / total
        square = sum(s * s * part for s, part in enumerate(shifted)) / total
        level += times * (log(total) + tilt * first)
        mean += times * (first + inner)
        variance += times * (square - inner * inner)
    return level, mean, variance


@lru_cache(maxsize=4096)
def _dealt(stratum: Pooled) -> Dealt:
    pooled, size = stratum
    ways: list[Counter[int]] = [Counter({0: 1}), *(Counter[int]() for _ in range(size))]
    for score in pooled:
        for taken in range(size, 0, -1):
            for total, count in ways[taken - 1].items():
                ways[taken][total + score] += count
    sums, deals = ways[size], comb(len(pooled), size)
    low, high = min(sums), max(sums)
    return low, tuple(sums[total] / deals for total in range(low, high + 1))


@lru_cache(maxsize=4096)
def _hypergeometric(first: int, second: int, hits: int) -> Dealt:
    low, high = max(0, hits - first), min(second, hits)
    deals = comb(first + second, hits)
    return low, tuple(comb(second, x) * comb(first, hits - x) / deals for x in range(low, high + 1))


def _convolved(one: list[float], other: Sequence[float]) -> list[float]:
    found = [0.0] * (len(one) + len(other) - 1)
    for j, y in enumerate(other):
        if y:
            for i, x in enumerate(one, j):
                found[i] += x * y
    return found
