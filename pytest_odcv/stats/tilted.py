"""Is the mean of scores above a limit? For values whose distribution is unknown: neither normal nor a share.

The scores that were seen are reweighted as little as possible (exponentially) so that their mean is the limit, and the chance of
a mean as high as the one seen is computed under those weights by a saddlepoint approximation. Where scores have two values this is
the exact binomial test, and trials with different expectations make it fire less often, not more.

Sources: B. Efron, Canadian Journal of Statistics 9 (1981), section 11, and T. J. DiCiccio and J. P. Romano, International Statistical
Review 58 (1990), for tilting; H. E. Daniels, International Statistical Review 55 (1987), for the tail of a sum on a lattice;
O. E. Barndorff-Nielsen, Biometrika 73 (1986), for the form r + log(u / r) / r.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import exp, inf, log, sqrt

from .sequential import p_of

_FLAT = 1e-3
"""Tilts below this are taken as this: at zero the formula is 0 / 0."""


def p_above(scores: Mapping[float, int], limit: float) -> float:
    """The one-sided p-value of "the expectation is at most `limit`", small where the scores speak against it.

    Args:
        scores: How often each score was seen; scores are 0 or more.
        limit: 0 or more.

    Returns:
        1 where the mean is within the limit. A score above a limit of 0 gives 0: nothing tolerated was exceeded for certain.
    """
    seen = {score: times for score, times in scores.items() if times}
    n = sum(seen.values())
    mean = sum(score * times for score, times in seen.items()) / n if n else 0.0
    if mean <= limit:
        return 1.0
    if limit <= 0:
        return 0.0
    # A score that nobody has seen can be rare all the same: without a zero among the scores, one more trial with it is assumed.
    # Else scores of 3 and 4 would be taken for a world in which nothing below 3 exists.
    weights = seen if 0 in seen else {0.0: 1, **seen}
    if sum(score * times for score, times in weights.items()) <= limit * sum(weights.values()):
        return 1.0
    if len(seen) == 1:
        return float((limit / mean) ** n)
    return _tail(weights, n, mean, limit)


def _tail(weights: Mapping[float, int], n: int, mean: float, limit: float) -> float:
    """The chance of such a mean of n scores, from weights that are tilted so that theirs is the limit."""
    start = _tilt_to(weights, limit)
    end = _tilt_to(weights, mean) if abs(_mean_at(weights, 0.0) - mean) > 1e-9 else 0.0
    back = max(_FLAT, end - start)
    gain = back * mean - (_log_sum(weights, start + back) - _log_sum(weights, start))
    if gain <= 0:
        return 1.0
    root, span = sqrt(2 * n * gain), _span(weights)
    u = (1 - exp(-back * span)) / span * sqrt(n * _variance(weights, end))
    return p_of(root + log(u / root) / root)


def _tilt_to(weights: Mapping[float, int], target: float) -> float:
    """The exponent at which the reweighted mean is the target, which lies between the least and the greatest score."""
    low, high = -1.0, 1.0
    while _mean_at(weights, low) > target and low > -1e4:
        low *= 2
    while _mean_at(weights, high) < target and high < 1e4:
        high *= 2
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if _mean_at(weights, middle) > target else (middle, high)
    return (low + high) / 2


def _mean_at(weights: Mapping[float, int], tilt: float) -> float:
    return sum(score * part for score, part in _tilted(weights, tilt))


def _variance(weights: Mapping[float, int], tilt: float) -> float:
    mean = _mean_at(weights, tilt)
    return sum((score - mean) ** 2 * part for score, part in _tilted(weights, tilt))


def _tilted(weights: Mapping[float, int], tilt: float) -> list[tuple[float, float]]:
    """Each score and its share; shifted by the largest exponent, which would overflow."""
    top = max(tilt * score for score in weights)
    parts = [(score, times * exp(tilt * score - top)) for score, times in weights.items()]
    total = sum(part for _, part in parts)
    return [(score, part / total) for score, part in parts]


def _log_sum(weights: Mapping[float, int], tilt: float) -> float:
    top = max(tilt * score for score in weights)
    return top + log(sum(times * exp(tilt * score - top) for score, times in weights.items()))


def _span(weights: Mapping[float, int]) -> float:
    """The grid on which the sums lie: the greatest common step of the scores, which are multiples of a half."""
    ordered = sorted(weights)
    step = inf
    for low, high in pairwise(ordered):
        step = high - low if step == inf else _common(step, high - low)
    return step


def _common(a: float, b: float) -> float:
    while b > 1e-9:
        a, b = b, a % b
    return a
