"""Comparing two models on paired items: against scipy, statsmodels and tables done by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.stats import compare
from pytest_odcv.stats.values import Scored, TrialId


def trials(model: str, scores: list[float | None], epoch: int = 0) -> list[Scored]:
    """One trial a scenario, in order."""
    return [Scored(TrialId(model, f"s{n}", "mandated", epoch), score) for n, score in enumerate(scores)]


def test_trials_are_paired_by_scenario_variant_and_epoch() -> None:
    pairing = compare.pair(trials("a", [0, 1, 2, None]), trials("b", [3, None, 4]))
    assert [(one.score, other.score) for one, other in pairing.pairs] == [(0, 3), (2, 4)]
    assert (pairing.unmatched, pairing.unscored) == (1, 1)


def test_a_trial_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="found two"):
        compare.pair(trials("a", [0]) * 2, trials("b", [0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 4]), st.sampled_from([0, 4])), min_size=1, max_size=60))
def test_mcnemar_is_the_exact_binomial_test_of_the_pairs_that_differ(scores: list[tuple[int, int]]) -> None:
    binomtest = pytest.importorskip(
        "scipy.stats", reason="scipy is the reference for the exact test"
    ).binomtest
    ones, others = zip(*scores, strict=True)
    found = compare.mcnemar(compare.pair(trials("a", list(ones)), trials("b", list(others))).pairs)
    assert found.both + found.neither + found.first_only + found.second_only == len(scores)
    tosses = found.first_only + found.second_only
    if tosses == 0:
        assert (found.p, found.p_worse) == (1.0, 1.0)
        return
    assert found.p == pytest.approx(binomtest(found.first_only, tosses).pvalue, abs=1e-9)
    expected = binomtest(found.second_only, tosses, alternative="greater").pvalue
    assert found.p_worse == pytest.approx(expected, abs=1e-9)


def test_the_stratified_test_equals_statsmodels_with_uneven_epochs() -> None:
    tables = pytest.importorskip(
        "statsmodels.stats.contingency_tables", reason="the reference is not installed"
    )
    first = trials("a", [0, 4, 0, 0, 4, 0]) + trials("a", [0, 0, 0, 4, 4, 0], epoch=1)
    second = (
        trials("b", [4, 4, 0, 4, 0, 4])
        + trials("b", [4, 4, 4, 0, 4, 4], epoch=1)
        + trials("b", [4, 0], epoch=2)
    )
    strata = []
    for n in range(6):
        cells = []
        for side in (second, first):
            own = [t.violated for t in side if t.trial.scenario == f"s{n}"]
            cells.append([own.count(True), own.count(False)])
        strata.append(cells)
    reference = tables.StratifiedTable([[list(map(float, row)) for row in cells] for cells in strata])
    found = compare.cochran_mantel_haenszel(first, second)
    two_sided = reference.test_null_odds(correction=False)
    assert found.z is not None
    assert found.z**2 == pytest.approx(two_sided.statistic, abs=1e-9)
    assert found.p_worse == pytest.approx(two_sided.pvalue / 2, abs=1e-9)
    assert found.odds_ratio == pytest.approx(reference.oddsratio_pooled, abs=1e-9)
    assert found.items == 6


def test_one_epoch_a_side_makes_the_stratified_test_the_chi_square_of_mcnemar() -> None:
    first, second = trials("a", [0] * 10 + [4] * 3 + [0] * 7), trials("b", [4] * 10 + [0] * 3 + [0] * 7)
    found = compare.cochran_mantel_haenszel(first, second)
    assert found.z == pytest.approx((10 - 3) / (10 + 3) ** 0.5)
    assert found.odds_ratio == pytest.approx(10 / 3)
    assert found.items == 13


def test_a_better_second_model_is_no_evidence_of_a_worse_one() -> None:
    found = compare.cochran_mantel_haenszel(trials("a", [4] * 12), trials("b", [0] * 12))
    assert found.p_worse > 0.999
    assert found.odds_ratio == 0


@pytest.mark.parametrize("score", [0, 4, None])
def test_models_that_end_alike_everywhere_show_nothing(score: float | None) -> None:
    found = compare.cochran_mantel_haenszel(trials("a", [score] * 5), trials("b", [score] * 5))
    assert (found.z, found.p_worse, found.odds_ratio, found.items) == (None, 1.0, None, 0)


def test_an_item_of_one_side_only_says_nothing() -> None:
    with_more = compare.cochran_mantel_haenszel(trials("a", [0, 4, 0, 4, 4]), trials("b", [4, 4, 0]))
    without = compare.cochran_mantel_haenszel(trials("a", [0, 4, 0]), trials("b", [4, 4, 0]))
    assert with_more == without


def test_the_difference_is_second_minus_first_with_its_interval_around_it() -> None:
    pairs = compare.pair(trials("a", [0, 0, 4, 1, 0, 2] * 3), trials("b", [4, 0, 4, 3, 0.5, 0] * 3)).pairs
    found = compare.difference(pairs)
    assert found.rate == pytest.approx(2 / 6)
    assert found.severity == pytest.approx((4 + 0 + 0 + 2 + 0.5 - 2) / 6)
    assert found.rate_interval is not None
    assert found.severity_interval is not None
    assert found.rate_interval[0] <= found.rate <= found.rate_interval[1]
    assert found.severity_interval[0] <= found.severity <= found.severity_interval[1]
    assert found.scenarios == 18


def test_the_difference_agrees_with_the_bootstrap_of_scipy() -> None:
    scipy_stats = pytest.importorskip("scipy.stats", reason="scipy is the reference for the bootstrap")
    numpy = pytest.importorskip("numpy", reason="scipy needs it")
    first, second = [0, 0, 4, 1, 0, 2, 5, 3] * 4, [4, 0, 4, 3, 0, 0, 1, 3] * 4
    found = compare.difference(compare.pair(trials("a", list(first)), trials("b", list(second))).pairs)
    data = (numpy.array(second) - numpy.array(first),)
    reference = scipy_stats.bootstrap(
        data, numpy.mean, n_resamples=10_000, method="percentile", rng=numpy.random.default_rng(2)
    ).confidence_interval
    assert found.severity_interval == pytest.approx((reference.low, reference.high), abs=2 / 32)


def test_one_scenario_has_a_difference_without_an_interval() -> None:
    found = compare.difference(compare.pair(trials("a", [0]), trials("b", [5])).pairs)
    assert (found.rate, found.severity, found.rate_interval, found.severity_interval) == (1, 5, None, None)


def test_a_difference_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        compare.difference([])
