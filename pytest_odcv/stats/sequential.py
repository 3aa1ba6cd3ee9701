"""Looking at a test after every epoch without firing more often: boundaries of group sequential designs, in pure Python.

The error rate is spent over the looks: after a fraction t of the plan, at most alpha * t**SPENDING of it. Whoever stops early
because a test is futile may do so by any rule: that can only lower the error rate. The reverse holds too: who goes on after a
futile look, because another gate asks for more, must look again, and may.

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
from typing import NamedTuple

from .binomial import at_least, upper_bound

SPENDING, LATE = 1.5, 6.0
"""Exponents of what may be spent. Epochs add little to what scenarios show, so that there most of it is kept for the last look."""
FUTILE, DOUBT = 0.10, 0.80
"""A test is futile when the chance that it still fires is below FUTILE, even if the true rate is as high as its one-sided upper
bound at confidence DOUBT."""
_CELLS = 240
_NEGLIGIBLE = 1e-18
_STANDARD = NormalDist()


def alpha_spent(alpha: float, fraction: float, spending: float | None = None) -> float:
    """How much of the error rate may be used up when this fraction (0..1) of the plan is done.

    Args:
        alpha: The error rate of the whole plan.
        fraction: Of the plan that is done.
        spending: The exponent of the spending function alpha * fraction ** spending (Kim and DeMets 1987); by default the module's.
    """
    return float(alpha * min(1.0, max(0.0, fraction)) ** (spending or SPENDING))


def alpha_of_look(alpha: float, epoch: int, most: int, spending: float | None = None) -> float:
    """What one look may spend where the looks' statistics depend on each other in an unknown way: the shares of all looks sum to
    `alpha`, which is enough for any dependence (Bonferroni).

    Args:
        alpha: The error rate of the whole plan.
        epoch: The look, after this epoch, from 1.
        most: The epochs of the plan.
        spending: As in `alpha_spent`.
    """
    return alpha_spent(alpha, epoch / most, spending) - alpha_spent(alpha, (epoch - 1) / most, spending)


# --- counts ----------------------------------------------------------------------------------------------------------


class _Mass(NamedTuple):
    """Probabilities of the counts `first`, `first` + 1, ...; those outside are negligible or were taken out."""

    first: int
    chances: list[float]

    def tail(self, bound: int) -> float:
        return sum(self.chances[max(0, bound - self.first) :])

    def between(self, low: int, high: int) -> _Mass:
        """The counts above `low` and below `high`."""
        start, end = max(0, low + 1 - self.first), max(0, high - self.first)
        return _Mass(self.first + start, self.chances[start:end])

    def plus(self, trials: int, chance: float) -> _Mass:
        """After so many more independent trials of this chance."""
        other = _pmf(trials, chance)
        found = [0.0] * max(0, len(self.chances) + len(other.chances) - 1)
        for i, x in enumerate(self.chances):
            if x > _NEGLIGIBLE:
                for j, y in enumerate(other.chances, i):
                    found[j] += x * y
        return _Mass(self.first + other.first, found)


_NOTHING_YET = _Mass(0, [1.0])


@lru_cache(maxsize=256)
def count_bounds(
    sizes: tuple[int, ...], chance: float, alpha: float, fractions: tuple[float, ...] | None = None
) -> tuple[int, ...]:
    """For each look, the least count of successes that shows a chance above `chance`, exactly: with independent trials of that
    chance, the probability of reaching any bound is at most `alpha`.

    Args:
        sizes: Trials in at each look, not falling; the last is the plan's end.
        chance: The chance of success that is tested, 0..1.
        alpha: The error rate of all looks together.
        fractions: The share of the plan that is done at each look; by default the share of the trials. A share of the epochs does
            not change when trials are lost later, so that a look's bound stays what it was.

    Returns:
        A bound for each look; one that is out of reach is the look's size + 1.
    """
    _check_sizes(sizes)
    running, used, before, bounds = _NOTHING_YET, 0.0, 0, []
    done = fractions or tuple(size / max(1, sizes[-1]) for size in sizes)
    for size, fraction in zip(sizes, done, strict=True):
        running = running.plus(size - before, chance)
        bound, tail = _bound(running, size, alpha_spent(alpha, fraction) - used)
        bounds.append(bound)
        used, running, before = used + tail, running.between(-1, bound), size
    return tuple(bounds)


def _bound(running: _Mass, size: int, room: float) -> tuple[int, float]:
    """The least count whose upper tail fits into `room`, and that tail."""
    tail, bound = 0.0, min(size + 1, running.first + len(running.chances))
    if not running.chances:
        return size + 1, 0.0
    while bound > running.first and tail + running.chances[bound - 1 - running.first] <= room + 1e-12:
        bound -= 1
        tail += running.chances[bound - running.first]
    return bound, tail


def chance_to_reach(
    sizes: Sequence[int], bounds: Sequence[int], chance: float, size: int = 0, count: int = 0
) -> float:
    """The probability that the count reaches one of the bounds, with trials of this chance, given `count` of `size` so far.

    `sizes` and `bounds` are those of the looks to come.

    Args:
        sizes: Trials in all by each look to come, rising.
        bounds: The count from which each of these looks fires.
        chance: Of one success.
        size: Trials so far.
        count: Successes so far.
    """
    running, before, reached = _Mass(count, [1.0]), size, 0.0
    for now, bound in zip(sizes, bounds, strict=True):
        running = running.plus(now - before, chance)
        reached += running.tail(bound)
        running, before = running.between(-1, bound), now
    return reached


def count_is_futile(sizes: tuple[int, ...], bounds: tuple[int, ...], look: int, count: int) -> bool:
    """Whether to ask for no further epoch after look number `look` (from 1) without having fired: see FUTILE.

    Args:
        sizes: Trials in all by each look, rising.
        bounds: The count from which each look fires.
        look: Its number, from 1.
        count: Successes by then.
    """
    return count <= futile_up_to(sizes, bounds, look)


@lru_cache(maxsize=1024)
def futile_up_to(sizes: tuple[int, ...], bounds: tuple[int, ...], look: int) -> int:
    """The highest count at which the test is futile after a look, -1 where it is at none. More successes are never more futile.

    Args:
        sizes: Trials in all by each look, rising.
        bounds: The count from which each look fires.
        look: Its number, from 1.
    """
    low, high = -1, sizes[look - 1]
    if look >= len(sizes):
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _is_futile(sizes, bounds, look, middle) else (low, middle - 1)
    return low


def _is_futile(sizes: tuple[int, ...], bounds: tuple[int, ...], look: int, count: int) -> bool:
    """Looks between are left out: they add next to nothing."""
    size, missing = sizes[look - 1], bounds[-1] - count
    left = sizes[-1] - size
    if missing > left:
        return True
    believed = upper_bound(count, size, DOUBT) if size else 1.0
    return at_least(max(0, missing), left, believed) < FUTILE


@lru_cache(maxsize=1024)
def count_power(
    sizes: tuple[int, ...], bounds: tuple[int, ...], chance: float, stops: tuple[int, ...] = ()
) -> float:
    """The probability that a design fires with independent trials of this chance.

    `stops` are the counts up to which each look but the last ends the run as futile; by default those of `futile_up_to`.

    Args:
        sizes: Trials in all by each look, rising.
        bounds: The count from which each look fires.
        chance: Of one success.
        stops: The counts up to which each look but the last ends the run as futile.
    """
    running, before, reached = _NOTHING_YET, 0, 0.0
    for look, (now, bound) in enumerate(zip(sizes, bounds, strict=True), 1):
        running = running.plus(now - before, chance)
        reached += running.tail(bound)
        if look < len(sizes):
            stop = stops[look - 1] if stops else futile_up_to(sizes, bounds, look)
            running, before = running.between(stop, bound), now
    return min(1.0, reached)


def _check_sizes(sizes: Sequence[int]) -> None:
    if not sizes or sizes[0] < 0 or any(b < a for a, b in pairwise(sizes)):
        raise ValueError(f"expected numbers of trials that do not fall from look to look, found {sizes}")


@lru_cache(maxsize=512)
def _pmf(n: int, p: float) -> _Mass:
    """Probabilities of the successes that are not negligible."""
    if p <= 0.0 or p >= 1.0:
        return _Mass(n if p >= 1.0 else 0, [1.0])
    a, b, whole = log(p), log1p(-p), lgamma(n + 1)
    # 8 standard deviations, and 30 for the small n where the binomial has longer tails than the normal.
    reach = 8 * sqrt(n * p * (1 - p)) + 30
    low, high = max(0, int(n * p - reach)), min(n, int(n * p + reach))
    span = range(low, high + 1)
    return _Mass(low, [exp(whole - lgamma(k + 1) - lgamma(n - k + 1) + k * a + (n - k) * b) for k in span])


# --- a standard normal statistic -------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def normal_bounds(fractions: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    """For each look, the z from which a one-sided test fires, so that it fires with probability `alpha` in all if nothing is the
    matter. `fractions` are the shares of the planned information, rising to 1. The statistic's increments are taken as
    independent and normal, which holds for sums over trials and, with a fixed first sample, for differences of two means.

    Args:
        fractions: The shares of the planned information at each look, rising to 1.
        alpha: The one-sided error rate in all.

    Returns:
        One z a look, in standard deviations (Lan and DeMets 1983).
    """
    if not fractions or fractions[-1] != 1.0 or any(b <= a for a, b in pairwise((0.0, *fractions))):
        raise ValueError(f"expected rising shares of information that end at 1, found {fractions}")
    points, weights, used, before, bounds = [0.0], [1.0], 0.0, 0.0, []
    for fraction in fractions:
        step = sqrt(fraction - before)
        target = alpha_spent(alpha, fraction) - used
        bound = _root(lambda b: _crossing(points, weights, step, b) - target, -1.0, 9.0)  # noqa: B023
        bounds.append(bound / sqrt(fraction))
        used += target
        points, weights = _advance(points, weights, step, bound, sqrt(fraction))
        before = fraction
    return tuple(bounds)


def conditional_power(fractions: Sequence[float], bounds: Sequence[float], look: int, z: float) -> float:
    """The chance that the statistic still reaches its last bound after look number `look` (from 1), if the truth is as bad as the
    one-sided upper limit at confidence DOUBT of what was seen. Looks between are left out: they add next to nothing.

    Args:
        fractions: The shares of the planned information at each look, rising to 1.
        bounds: The z from which each look fires.
        look: The last look that was taken, from 1.
        z: The statistic there.

    Returns:
        A probability.
    """
    if look >= len(fractions):
        return 0.0
    now = fractions[look - 1]
    drift = z / sqrt(now) + _STANDARD.inv_cdf(DOUBT) / sqrt(now)
    missing = bounds[-1] - z * sqrt(now) - drift * (1 - now)
    return _above(missing / sqrt(1 - now))


def z_of(p: float) -> float:
    """The z whose one-sided p-value this is, held within -8..8."""
    return 8.0 if p <= 7e-16 else -8.0 if p >= 1 - 7e-16 else _STANDARD.inv_cdf(1 - p)


def p_of(z: float) -> float:
    """The one-sided p-value of a standard normal statistic."""
    return _above(z)


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
