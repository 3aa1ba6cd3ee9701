"""The exact stratified test, the test of scores, the effect and its intervals: against scipy, numpy and hand-made tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.stats import compare, stratified
from pytest_odcv.stats.values import Scored, TrialId


def side(model: str, items: list[list[float]]) -> list[Scored]:
    """Epochs' scores of each item; two items a scenario."""
    return [
        Scored(TrialId(model, f"s{n // 2}", ("mandated", "incentivized")[n % 2], epoch), score)
        for n, scores in enumerate(items)
        for epoch, score in enumerate(scores)
    ]


def tables(first: list[Scored], second: list[Scored]) -> list[compare.Table]:
    return list(compare.tables(first, second).values())


outcomes = st.lists(st.sampled_from([0.0, 4.0]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(outcomes, outcomes), min_size=1, max_size=12))
def test_the_exact_test_is_the_convolution_of_hypergeometric_distributions(
    items: list[tuple[list[float], list[float]]],
) -> None:
    hypergeom = pytest.importorskip("scipy.stats", reason="scipy is the reference").hypergeom
    numpy = pytest.importorskip("numpy", reason="numpy is the reference")
    distribution, observed = numpy.array([1.0]), 0
    for one, other in items:
        together = sum(score > 0 for score in (*one, *other))
        n = len(one) + len(other)
        distribution = numpy.convolve(
            distribution, hypergeom(n, together, len(other)).pmf(numpy.arange(len(other) + 1))
        )
        observed += sum(score > 0 for score in other)
    found = stratified.exact(
        tables(side("a", [one for one, _ in items]), side("b", [other for _, other in items]))
    )
    if all(len({*one, *other}) == 1 for one, other in items):
        assert (found.p_worse, found.p_worse_mid) == (1.0, 1.0)
        return
    above = distribution[observed + 1 :].sum()
    assert found.p_worse == pytest.approx(above + distribution[observed], abs=1e-9)
    assert found.p_worse_mid == pytest.approx(above + distribution[observed] / 2, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 4]), st.sampled_from([0, 4])), min_size=1, max_size=40))
def test_at_one_epoch_the_exact_test_is_mcnemars(scores: list[tuple[int, int]]) -> None:
    one, other = side("a", [[a] for a, _ in scores]), side("b", [[b] for _, b in scores])
    exact = stratified.exact(tables(one, other))
    assert exact.p_worse == pytest.approx(compare.mcnemar(compare.pair(one, other).pairs).p_worse, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(outcomes, outcomes), min_size=1, max_size=12))
def test_the_test_of_scores_is_cochran_mantel_haenszel_when_scores_are_two(
    items: list[tuple[list[float], list[float]]],
) -> None:
    one, other = side("a", [a for a, _ in items]), side("b", [b for _, b in items])
    found, reference = stratified.score_shift(one, other), compare.cochran_mantel_haenszel(one, other)
    assert found.items == reference.items
    if reference.z is not None:
        assert found.z == pytest.approx(reference.z, abs=1e-9)
        assert found.p_worse == pytest.approx(reference.p_worse, abs=1e-9)


def test_the_test_of_scores_agrees_with_permuting_within_items() -> None:
    numpy = pytest.importorskip("numpy", reason="numpy draws the permutations")
    random = numpy.random.default_rng(3)
    old = [[0, 1, 4], [0, 0, 1], [2, 3, 0], [5, 0, 1], [0, 0, 0], [1, 4, 0]] * 3
    new = [[1, 4, 4], [0, 2, 1], [2, 3, 1], [5, 0, 4], [0, 0, 1], [1, 4, 0]] * 3
    found = stratified.score_shift(side("a", old), side("b", new))
    pools = numpy.array([one + other for one, other in zip(old, new, strict=True)], float)
    seen = sum(map(sum, new))
    draws = random.permuted(numpy.tile(pools, (20_000, 1, 1)), axis=2)[:, :, 3:].sum(axis=(1, 2))
    expected = (draws > seen).mean() + (draws == seen).mean() / 2
    assert found.p_worse == pytest.approx(expected, abs=0.01)


def test_the_decision_is_by_the_normal_approximation_where_epochs_are_equal_and_exact_where_not() -> None:
    balanced = stratified.worse([(0, 3, 3, 0)] * 3)
    assert (balanced.test, balanced.p) == (stratified.CMH, compare.of_tables([(0, 3, 3, 0)] * 3).p_worse)
    uneven = [(0, 5, 1, 0), (1, 4, 0, 1)]
    found = stratified.worse(uneven)
    assert found.test == stratified.EXACT
    assert found.p == pytest.approx(stratified.exact(uneven).p_worse_mid)
    only_one_side = [*([(0, 3, 3, 0)] * 3), (0, 0, 5, 0)]
    assert stratified.worse(only_one_side) == balanced


def test_every_item_counts_once_whatever_its_epochs() -> None:
    one, other = side("a", [[0], [4, 0, 0, 0]]), side("b", [[4, 4, 4, 0], [0, 0]])
    found = stratified.effect(one, other)
    assert found.rate == pytest.approx((0.75 - 0.25) / 2)
    assert found.severity == pytest.approx((3 - 1) / 2)
    assert (found.items, found.scenarios) == (2, 1)
    assert found.rate_over_scenarios is None


def test_at_one_epoch_a_side_the_effect_and_its_bootstrap_are_those_of_the_pairs() -> None:
    old = [[score] for score in [0, 0, 4, 1, 0, 2, 4, 3] * 4]
    new = [[score] for score in [4, 0, 4, 3, 0, 0, 1, 3] * 4]
    one, other = side("a", old), side("b", new)
    found, reference = stratified.effect(one, other), compare.difference(compare.pair(one, other).pairs)
    assert (found.rate, found.severity) == (reference.rate, reference.severity)
    assert found.rate_over_scenarios == reference.rate_interval
    assert found.severity_over_scenarios == reference.severity_interval


def test_the_interval_excludes_no_change_exactly_where_the_test_does() -> None:
    for worse in range(12):
        old = [[0.0]] * 20
        new = [[4.0]] * worse + [[0.0]] * (20 - worse)
        one, other = side("a", old), side("b", new)
        interval = stratified.effect(one, other, 0.90).rate_interval
        excludes = interval is not None and interval[0] > 0
        assert excludes == (compare.cochran_mantel_haenszel(one, other).p_worse < 0.05)


def test_where_nothing_differs_there_is_no_interval_to_feign_certainty() -> None:
    found = stratified.effect(side("a", [[0], [4], [0]]), side("b", [[0], [4], [0]]))
    assert (found.rate, found.rate_interval, found.rate_over_scenarios) == (0, None, None)


def test_an_effect_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        stratified.effect(side("a", [[0]]), [])
