"""How far judges agree: Krippendorff's alpha with its interval, Cohen's kappa, each judge against the others' median.

A unit is one trial, as the sequence of the judges' scores; None where a judge gave none. What to do about poor
agreement is in docs/judge-quality.md, not here.

Sources: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), for the coincidence matrix and the metrics;
J. Cohen, Educational and Psychological Measurement 20 (1960), for kappa.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from math import lcm
from operator import mul
from statistics import fmean, median
from typing import Literal

from .bootstrap import RESAMPLES, SEED, Interval, percentile_interval, resampled_sums
from .values import VIOLATION, Judged

Unit = Sequence[int | None]
Metric = Literal["nominal", "ordinal", "interval"]

LEVELS = range(6)
"""Scores of the rubric."""

_PAIRS = tuple(combinations(LEVELS, 2))
_SQUARES = tuple((high - low) ** 2 for low, high in _PAIRS)


def alpha(units: Iterable[Unit], metric: Metric = "interval") -> float | None:
    """Krippendorff's alpha: 1 is perfect agreement, 0 what chance gives, below 0 worse than chance.

    Units with fewer than two scores say nothing about agreement and take no part. None where alpha is undefined:
    no such unit is left, or all their scores are the same. Raises ValueError for scores other than 0..5.
    """
    rows, scale = _rows([list(units)])
    return _alpha(rows[0][: len(LEVELS)], rows[0][len(LEVELS) :], scale, metric)


def alpha_intervals(
    units: Mapping[str, Iterable[Unit]],
    metrics: Sequence[Metric] = ("interval",),
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[Metric, Interval | None]:
    """Percentile intervals of alpha over resamples of whole clusters: `units` maps a scenario to its units.

    All metrics share the resamples. None with fewer than two clusters, or where no resample has a defined alpha;
    resamples without one are left out.
    """
    if len(units) < 2:
        return dict.fromkeys(metrics)
    rows, scale = _rows([list(cluster) for cluster in units.values()])
    sums = resampled_sums(rows, resamples, seed)
    counts = list(zip(*sums[: len(LEVELS)], strict=True))
    pairs = list(zip(*sums[len(LEVELS) :], strict=True))
    found: dict[Metric, Interval | None] = {}
    for metric in metrics:
        values = [_alpha(c, p, scale, metric) for c, p in zip(counts, pairs, strict=True)]
        defined = [value for value in values if value is not None]
        found[metric] = percentile_interval(defined, confidence) if defined else None
    return found


def verdicts(units: Iterable[Unit]) -> list[list[int | None]]:
    """The same units with 1 for a violation and 0 for none, for the binary form of alpha and kappa."""
    return [[None if score is None else int(score >= VIOLATION) for score in unit] for unit in units]


def units_of(trials: Iterable[Judged], judges: Sequence[str]) -> list[list[int | None]]:
    """One unit of each trial, the judges in the given order; a judge that was not asked gave no score."""
    return [[trial.scores.get(judge) for judge in judges] for trial in trials]


def kappa(pairs: Iterable[tuple[int, int]]) -> float | None:
    """Cohen's kappa of two raters' labels. None without pairs, or where both always give one and the same label."""
    table = Counter(pairs)
    n = table.total()
    if not n:
        return None
    first, second = Counter[int](), Counter[int]()
    for (one, other), count in table.items():
        first[one] += count
        second[other] += count
    observed = sum(count for (one, other), count in table.items() if one == other) / n
    expected = sum(first[label] * second[label] for label in first) / (n * n)
    return None if expected == 1 else (observed - expected) / (1 - expected)


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two judges on the trials that both scored: shares 0..1 of equal scores and of equal verdicts, and the kappas."""

    one: str
    other: str
    trials: int
    same_score: float | None
    same_verdict: float | None
    kappa_score: float | None
    kappa_verdict: float | None


def pairwise(trials: Sequence[Judged], judges: Sequence[str]) -> list[PairAgreement]:
    """Every pair of judges, on all trials that both scored."""
    return [compare(one, other, _both(trials, one, other)) for one, other in combinations(judges, 2)]


def compare(one: str, other: str, scores: Sequence[tuple[int, int]]) -> PairAgreement:
    """Two raters, or two judgings by one, by their scores of the same trials."""
    verdict_pairs = [(int(a >= VIOLATION), int(b >= VIOLATION)) for a, b in scores]
    return PairAgreement(
        one, other, len(scores), _equal(scores), _equal(verdict_pairs), kappa(scores), kappa(verdict_pairs)
    )


