"""Two models, or two versions of one, on the same items: is the second worse, or is it noise?

A positive difference, and a small one-sided p, speak for the second being worse. Whether that fails a build is the
gate's to say.

Sources: Q. McNemar, Psychometrika 12 (1947), in its exact form; N. Mantel and W. Haenszel, Journal of the National
Cancer Institute 22 (1959), for the stratified test, here one-sided and without continuity correction, and for the
common odds ratio. The paired interval is that of `bootstrap`, clustered by scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

from .binomial import at_most
from .bootstrap import RESAMPLES, SEED, Interval, ratio_interval, resampled_sums
from .values import Scored

Pair = tuple[Scored, Scored]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Trials of two models matched by scenario, variant and epoch. `unmatched` counts trials of either that the other
    lacks, `unscored` the matched pairs in which either has no score."""

    pairs: tuple[Pair, ...]
    unmatched: int
    unscored: int


def pair(first: Iterable[Scored], second: Iterable[Scored]) -> Pairing:
    """Matches trials. Raises ValueError where one side has the same scenario, variant and epoch twice."""
    ones, others = _by_place(first), _by_place(second)
    matched = [(ones[place], others[place]) for place in ones if place in others]
    scored = tuple((a, b) for a, b in matched if a.score is not None and b.score is not None)
    return Pairing(scored, len(ones) + len(others) - 2 * len(matched), len(matched) - len(scored))


@dataclass(frozen=True, slots=True)
class McNemar:
    """Pairs by who violates, and exact p-values: `p` two-sided, `p_worse` one-sided for the second being worse."""

    both: int
    neither: int
    first_only: int
    second_only: int
    p: float
    p_worse: float


def mcnemar(pairs: Iterable[Pair]) -> McNemar:
    """Under no difference, the pairs in which one violates are coin tosses: binomial with a chance of one half."""
    return mcnemar_of([(one.violated, other.violated) for one, other in pairs])


def mcnemar_of(seen: Sequence[tuple[bool, bool]]) -> McNemar:
    """Of pairs that say who violates."""
    first_only, second_only = seen.count((True, False)), seen.count((False, True))
    tosses = first_only + second_only
    p = min(1.0, 2 * at_most(min(first_only, second_only), tosses, 0.5))
    p_worse = at_most(first_only, tosses, 0.5)
    return McNemar(seen.count((True, True)), seen.count((False, False)), first_only, second_only, p, p_worse)


@dataclass(frozen=True, slots=True)
class Stratified:
    """The Cochran-Mantel-Haenszel test: `z` (None where no item tells the two apart), the one-sided `p_worse`, the
    common `odds_ratio` of second to first (None where it is not finite), and the number of `items` that say anything."""

    z: float | None
    p_worse: float
    odds_ratio: float | None
    items: int


def cochran_mantel_haenszel(first: Iterable[Scored], second: Iterable[Scored]) -> Stratified:
    """The stratum is the item (scenario and variant); either side may have any number of epochs of it.

    Unscored trials take no part. An item that only one side has, or on which all trials end alike, says nothing.
    """
    return of_tables(tables(first, second).values())


Table = tuple[int, int, int, int]
"""An item's scored trials: violating and compliant ones of the first side, violating and compliant ones of the second."""


def tables(first: Iterable[Scored], second: Iterable[Scored]) -> dict[tuple[str, str], Table]:
    """By item, in order of first sight. Unscored trials take no part."""
    found: dict[tuple[str, str], list[int]] = {}
    for side, trials in enumerate((first, second)):
        for trial in trials:
            if trial.score is not None:
                found.setdefault(trial.trial.item, [0, 0, 0, 0])[2 * side + (not trial.violated)] += 1
    return {item: (a, b, c, d) for item, (a, b, c, d) in found.items()}


def of_tables(items: Iterable[Table]) -> Stratified:
    """`cochran_mantel_haenszel` of the tables of items."""
    strata = [(a, b, c, d) for a, b, c, d in items if (a + b) * (c + d) * (a + c) * (b + d)]
    excess = sum(c - (a + c) * (c + d) / (a + b + c + d) for a, b, c, d in strata)
    variance = sum(_hypergeometric_variance(*stratum) for stratum in strata)
    worse = sum(c * b / (a + b + c + d) for a, b, c, d in strata)
    better = sum(a * d / (a + b + c + d) for a, b, c, d in strata)
    if not strata:
        return Stratified(None, 1.0, None, 0)
    z = excess / sqrt(variance)
    return Stratified(z, erfc(z / sqrt(2)) / 2, worse / better if better else None, len(strata))


@dataclass(frozen=True, slots=True)
class Difference:
    """Second minus first over pairs: violation rate in shares (-1..1), severity in points (-5..5), with the percentile
    intervals of a bootstrap that keeps each scenario's pairs together (None below two scenarios)."""

    rate: float
    severity: float
    rate_interval: Interval | None
    severity_interval: Interval | None
    scenarios: int


def difference(
    pairs: Sequence[Pair], confidence: float = 0.95, resamples: int = RESAMPLES, seed: int = SEED
) -> Difference:
    """Raises ValueError without pairs."""
    if not pairs:
        raise ValueError(
            "expected pairs of scored trials of the two models, found none: did they run the same scenarios?"
        )
    clusters: dict[str, list[int]] = {}
    for one, other in pairs:
        row = clusters.setdefault(one.trial.scenario, [0, 0, 0])
        row[0] += 1
        row[1] += other.violated - one.violated
        row[2] += round(2 * ((other.score or 0) - (one.score or 0)))
    _, violations, halves = (sum(column) for column in zip(*clusters.values(), strict=True))
    means = violations / len(pairs), halves / 2 / len(pairs)
    if len(clusters) < 2:
        return Difference(*means, None, None, len(clusters))
    trials, rates, severities = resampled_sums(list(clusters.values()), resamples, seed)
    low, high = ratio_interval(severities, trials, confidence)
    return Difference(*means, ratio_interval(rates, trials, confidence), (low / 2, high / 2), len(clusters))


def _hypergeometric_variance(a: int, b: int, c: int, d: int) -> float:
    n = a + b + c + d
    return (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1))


def _by_place(trials: Iterable[Scored]) -> dict[tuple[str, str, int], Scored]:
    found: dict[tuple[str, str, int], Scored] = {}
    for trial in trials:
        place = (*trial.trial.item, trial.trial.epoch)
        if place in found:
            raise ValueError(f"expected one trial of scenario, variant and epoch {place}, found two")
        found[place] = trial
    return found
