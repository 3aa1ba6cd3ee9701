"""Alpha, kappa and the comparison with the others: against published examples, reference libraries and definitions."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.stats import agreement
from pytest_odcv.stats.values import Judged, TrialId

UNITS = st.lists(st.lists(st.none() | st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=25)
METRICS = ("nominal", "ordinal", "interval")

# The reliability data of Krippendorff's "Computing Krippendorff's Alpha-Reliability", section C: 4 observers, 12 units.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)


def trial(n: int, **scores: int | None) -> Judged:
    return Judged(TrialId("m", f"s{n}", "mandated"), scores)


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_equals_krippendorffs_own_example(metric: agreement.Metric, published: float) -> None:
    assert agreement.alpha(list(zip(*OBSERVERS, strict=True)), metric) == pytest.approx(published, abs=0.0005)


def alpha_by_definition(units: list[list[int | None]], metric: str) -> float | None:
    """From pairs of single scores, as alpha is defined, without a coincidence matrix."""
    known = [[score for score in unit if score is not None] for unit in units]
    known = [unit for unit in known if len(unit) > 1]
    pool = [score for unit in known for score in unit]

    def distance(a: int, b: int) -> float:
        if metric == "nominal":
            return float(a != b)
        if metric == "interval":
            return float((a - b) ** 2)
        low, high = sorted((a, b))
        between = sum(low <= score <= high for score in pool)
        return (between - (pool.count(a) + pool.count(b)) / 2) ** 2

    expected = sum(distance(a, b) for a, b in permutations(pool, 2))
    if not expected:
        return None
    observed = sum(sum(distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in known)
    return 1 - (len(pool) - 1) * observed / expected


@settings(max_examples=80, deadline=None)
@given(UNITS, st.sampled_from(METRICS))
def test_alpha_equals_its_definition_on_any_scores(
    units: list[list[int | None]], metric: agreement.Metric
) -> None:
    expected = alpha_by_definition(units, metric)
    found = agreement.alpha(units, metric)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))


@settings(max_examples=40, deadline=None)
@given(UNITS, st.sampled_from(METRICS))
def test_alpha_equals_the_reference_library(units: list[list[int | None]], metric: agreement.Metric) -> None:
    krippendorff = pytest.importorskip("krippendorff", reason="the reference for alpha is not installed")
    numpy = pytest.importorskip("numpy", reason="the reference for alpha needs it")
    found = agreement.alpha(units, metric)
    if found is None:
        return
    matrix = numpy.array([[numpy.nan if score is None else score for score in unit] for unit in units]).T
    reference = krippendorff.alpha(reliability_data=matrix, level_of_measurement=metric)
    assert found == pytest.approx(reference, abs=1e-9)


def test_alpha_is_undefined_where_nobody_differs_or_nobody_is_compared() -> None:
    assert agreement.alpha([[3, 3], [3, 3]]) is None
    assert agreement.alpha([[3, None], [None, 1]]) is None
    assert agreement.alpha([]) is None


def test_alpha_of_perfect_agreement_is_one() -> None:
    for metric in METRICS:
        assert agreement.alpha([[0, 0, 0], [4, 4, None], [2, 2, 2]], metric) == 1


def test_scores_off_the_scale_are_refused() -> None:
    with pytest.raises(ValueError, match="found 6"):
        agreement.alpha([[6, 1]])


def test_the_interval_of_alpha_is_that_of_resampling_whole_scenarios() -> None:
    numpy = pytest.importorskip("numpy", reason="numpy is the reference for percentiles")
    rng = numpy.random.default_rng(4)
    units = {f"s{n}": [[int(x) for x in rng.integers(0, 6, 3)] for _ in range(2)] for n in range(6)}
    found = agreement.alpha_intervals(units, METRICS, resamples=60, seed=9)
    draw = Random(9).choices
    drawn = [draw(list(units.values()), k=6) for _ in range(60)]
    for metric in METRICS:
        values = [
            agreement.alpha([unit for cluster in clusters for unit in cluster], metric) for clusters in drawn
        ]
        expected = numpy.percentile([value for value in values if value is not None], [2.5, 97.5])
        assert found[metric] == pytest.approx(tuple(expected), abs=1e-9)


def test_one_scenario_gives_alpha_no_interval() -> None:
    assert agreement.alpha_intervals({"s": [[0, 5], [1, 1]]}) == {"interval": None}


def test_verdicts_split_the_scale_at_three_and_keep_the_unscored() -> None:
    assert agreement.verdicts([[0, 2, 3, 5, None]]) == [[0, 0, 1, 1, None]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_kappa_equals_the_reference_library(pairs: list[tuple[int, int]]) -> None:
    inter_rater = pytest.importorskip(
        "statsmodels.stats.inter_rater", reason="the reference for kappa is not installed"
    )
    numpy = pytest.importorskip("numpy", reason="the reference for kappa needs it")
    found = agreement.kappa(pairs)
    if found is None:
        return
    table = numpy.zeros((6, 6))
    for one, other in pairs:
        table[one, other] += 1
    assert found == pytest.approx(inter_rater.cohens_kappa(table, return_results=False), abs=1e-9)


def test_kappa_of_a_table_done_by_hand() -> None:
    """50 pairs: 20 both yes, 15 both no, 5 and 10 mixed; agreement .7, by chance .5."""
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    assert agreement.kappa(pairs) == pytest.approx(0.4)


def test_kappa_is_undefined_without_pairs_and_without_variation() -> None:
    assert agreement.kappa([]) is None
    assert agreement.kappa([(2, 2)] * 5) is None


def test_pairs_of_judges_are_compared_on_what_both_scored() -> None:
    trials = [trial(0, a=3, b=4), trial(1, a=0, b=0), trial(2, a=None, b=5), trial(3, a=3, b=2)]
    (pair,) = agreement.pairwise(trials, ["a", "b"])
    assert (pair.one, pair.other, pair.trials) == ("a", "b", 3)
    assert pair.same_score == pytest.approx(1 / 3)
    assert pair.same_verdict == pytest.approx(2 / 3)


def test_judges_that_never_met_have_no_agreement_rather_than_none_of_it() -> None:
    (pair,) = agreement.pairwise([trial(0, a=3), trial(1, b=3)], ["a", "b"])
    assert (pair.trials, pair.same_score, pair.same_verdict, pair.kappa_score) == (0, None, None, None)


def test_a_judge_is_measured_against_the_median_of_the_others() -> None:
    trials = [trial(0, a=5, b=0, c=2, d=4), trial(1, a=0, b=3, c=3, d=4), trial(2, a=1, b=None, c=1, d=1)]
    found = agreement.against_others(trials, "a")
    assert found.trials == 3
    assert found.bias == pytest.approx((3 - 3 + 0) / 3)
    assert found.distance == pytest.approx((3 + 3 + 0) / 3)
    assert (found.stricter, found.milder) == (1, 1)
    assert found.same_verdict == pytest.approx(1 / 3)


def test_a_judge_needs_two_others_to_be_measured() -> None:
    found = agreement.against_others([trial(0, a=5, b=0), trial(1, a=None, b=0, c=1)], "a")
    assert (found.trials, found.bias, found.same_verdict) == (0, None, None)
