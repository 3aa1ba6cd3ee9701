"""Two versions on the same items, at any number of epochs a side: is the second worse? Takes scores, knows no files.

The stratum is the item (scenario and variant). Given how many of an item's trials violate in both versions together, how many
of them are the second's is hypergeometric if the versions are equally bad, whatever the item's own rate. `compare` has the
normal approximation of their sum (Cochran-Mantel-Haenszel); here are its exact distribution, the same test for scores in place of
violations, and the choice between them that the gate makes.

Sources: N. Mantel and W. Haenszel, Journal of the National Cancer Institute 22 (1959); N. Mantel, Journal of the American
Statistical Association 58 (1963), for scores; H. O. Lancaster, JASA 56 (1961), for the mid-p value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, erfc, lcm, sqrt
from statistics import NormalDist

from .bootstrap import RESAMPLES, SEED, Interval, percentile_interval, resampled_sums
from .compare import Table, of_tables
from .permutation import shift_of_tables
from .values import Scored

Item = tuple[str, str]
Sides = tuple[tuple[Scored, ...], tuple[Scored, ...]]


def by_item(first: Iterable[Scored], second: Iterable[Scored]) -> dict[Item, Sides]:
    """The scored trials of both sides of every item that either has, in order of first sight."""
    found: dict[Item, tuple[list[Scored], list[Scored]]] = {}
    for side, trials in enumerate((first, second)):
        for trial in trials:
            own = found.setdefault(trial.trial.item, ([], []))
            if trial.score is not None:
                own[side].append(trial)
    return {item: (tuple(one), tuple(other)) for item, (one, other) in found.items()}


@dataclass(frozen=True, slots=True)
class Exact:
    """One-sided p-values for the second being worse, from the exact conditional distribution: the plain one, which is never
    too small, and the mid-p, which counts half of the outcomes as extreme as the observed one."""

    p_worse: float
    p_worse_mid: float


def exact(items: Iterable[Table]) -> Exact:
    """At one epoch a side this is McNemar's exact test. Where no item tells the two apart, both are 1. Whole numbers throughout: the polynomial whose coefficients count the
    outcomes is one big integer, and a product over items is a product of such integers."""
    strata: Counter[tuple[int, int, int]] = Counter()
    observed = 0
    for a, b, c, d in items:
        if (a + b) * (c + d) * (a + c) * (b + d):
            strata[a + b, c + d, a + c] += 1
            observed += c
    if not strata:
        return Exact(1.0, 1.0)
    outcomes = 1
    for (n1, n2, k), times in strata.items():
        outcomes *= comb(n1 + n2, k) ** times
    width = outcomes.bit_length() + 1
    counts = 1
    for (n1, n2, k), times in strata.items():
        ways = sum(comb(n2, x) * comb(n1, k - x) << (width * x) for x in range(min(n2, k) + 1))
        counts *= ways**times
    digit = (1 << width) - 1
    here, above = (counts >> (width * observed)) & digit, (counts >> (width * (observed + 1))) % digit
    return Exact((here + above) / outcomes, (here + 2 * above) / (2 * outcomes))


@dataclass(frozen=True, slots=True)
class Worse:
    """The p-value that decides whether the second version is worse, one-sided, and which test gave it."""

    p: float
    test: str


CMH, EXACT = "Cochran-Mantel-Haenszel", "exact stratified mid-p"


def worse(items: Iterable[Table]) -> Worse:
    """Cochran-Mantel-Haenszel where both sides have as many trials of every item, else the mid-p of the exact distribution.

    With five epochs against one the normal approximation is skewed and fires too often at low rates; with equal numbers it is
    symmetric, and the mid-p hardly ever fires where few items differ. `benchmarks/gate_error_rates.py` shows both.
    """
    both = [(a, b, c, d) for a, b, c, d in items if a + b and c + d]
    if all(a + b == c + d for a, b, c, d in both):
        return Worse(of_tables(both).p_worse, CMH)
    return Worse(shift_of_tables(both).p_worse, EXACT)


@dataclass(frozen=True, slots=True)
class ScoreShift:
    """Mantel's test of the scores: `z` is None where no item's scores differ, and `p_worse` then 1."""

    z: float | None
    p_worse: float
    items: int


def score_shift(first: Iterable[Scored], second: Iterable[Scored]) -> ScoreShift:
    """Whether the second side's scores are higher within items. Of scores that are only 0 and 1 it is Cochran-Mantel-Haenszel."""
    excess, variance, items = 0.0, 0.0, 0
    for one, other in by_item(first, second).values():
        scores = [trial.score or 0.0 for trial in (*one, *other)]
        n, mean = len(scores), sum(scores) / max(1, len(scores))
        spread = sum((score - mean) ** 2 for score in scores)
        if not one or not other or not spread:
            continue
        excess += sum(trial.score or 0.0 for trial in other) - len(other) * mean
        variance += len(one) * len(other) * spread / (n * (n - 1))
        items += 1
    if not items:
        return ScoreShift(None, 1.0, 0)
    z = excess / sqrt(variance)
    return ScoreShift(z, erfc(z / sqrt(2)) / 2, items)


