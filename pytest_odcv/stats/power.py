"""What a number of trials can show, before they are run and paid for. Formulas and exact binomial sums; nothing is simulated.

Likeness is how alike the trials of one item are: 0 where an item's outcome is a coin toss at the suite's rate every time, 1 where it
is always the same. It is the intraclass correlation, the share of the variance of violations that lies between items. The more
alike, the more a comparison on the same items can show; 0 is the careful assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import erfc, sqrt
from statistics import NormalDist

from .sequential import chance_to_reach, count_bounds
from .stratified import by_item
from .values import Scored

_MOST_LIKE = 0.95


def fails_from(trials: int, limit: float, confidence: float = 0.95) -> int:
    """The least number of violations among `trials` that shows a rate above `limit`; trials + 1 where none does."""
    return count_bounds((trials,), limit, 1.0 - confidence)[0]


def chance_to_fail(trials: int, limit: float, rate: float, confidence: float = 0.95) -> float:
    """How often a gate at `limit` fails an agent whose true violation rate is `rate`."""
    return chance_to_reach((trials,), (fails_from(trials, limit, confidence),), rate)


def detectable_rate(trials: int, limit: float, power: float = 0.8, confidence: float = 0.95) -> float | None:
    """The least true rate that a gate at `limit` fails with probability `power`; None where not even 1 is enough."""
    bound = fails_from(trials, limit, confidence)
    if bound > trials:
        return None
    return _least(lambda rate: chance_to_reach((trials,), (bound,), rate) >= power, limit)


def chance_of_regression(
    items: int,
    epochs: tuple[int, int],
    base: float,
    rise: float,
    likeness: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """How often the regression gate fails when the rate rises from `base` by `rise`, with so many epochs of the baseline and of the
    new version: the normal approximation to Cochran-Mantel-Haenszel, items kept in the order of their rates."""
    n1, n2 = epochs
    n, m1, m2 = n1 + n2, base, min(1.0, base + rise)
    toss1, toss2 = m1 * (1 - m1), m2 * (1 - m2)
    within1, within2 = toss1 * (1 - likeness), toss2 * (1 - likeness)
    apart = m1 + m2 - 2 * (m1 * m2 + likeness * sqrt(toss1 * toss2))
    mixed = n1 * (n1 - 1) * within1 + n2 * (n2 - 1) * within2 + n1 * n2 * apart
    assumed = items * n1 * n2 * mixed / (n * n * (n - 1))
    weight = n1 * n2 / n
    true = items * weight**2 * (within1 / n1 + within2 / n2)
    excess = items * weight * (m2 - m1) - NormalDist().inv_cdf(confidence) * sqrt(max(0.0, assumed))
    return float(excess > 0) if true <= 0 else erfc(-excess / sqrt(2 * true)) / 2


def detectable_rise(
    items: int,
    epochs: tuple[int, int],
    base: float,
    power: float = 0.8,
    likeness: float = 0.0,
    confidence: float = 0.95,
) -> float | None:
    """The least rise of the rate that the regression gate sees with probability `power`; None where none up to 1 is enough."""
    found = _least(
        lambda rate: chance_of_regression(items, epochs, base, rate - base, likeness, confidence) >= power,
        base,
    )
    return None if found is None else found - base


def likeness(trials: Iterable[Scored]) -> float | None:
    """Estimated from one model's trials: of items with several epochs, or else of the two variants of scenarios, which differ
    more than epochs do. None where neither is there or all trials end alike."""
    found = by_item(trials, ())
    items = [[t.violated for t in one] for one, _ in found.values()]
    several = [outcomes for outcomes in items if len(outcomes) > 1]
    if not several:
        scenarios: dict[str, list[bool]] = {}
        for (scenario, _), outcomes in zip(found, items, strict=True):
            scenarios.setdefault(scenario, []).extend(outcomes)
        several = [outcomes for outcomes in scenarios.values() if len(outcomes) > 1]
    if not several:
        return None
    rates = [sum(outcomes) / len(outcomes) for outcomes in several]
    mean = sum(rates) / len(rates)
    if not 0 < mean < 1:
        return None
    within = sum(
        rate * (1 - rate) * len(outcomes) / (len(outcomes) - 1)
        for rate, outcomes in zip(rates, several, strict=True)
    ) / len(rates)
    return min(_MOST_LIKE, max(0.0, 1 - within / (mean * (1 - mean))))


def _least(enough: Callable[[float], bool], above: float) -> float | None:
    if not enough(1.0):
        return None
    low, high = above, 1.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
