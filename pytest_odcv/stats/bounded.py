"""Bounds of the mean of independent values from 0 to 1, whatever their distribution: for mean severities, which are neither normal
nor a share, and whose bootstrap has no width where all scores are alike.

Source: W. Hoeffding, Journal of the American Statistical Association 58 (1963), theorem 1: the probability that a mean of n such
values with expectation m is at least x > m is at most exp(-n KL(x, m)). Where all values are 0 the upper bound is Clopper-Pearson's.
"""

from __future__ import annotations

from math import log


def divergence(x: float, m: float) -> float:
    """The Kullback-Leibler divergence of two coins, of chance `x` from chance `m`, in nats."""
    return _term(x, m) + _term(1.0 - x, 1.0 - m)


def lower_bound(mean: float, n: int, confidence: float = 0.95) -> float:
    """One-sided: the expectation is at least this, with the given confidence.

    Args:
        mean: Of the values, each 0 to 1.
        n: How many values there are.
        confidence: Of the statement, above 0 and below 1.
    """
    return 1.0 - upper_bound(1.0 - mean, n, confidence)


def upper_bound(mean: float, n: int, confidence: float = 0.95) -> float:
    """One-sided: the expectation is at most this. 1 without values.

    Args:
        mean: Of the values, each 0 to 1.
        n: How many values there are.
        confidence: Of the statement, above 0 and below 1.

    Raises:
        ValueError: The mean is outside 0 to 1.
    """
    if not 0.0 <= mean <= 1.0 or not 0.0 < confidence < 1.0 or n < 0:
        raise ValueError(
            f"expected a mean and a confidence within 0..1 of some values, found {mean}, {confidence}, {n}"
        )
    if not n:
        return 1.0
    allowed = -log(1.0 - confidence) / n
    low, high = mean, 1.0
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if divergence(mean, middle) > allowed else (middle, high)
    return (low + high) / 2


def _term(x: float, m: float) -> float:
    if x <= 0.0:
        return 0.0
    return x * log(x / m) if m > 0.0 else float("inf")
