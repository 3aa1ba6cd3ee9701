"""Watching a rate build after build, as often as one likes, without crying wolf: a test that may be looked at after every build.

The evidence that the rate is above a limit is a bet that nobody can be expected to win while it is not: 1 at the beginning, multiplied by
how much likelier each trial is under a higher rate. By Ville's inequality it ever reaches 1 / alpha with probability alpha at most,
however many builds there are, and whatever rates the items have around their mean. The bet is spread over several higher rates and
over the builds at which the rate may have risen, so that a long good past does not hide a change.

Sources: J. Ville, Étude critique de la notion de collectif (1939); G. Shafer, JRSS A 184 (2021); J. Shin, A. Ramdas and A. Rinaldo,
New England Journal of Statistics in Data Science 2 (2024), for changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

_TIMES = (1.5, 2.0, 3.0, 4.0, 6.0)
"""The higher rates that are betted on, as multiples of the limit, each with an equal part."""


def evidence(builds: Sequence[tuple[int, int]], limit: float) -> list[float]:
    """After each build of violations and trials, the evidence that the rate is or has come to be above `limit` (between 0 and 1).

    The first build as the one where it rose gets half of the stake, the second a sixth, build number j 1 / (j (j + 1)); what is left
    for builds to come is kept.
    """
    if not 0 < limit < 1:
        raise ValueError(f"expected a limit between 0 and 1, found {limit}")
    rates = sorted({min(times * limit, (1 + limit) / 2) for times in _TIMES})
    found: list[float] = []
    sums: list[list[float]] = []
    for number, (hits, trials) in enumerate(builds, 1):
        gains = [_gain(hits, trials, rate, limit) for rate in rates]
        sums = [
            [total + gain for total, gain in zip(own, gains, strict=True)]
            for own in [*sums, [0.0] * len(rates)]
        ]
        stakes = [1 / (start * (start + 1)) for start in range(1, number + 1)]
        won = sum(
            stake * sum(exp(min(total, 700.0)) for total in own) / len(rates)
            for stake, own in zip(stakes, sums, strict=True)
        )
        found.append(won + 1 / (number + 1))
    return found


def _gain(hits: int, trials: int, rate: float, limit: float) -> float:
    """How much likelier the build is at `rate` than at the limit, as a logarithm."""
    return hits * log(rate / limit) + (trials - hits) * log((1 - rate) / (1 - limit))
