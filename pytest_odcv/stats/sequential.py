"""Looking at a test after every epoch without firing more often: boundaries of group sequential designs, in pure Python.

The error rate is spent over the looks: after a fraction t of the planned information, at most alpha * t**SPENDING of it. Whoever
stops early for lack of prospects may do so by any rule: that can only lower the error rate.

Sources: K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), for spending; K. Kim and D. L. DeMets, Biometrika 74 (1987), for the
power family; P. Armitage, C. K. McPherson and B. C. Rowe, JRSS A 132 (1969), for the recursion; C. Jennison and B. W. Turnbull,
Group Sequential Methods with Applications to Clinical Trials (2000), chapters 3, 7, 10 and 19.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import erfc, exp, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist

from .binomial import upper_bound

SPENDING = 1.5
PROSPECT, DOUBT = 0.10, 0.80
"""A test is given up when the chance that it still fires is below PROSPECT, even if the true rate is as high as its one-sided
upper bound at confidence DOUBT."""
_CELLS = 240
_STANDARD = NormalDist()


def spent(alpha: float, fraction: float) -> float:
    """How much of the error rate may be used up when this fraction (0..1) of the information is in."""
    return float(alpha * min(1.0, max(0.0, fraction)) ** SPENDING)


# --- counts ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def count_bounds(sizes: tuple[int, ...], chance: float, alpha: float) -> tuple[int, ...]:
    """For each look, the least count of successes that shows a chance above `chance`, exactly: with independent trials of that
    chance, the probability of reaching any bound is at most `alpha`.

    `sizes` are the trials in at each look, not falling; the last is the plan's end. A bound may be out of reach (size + 1).
    """
    _check_sizes(sizes)
    running, used, before, bounds = [1.0], 0.0, 0, []
    for size in sizes:
        running = _convolved(running, _pmf(size - before, chance))
        room, tail, bound = spent(alpha, size / max(1, sizes[-1])) - used, 0.0, size + 1
        while (
            bound > 0
            and (added := running[bound - 1] if bound <= len(running) else 0.0) + tail <= room + 1e-12
        ):
            tail, bound = tail + added, bound - 1
        bounds.append(bound)
        used, running, before = used + tail, running[:bound] or [0.0], size
    return tuple(bounds)


def chance_to_reach(
    sizes: Sequence[int], bounds: Sequence[int], chance: float, size: int = 0, count: int = 0
) -> float:
    """The probability that the count reaches one of the bounds, with trials of this chance, given `count` of `size` so far.

    `sizes` and `bounds` are those of the looks to come.
    """
    running, before, reached = [0.0] * count + [1.0], size, 0.0
    for now, bound in zip(sizes, bounds, strict=True):
        running = _convolved(running, _pmf(now - before, chance))
        reached += sum(running[bound:])
        running, before = running[:bound] or [0.0], now
    return reached


def count_is_hopeless(sizes: tuple[int, ...], bounds: tuple[int, ...], look: int, count: int) -> bool:
    """Whether the test should be given up after look number `look` (from 1) without having fired: see PROSPECT."""
    size = sizes[look - 1]
    if look >= len(sizes):
        return True
    believed = upper_bound(count, size, DOUBT) if size else 1.0
    return chance_to_reach(sizes[look:], bounds[look:], believed, size, count) < PROSPECT


def _check_sizes(sizes: Sequence[int]) -> None:
    if not sizes or sizes[0] < 0 or any(b < a for a, b in pairwise(sizes)):
        raise ValueError(f"expected numbers of trials that do not fall from look to look, found {sizes}")


@lru_cache(maxsize=512)
def _pmf(n: int, p: float) -> list[float]:
    """Probabilities of 0..n successes."""
    if p <= 0.0 or p >= 1.0:
        return [float(k == (n if p >= 1.0 else 0)) for k in range(n + 1)]
    a, b, whole = log(p), log1p(-p), lgamma(n + 1)
    return [exp(whole - lgamma(k + 1) - lgamma(n - k + 1) + k * a + (n - k) * b) for k in range(n + 1)]


def _convolved(one: list[float], other: list[float]) -> list[float]:
    found = [0.0] * (len(one) + len(other) - 1)
    for i, x in enumerate(one):
        if x > 1e-18:
            for j, y in enumerate(other):
                found[i + j] += x * y
    return found


# --- a standard normal statistic -------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def normal_bounds(fractions: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """For each look, the z from which a one-sided test fires, so that it fires with probability `alpha` in all if nothing is the
    matter. `fractions` are the shares of the planned information, rising to 1. The statistic's increments are taken as
    independent and normal, which holds for sums over trials and, with a fixed first sample, for differences of two means."""
    if not fractions or fractions[-1] != 1.0 or any(b <= a for a, b in pairwise((0.0, *fractions))):
        raise ValueError(f"expected rising shares of information that end at 1, found {fractions}")
    points, weights, used, before, bounds = [0.0], [1.0], 0.0, 0.0, []
    for fraction in fractions:
        step = sqrt(fraction - before)
        target = spent(alpha, fraction) - used
        bound = _root(lambda b: _crossing(points, weights, step, b) - target, -1.0, 9.0)  # noqa: B023
        bounds.append(bound / sqrt(fraction))
        used += target
        points, weights = _advance(points, weights, step, bound, sqrt(fraction))
        before = fraction
    return tuple(bounds)


def prospect(fractions: Sequence[float], bounds: Sequence[float], look: int, z: float) -> float:
    """The chance that the statistic still reaches its last bound after look number `look` (from 1), if the truth is as bad as the
    one-sided upper limit at confidence DOUBT of what was seen. Looks between are left out: they add next to nothing."""
    if look >= len(fractions):
        return 0.0
    now = fractions[look - 1]
    drift = z / sqrt(now) + _STANDARD.inv_cdf(DOUBT) / sqrt(now)
    missing = bounds[-1] - z * sqrt(now) - drift * (1 - now)
    return _above(missing / sqrt(1 - now))


def z_of(p: float) -> float:
    """The z whose one-sided p-value this is, held within -8..8."""
    return 8.0 if p <= 7e-16 else -8.0 if p >= 1 - 7e-16 else _STANDARD.inv_cdf(1 - p)


def _above(z: float) -> float:
    return erfc(z / sqrt(2)) / 2


def _crossing(points: Sequence[float], weights: Sequence[float], step: float, bound: float) -> float:
    return sum(w * _above((bound - s) / step) for s, w in zip(points, weights, strict=True))


def _advance(
    points: Sequence[float], weights: Sequence[float], step: float, bound: float, spread: float
) -> tuple[list[float], list[float]]:
    """The sum's density below the bound after one more step, as midpoints of equal cells with their probabilities."""
    low = min(-6.0 * spread, bound - 1.0)
    cell = (bound - low) / _CELLS
    middles = [low + (i + 0.5) * cell for i in range(_CELLS)]
    if len(points) == 1:
        return middles, [cell * exp(-0.5 * (s / step) ** 2) / (step * sqrt(2 * pi)) for s in middles]
    scale = cell / (step * sqrt(2 * pi))
    found = []
    for s in middles:
        found.append(
            scale * sum(w * exp(-0.5 * ((s - u) / step) ** 2) for u, w in zip(points, weights, strict=True))
        )
    return middles, found


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
