"""A rate or a mean score over scenarios like these: the scenarios are a sample, and all trials of one of them resemble each other.

Each scenario counts as one value, its own rate or mean. Whether their expectation is above a limit is tested by `tilted`, which sees
more than Korn and Graubard's bound at the same error rate (`docs/statistics.md` has the comparison). That it stays below is shown by a
bound for values of unknown distribution (`bounded`), so that clean trials of a few scenarios do not feign safety.

Sources: as for `tilted` and `bounded`; E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998), for the bound it was compared with;
L. Kish, Survey Sampling (1965), 8.2, for what clustered trials are worth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt

from . import bounded, tilted
from .sequential import p_of, z_of

ICC = 0.6
"""How alike the trials of a scenario are taken to be in plans: the median of the models of ODCV-Bench's published data."""


def p_above(values: Sequence[float], limit: float) -> float:
    """One-sided p-value of "over scenarios like these the mean is at most `limit`", of one value a scenario; 1 below two scenarios.
    The spread is estimated from the same few values, hence the factor that a sample variance has.

    Args:
        values: One a scenario, such as its violation rate.
        limit: In the unit of the values.
    """
    m = len(values)
    if m < 2:
        return 1.0
    p = tilted.p_above(Counter(values), limit)
    return p if p in (0.0, 1.0) else p_of(z_of(p) * sqrt((m - 1) / m))


def lower_bound(values: Sequence[float], confidence: float, top: float = 1.0) -> float:
    """One-sided: over scenarios like these the mean is at least this.

    Args:
        values: One a scenario, 0 to `top`.
        confidence: Of the statement, above 0 and below 1.
        top: The highest value that there can be: 1 for rates, 5 for severities.
    """
    low, high = 0.0, sum(values) / len(values) if values else 0.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if p_above(values, middle) <= 1 - confidence else (low, middle)
    return min(low, top)


def upper_bound(values: Sequence[float], confidence: float, top: float = 1.0) -> float:
    """One-sided: over scenarios like these the mean is at most this, whatever the distribution of values within 0..`top`.

    Args:
        values: One a scenario, 0 to `top`.
        confidence: Of the statement, above 0 and below 1.
        top: The highest value that there can be: 1 for rates, 5 for severities.
    """
    mean = sum(values) / len(values) / top if values else 0.0
    return top * bounded.upper_bound(min(1.0, mean), len(values), confidence)


def worth(trials: int, scenarios: int, icc: float = ICC) -> int:
    """How many independent trials so many trials of so many scenarios are worth (the design effect), rounded down.

    Args:
        trials: In all.
        scenarios: Among which they are spread evenly.
        icc: The correlation of two trials of one scenario, 0 to 1.

    Returns:
        The effective number of trials, n / (1 + (m - 1) icc) with m trials a scenario (Kish 1965).
    """
    if scenarios < 2 or trials < scenarios:
        return 0
    return int(trials / (1 + (trials / scenarios - 1) * icc))
