"""What a number of trials can show, before they are run and paid for. Rates by exact binomial sums; comparisons by a seeded simulation
of the very functions that decide, because normal formulas promise too much for small suites and for unequal epochs.

`icc` is how alike the trials of one item are: 0 where an item's outcome is a coin toss at the suite's rate every time, 1 where it is
always the same. It is the intraclass correlation, the share of the variance of violations that lies between items. The more alike,
the more a comparison on the same items can show; 0 is the careful assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, log
from random import Random

from .compare import Table
from .sequential import chance_to_reach, count_bounds
from .stratified import by_item
from .values import Scored

POWER = 0.8
"""What a test must see its alternative with to count as able to see it."""
SIMULATIONS, SEED = 400, 1107
_MOST_ALIKE = 0.95
_MOST_TRIALS = 1_000_000

# --- rates -----------------------------------------------------------------------------------------------------------


def fails_from(trials: int, limit: float, confidence: float = 0.95) -> int:
    """The least number of violations among `trials` that shows a rate above `limit`; trials + 1 where none does.

    Args:
        trials: Independent ones.
        limit: The gate's, a rate of 0 to 1.
        confidence: Of the statement, above 0 and below 1.
    """
    return count_bounds((trials,), limit, 1.0 - confidence)[0]


def rate_power(trials: int, limit: float, rate: float, confidence: float = 0.95) -> float:
    """How often a gate at `limit` fails an agent whose true violation rate is `rate`.

    Args:
        trials: Independent ones.
        limit: The gate's, a rate of 0 to 1.
        rate: The agent's true rate, 0 to 1.
        confidence: Of the statement, above 0 and below 1.

    Returns:
        A probability.
    """
    return chance_to_reach((trials,), (fails_from(trials, limit, confidence),), rate)


def detectable_rate(
    trials: int, limit: float, power: float = POWER, confidence: float = 0.95
) -> float | None:
    """The least true rate that a gate at `limit` fails with probability `power`; None where not even 1 is enough.

    Args:
        trials: Independent ones.
        limit: The gate's, a rate of 0 to 1.
        power: The probability of failing that is asked for.
        confidence: Of the statement, above 0 and below 1.
    """
    bound = fails_from(trials, limit, confidence)
    if bound > trials:
        return None
    return _least(lambda rate: chance_to_reach((trials,), (bound,), rate) >= power, limit)


def trials_needed(limit: float, rate: float, power: float = POWER, confidence: float = 0.95) -> int | None:
    """The least number of trials from which on a gate at `limit` fails a true `rate` with probability `power`; None beyond a
    million. Power is not monotone in single trials, so the answer is a number whose successor is enough as well.

    Args:
        limit: The gate's, a rate of 0 to 1.
        rate: The true rate that is to be seen.
        power: The probability of failing that is asked for.
        confidence: Of the statement, above 0 and below 1.
    """
    if rate <= limit:
        return None

    def enough(trials: int) -> bool:
        return all(rate_power(n, limit, rate, confidence) >= power for n in (trials, trials + 1))

    high = 1
    while not enough(high):
        high *= 2
        if high > _MOST_TRIALS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def clean_trials_needed(limit: float, confidence: float = 0.95) -> int | None:
    """How many trials without a violation show that the rate is below `limit`; None where none do.

    Args:
        limit: The gate's, a rate of 0 to 1.
        confidence: Of the statement, above 0 and below 1.
    """
    if limit <= 0:
        return None
    return 1 if limit >= 1 else ceil(log(1 - confidence) / log(1 - limit) - 1e-9)


# --- comparisons -----------------------------------------------------------------------------------------------------

Test = Callable[[Sequence[Table]], bool]
"""Whether the tables of the items show what is asked."""


def seen(
    test: Test,
    items: int,
    epochs: tuple[int, int],
    base: float,
    rise: float,
    icc: float = 0.0,
    simulations: int = SIMULATIONS,
) -> float:
    """How often a test of tables fires with so many items and epochs of the baseline and of the new version.

    Args:
        base: The baseline's rate. Items have rates of their own around it, from a beta distribution with this `icc`.
        rise: By how much the mean rate rises: the same share of each item's compliant trials turns. Negative for an improvement.
    """
    draw = Random(SEED)
    hits = sum(test(_tables(draw, items, epochs, base, rise, icc)) for _ in range(simulations))
    return hits / simulations


def _tables(
    draw: Random, items: int, epochs: tuple[int, int], base: float, rise: float, icc: float
) -> list[Table]:
    one, other = epochs
    found: list[Table] = []
    for _ in range(items):
        old = item_rate(draw, base, icc)
        new = risen(old, rise, base)
        a, c = binomial(draw, one, old), binomial(draw, other, new)
        found.append((a, one - a, c, other - c))
    return found


def item_rate(draw: Random, mean: float, icc: float) -> float:
    """An item's own rate, from a beta distribution.

    Args:
        draw: The source of chance.
        mean: Of the rates, 0 to 1.
        icc: The correlation of two trials of one item; the distribution has the shape parameters mean (1 - icc) / icc and (1 - mean) (1 - icc) / icc.
    """
    if icc <= 0 or not 0 < mean < 1:
        return mean
    spread = 1 / min(icc, _MOST_ALIKE) - 1
    return draw.betavariate(mean * spread, (1 - mean) * spread)


def risen(rate: float, rise: float, mean: float) -> float:
    """An item's rate after the suite's mean rate rose: by the same share of what is left up to 1 (or down to 0)."""
    if rise >= 0:
        return 1.0 if mean >= 1 else min(1.0, rate + (1 - rate) * rise / (1 - mean))
    return 0.0 if mean <= 0 else max(0.0, rate * (1 + rise / mean))


def binomial(draw: Random, trials: int, chance: float) -> int:
    """The successes of so many independent trials."""
    return sum(draw.random() < chance for _ in range(trials))


def detectable_rise(
    test: Test,
    items: int,
    epochs: tuple[int, int],
    base: float,
    power: float = POWER,
    icc: float = 0.0,
    simulations: int = SIMULATIONS,
) -> float | None:
    """The least rise of the rate that a test sees with probability `power`, to a quarter of a point; None where none up to 1 does.

    Args:
        test: What decides on the counts of two versions.
        items: Scenarios times variants.
        epochs: Trials of an item before and after.
        base: The mean rate before, 0 to 1.
        power: The probability of seeing the rise that is asked for.
        icc: The correlation of two trials of one item.
        simulations: For each rise that is tried.

    Returns:
        A difference of rates, 0 to 1.
    """
    found = _least(
        lambda rate: seen(test, items, epochs, base, rate - base, icc, simulations) >= power, base, 0.0025
    )
    return None if found is None else found - base


def icc(trials: Iterable[Scored]) -> float | None:
    """Estimated from one model's trials: of items with several epochs, or else of the two variants of scenarios, which differ
    more than epochs do. None where neither is there or all trials end alike."""
    found = by_item(trials, ())
    counts = [(sum(trial.violated for trial in one), len(one)) for one, _ in found.values()]
    return icc_of([scenario for scenario, _ in found], counts)


def icc_of(scenarios: Sequence[str], counts: Sequence[tuple[int, int]]) -> float | None:
    """The same of the violations and trials of items, whose scenarios are named beside."""
    groups = list(counts)
    if not any(n > 1 for _, n in groups):
        pooled: dict[str, tuple[int, int]] = {}
        for scenario, (k, n) in zip(scenarios, counts, strict=True):
            before = pooled.get(scenario, (0, 0))
            pooled[scenario] = (before[0] + k, before[1] + n)
        groups = list(pooled.values())
    several = [(k, n) for k, n in groups if n > 1]
    if not several:
        return None
    rates = [k / n for k, n in several]
    mean = sum(rates) / len(rates)
    if not 0 < mean < 1:
        return None
    within = sum(rate * (1 - rate) * n / (n - 1) for rate, (_, n) in zip(rates, several, strict=True))
    return min(_MOST_ALIKE, max(0.0, 1 - within / len(rates) / (mean * (1 - mean))))


def _least(enough: Callable[[float], bool], above: float, within: float = 1e-5) -> float | None:
    if not enough(1.0):
        return None
    low, high = above, 1.0
    while high - low > within:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
