"""Exact binomial tails and Clopper-Pearson bounds, without numpy: the gate of every run needs them.

The bounds hold for independent trials, and for the rate on the very scenarios that were tried. Trials of one scenario resemble each
other: for a rate over scenarios like these see `clusters` and `bootstrap`.

Sources: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), for the bounds; DLMF 8.17 for the
incomplete beta function and its continued fraction.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, lgamma, log, log1p

_TINY = 1e-300


def at_least(k: int, n: int, p: float) -> float:
    """P(X >= k) for X the number of successes in n independent trials of chance p.

    Args:
        k: Successes, 0 to `n`.
        n: Independent trials.
        p: The chance of one success, 0 to 1.
    """
    _check(k, n)
    _check_chance("p", p)
    return 1.0 if k == 0 else _incomplete_beta(k, n - k + 1, p)


def at_most(k: int, n: int, p: float) -> float:
    """P(X <= k), computed on its own rather than as a difference from 1, so that small tails keep their digits.

    Args:
        k: Successes, 0 to `n`.
        n: Independent trials.
        p: The chance of one success, 0 to 1.
    """
    _check(k, n)
    _check_chance("p", p)
    return 1.0 if k == n else _incomplete_beta(n - k, k + 1, 1.0 - p)


def interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of a chance after k successes in n trials, each tail (1 - confidence) / 2.

    Without trials it is (0, 1): nothing is known.

    Args:
        k: Successes, 0 to `n`.
        n: Independent trials.
        confidence: Of the statement, above 0 and below 1.

    Returns:
        The lower and the upper limit, 0 to 1 (Clopper and Pearson 1934).

    Raises:
        ValueError: Unless 0 <= k <= n and 0 < confidence < 1.
    """
    _check(k, n)
    one_sided = (1.0 + _confidence(confidence)) / 2.0
    return lower_bound(k, n, one_sided), upper_bound(k, n, one_sided)


@lru_cache(maxsize=4096)
def lower_bound(k: int, n: int, confidence: float = 0.95) -> float:
    """One-sided bound: the chance is at least this, with the given confidence. 0 where k is 0.

    Args:
        k: Successes, 0 to `n`.
        n: Independent trials.
        confidence: Of the statement, above 0 and below 1.

    Returns:
        A chance, 0 to 1.
    """
    _check(k, n)
    tail = 1.0 - _confidence(confidence)
    return 0.0 if k == 0 else _root(lambda p: at_least(k, n, p) < tail)


@lru_cache(maxsize=4096)
def upper_bound(k: int, n: int, confidence: float = 0.95) -> float:
    """One-sided bound: the chance is at most this, with the given confidence. 1 where k is n.

    Args:
        k: Successes, 0 to `n`.
        n: Independent trials.
        confidence: Of the statement, above 0 and below 1.

    Returns:
        A chance, 0 to 1.
    """
    _check(k, n)
    tail = 1.0 - _confidence(confidence)
    return 1.0 if k == n else _root(lambda p: at_most(k, n, p) > tail)


def _root(below: Callable[[float], bool]) -> float:
    """The point of (0, 1) up to which `below` holds, by bisection down to the last bit of a float."""
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2.0) < high:
        if below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized I_x(a, b), by DLMF 8.17.22 on the side of the mean where the fraction converges fast."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _continued_fraction(a, b, x) / a
    return 1.0 - front * _continued_fraction(b, a, 1.0 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Modified Lentz evaluation of the fraction of DLMF 8.17.22; needs about sqrt(max(a, b)) rounds."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at a={a}, b={b}, x={x}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"expected 0 <= k <= n, found k={k} successes in n={n} trials")


def _check_chance(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"expected {name} between 0 and 1, found {value}")


def _confidence(value: float) -> float:
    if not 0.0 < value < 1.0:
        raise ValueError(f"expected a confidence between 0 and 1 such as 0.95, found {value}")
    return value