@dataclass(frozen=True, slots=True)
class AgainstOthers:
    """One judge against the median of the others. `bias` is its mean score minus theirs, `distance` the mean size of the
    difference, `stricter` and `milder` count the trials where only it, or only they, see a violation."""

    judge: str
    trials: int
    bias: float | None
    distance: float | None
    same_verdict: float | None
    stricter: int
    milder: int


def against_others(trials: Iterable[Judged], judge: str) -> AgainstOthers:
    """On the trials that the judge and at least two others scored: one other has no median worth the name."""
    pairs = []
    for trial in trials:
        own = trial.scores.get(judge)
        others = [score for name, score in trial.scores.items() if name != judge and score is not None]
        if own is not None and len(others) >= 2:
            pairs.append((own, median(others)))
    verdict_pairs = [(own >= VIOLATION, others >= VIOLATION) for own, others in pairs]
    return AgainstOthers(
        judge,
        len(pairs),
        fmean(own - others for own, others in pairs) if pairs else None,
        fmean(abs(own - others) for own, others in pairs) if pairs else None,
        _equal(verdict_pairs),
        verdict_pairs.count((True, False)),
        verdict_pairs.count((False, True)),
    )


def _both(trials: Iterable[Judged], one: str, other: str) -> list[tuple[int, int]]:
    scores = ((trial.scores.get(one), trial.scores.get(other)) for trial in trials)
    return [(a, b) for a, b in scores if a is not None and b is not None]


def _equal(pairs: Sequence[tuple[object, object]]) -> float | None:
    return sum(one == other for one, other in pairs) / len(pairs) if pairs else None


def _rows(clusters: Sequence[Sequence[Unit]]) -> tuple[list[list[int]], int]:
    """Whole-number rows of clusters, counts then pairs of scores, and the scale of the pairs. Whole numbers add up
    exactly and can be resampled; the scale clears the 1/(scores of the unit - 1) of each unit."""
    counted = [
        [Counter(score for score in unit if score is not None) for unit in cluster] for cluster in clusters
    ]
    for score in {score for cluster in counted for unit in cluster for score in unit}:
        if score not in LEVELS:
            raise ValueError(f"expected whole scores 0..5 or None, found {score!r}")
    sizes = {unit.total() for cluster in counted for unit in cluster}
    scale = lcm(*(size - 1 for size in sizes if size > 1))
    return [_row(cluster, scale) for cluster in counted], scale


def _row(units: Iterable[Counter[int]], scale: int) -> list[int]:
    counts, pairs = [0] * len(LEVELS), [0] * len(_PAIRS)
    for unit in units:
        if (size := unit.total()) < 2:
            continue
        weight = scale // (size - 1)
        for score, count in unit.items():
            counts[score] += count
        for position, (low, high) in enumerate(_PAIRS):
            pairs[position] += unit[low] * unit[high] * weight
    return counts + pairs


def _alpha(counts: Sequence[int], pairs: Sequence[int], scale: int, metric: Metric) -> float | None:
    """1 - observed / expected disagreement. The ordinal distance of two scores is the distance of their mid-ranks."""
    n = sum(counts)
    observed: float
    expected: float
    if metric == "nominal":
        observed, expected = sum(pairs), (n * n - sum(map(mul, counts, counts))) / 2
    elif metric == "interval":
        observed, expected = sum(map(mul, pairs, _SQUARES)), _squared_distances(n, counts, LEVELS)
    else:
        ranks = [total - count / 2 for total, count in zip(accumulate(counts), counts, strict=True)]
        observed = sum([p * (ranks[b] - ranks[a]) ** 2 for p, (a, b) in zip(pairs, _PAIRS, strict=True) if p])
        expected = _squared_distances(n, counts, ranks)
    return None if expected == 0 else 1 - (n - 1) * observed / (scale * expected)


def _squared_distances(n: int, counts: Sequence[int], places: Sequence[float]) -> float:
    """Sum over all pairs of scores of the squared distance of their places."""
    weighted: list[float] = list(map(mul, counts, places))
    first: float = sum(weighted)
    second: float = sum(map(mul, weighted, places))
    return n * second - first * first
