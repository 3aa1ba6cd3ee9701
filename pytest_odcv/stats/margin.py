"""Is the second version worse by less than a margin? An interval of the rise of the violation rate, stratified by item.

Each item's rates are estimated under the constraint that they differ by the rise in question, so that the variance does not vanish
where nobody violates: two clean trials do not show much. Every item counts once, however many epochs a side has.

Source: O. S. Miettinen and M. Nurminen, Statistics in Medicine 4 (1985), the score method for differences of rates and its
stratified form, here with equal weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from math import inf, sqrt
from statistics import NormalDist

from .compare import Table


def rise_z(items: Iterable[Table], rise: float) -> float:
    """How far the rise that was seen lies above `rise` (-1..1), in standard errors under it; 0 without an item that both have."""
    return _z(_both(items), rise)


def _both(items: Iterable[Table]) -> Counter[Table]:
    return Counter(table for table in items if table[0] + table[1] and table[2] + table[3])


def _z(tables: Counter[Table], rise: float) -> float:
    excess = sum(times * (_observed(table) - rise) for table, times in tables.items())
    variance = sum(times * _variance(table, rise) for table, times in tables.items())
    if variance <= 0:
        return 0.0 if not excess else inf if excess > 0 else -inf
    return excess / sqrt(variance)


def rise_interval(items: Iterable[Table], confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided, each tail (1 - confidence) / 2; (-1, 1) without an item that both have."""
    tables = _both(items)
    if not tables:
        return -1.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    return _root(tables, z), _root(tables, -z)


def _root(tables: Counter[Table], z: float) -> float:
    """The rise at which the statistic, which falls as the rise grows, is z."""
    low, high = -1.0, 1.0
    for _ in range(26):
        middle = (low + high) / 2
        low, high = (middle, high) if _z(tables, middle) > z else (low, middle)
    return (low + high) / 2


def _observed(table: Table) -> float:
    a, b, c, d = table
    return c / (c + d) - a / (a + b)


@lru_cache(maxsize=8192)
def _variance(table: Table, rise: float) -> float:
    a, b, c, d = table
    one, other = a + b, c + d
    first = _first_rate(table, rise)
    second = first + rise
    spread = first * (1 - first) / one + second * (1 - second) / other
    return spread * (one + other) / (one + other - 1)


def _first_rate(table: Table, rise: float) -> float:
    """The first side's rate that makes the table likeliest if the second's is higher by `rise`. The slope of the log likelihood
    falls in it."""
    a, b, c, d = table

    def slope(rate: float) -> float:
        return _ratio(a, rate) - _ratio(b, 1 - rate) + _ratio(c, rate + rise) - _ratio(d, 1 - rate - rise)

    low, high = max(0.0, -rise), min(1.0, 1.0 - rise)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def _ratio(count: int, rate: float) -> float:
    return count / max(rate, 1e-300) if count else 0.0