@dataclass(frozen=True, slots=True)
class Effect:
    """Second minus first, averaged over the items that both have: violation rate in shares, severity in points.

    The intervals allow for chance in the trials of these items, and go with the tests: a normal interval with the spread that the
    items' trials have if the versions are equally bad, None where no item's trials differ. Those `over_scenarios` resample
    scenarios, and say what to expect on others of the kind; None below two scenarios or where none changed, and too narrow for
    ten or fewer.
    """

    rate: float
    severity: float
    rate_interval: Interval | None
    severity_interval: Interval | None
    rate_over_scenarios: Interval | None
    severity_over_scenarios: Interval | None
    items: int
    scenarios: int


def effect(
    first: Iterable[Scored],
    second: Iterable[Scored],
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Effect:
    """Every item counts once, however many epochs a side has. Without `resamples` there are no intervals over scenarios.
    Raises ValueError where no item has scored trials of both."""
    shared = {item: sides for item, sides in by_item(first, second).items() if all(sides)}
    if not shared:
        raise ValueError("expected an item with scored trials of both sides, found none")
    unit = lcm(*(len(one) * len(other) for one, other in shared.values()))
    clusters: dict[str, list[int]] = {}
    spread = [0.0, 0.0]
    for (scenario, _), sides in shared.items():
        row = clusters.setdefault(scenario, [0, 0, 0])
        row[0] += 1
        for position, doubled in ((1, _violations), (2, _scores)):
            one, other = doubled(sides[0]), doubled(sides[1])
            row[position] += _change(one, other, unit)
            spread[position - 1] += _spread(one, other)
    items, rates, severities = (sum(column) for column in zip(*clusters.values(), strict=True))
    means = rates / (2 * unit * items), severities / (2 * unit * items)
    over = _over_scenarios(list(clusters.values()), 2 * unit, confidence, resamples, seed)
    return Effect(
        rate=means[0],
        severity=means[1],
        rate_interval=_normal_interval(means[0], sqrt(spread[0]) / 2 / items, confidence, 1.0),
        severity_interval=_normal_interval(means[1], sqrt(spread[1]) / 2 / items, confidence, 5.0),
        rate_over_scenarios=over[0],
        severity_over_scenarios=over[1],
        items=items,
        scenarios=len(clusters),
    )


def _normal_interval(mean: float, error: float, confidence: float, most: float) -> Interval | None:
    """Held within -most..most; None without an error."""
    half = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return (max(-most, mean - half), min(most, mean + half)) if error else None


def _over_scenarios(
    clusters: Sequence[Sequence[int]], scale: int, confidence: float, resamples: int, seed: int
) -> list[Interval | None]:
    intervals: list[Interval | None] = [None, None]
    if len(clusters) > 1 and resamples:
        drawn = resampled_sums(clusters, resamples, seed)
        for position in (1, 2):
            if any(row[position] for row in clusters):
                values = [total / (n * scale) for total, n in zip(drawn[position], drawn[0], strict=True)]
                intervals[position - 1] = percentile_interval(values, confidence)
    return intervals


def _violations(trials: Sequence[Scored]) -> list[int]:
    """Doubled, as scores are, so that both are whole numbers."""
    return [2 * trial.violated for trial in trials]


def _scores(trials: Sequence[Scored]) -> list[int]:
    return [round(2 * (trial.score or 0.0)) for trial in trials]


def _change(one: Sequence[int], other: Sequence[int], unit: int) -> int:
    """The difference of two means of whole numbers, in units of 1 / `unit`."""
    return sum(other) * (unit // len(other)) - sum(one) * (unit // len(one))


def _spread(one: Sequence[int], other: Sequence[int]) -> float:
    """The variance of the difference of the two means if it is chance which trial is on which side."""
    together = [*one, *other]
    mean = sum(together) / len(together)
    squares = sum((value - mean) ** 2 for value in together)
    return squares / (len(together) - 1) * (1 / len(one) + 1 / len(other))
