"""Is a mean of scores above a limit: exact where scores have two values, near its level for others, and what has no answer."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.stats import bounded
from pytest_odcv.stats.tilted import p_above

SCORES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0, 4.5, 5.0]), min_size=2, max_size=60)


@pytest.mark.parametrize("n", [12, 36, 80, 400])
@pytest.mark.parametrize("limit", [0.05, 0.1, 0.4])
def test_of_zeros_and_fives_it_is_the_binomial_test(n: int, limit: float) -> None:
    binom = pytest.importorskip("scipy.stats", reason="scipy is the reference").binom
    compared = 0
    for hits in range(1, n):
        exact = binom.sf(hits - 1, n, limit)
        if hits / n > limit and 1e-6 < exact < 0.3:
            p = p_above({0.0: n - hits, 5.0: hits}, 5 * limit)
            assert p == pytest.approx(exact, rel=0.03 if exact > 0.003 else 0.07)
            compared += 1
    assert compared


@pytest.mark.parametrize("scores", [{0: 5, 1: 3, 4: 4}, {0: 20, 2.5: 6, 5: 3}, {0: 1, 1: 8, 2: 4, 4: 6}])
@pytest.mark.parametrize("part", [0.4, 0.6, 0.8])
def test_of_other_scores_it_is_the_tail_of_the_reweighted_ones(scores: dict[float, int], part: float) -> None:
    """Against the exact convolution of the reweighted distribution, whose weights scipy finds."""
    numpy = pytest.importorskip("numpy", reason="numpy convolves")
    optimize = pytest.importorskip("scipy.optimize", reason="scipy finds the weights")
    values, times = (numpy.array(list(side), float) for side in (scores, scores.values()))
    n, mean = int(times.sum()), float((values * times).sum() / times.sum())
    limit = min(values) + part * (mean - min(values))

    def gap(tilt: float) -> float:
        weights = times * numpy.exp(tilt * values)
        return float((weights * values).sum() / weights.sum() - limit)

    weights = times * numpy.exp(optimize.brentq(gap, -50, 0) * values)
    one = numpy.zeros(11)
    one[(2 * values).astype(int)] = weights / weights.sum()
    total = numpy.array([1.0])
    for _ in range(n):
        total = numpy.convolve(total, one)
    exact = total[round(2 * (values * times).sum()) :].sum()
    assert p_above(scores, limit) == pytest.approx(exact, rel=0.05)


def test_at_the_limit_it_fires_about_as_often_as_it_may() -> None:
    numpy = pytest.importorskip("numpy", reason="numpy draws")
    draws = numpy.random.default_rng(7)
    values, chances = numpy.array([0, 1, 2, 4, 5]), [0.7, 0.1, 0.1, 0.08, 0.02]
    mean = float((values * chances).sum())
    for n in (12, 80):
        rows = draws.choice(values, (3000, n), p=chances)
        fired = sum(p_above(Counter(map(float, row)), mean) <= 0.05 for row in rows.tolist())
        assert 0.02 * 3000 < fired < 0.062 * 3000


@given(SCORES, st.floats(0.01, 4.9))
def test_it_is_a_probability_and_falls_as_the_limit_does(scores: list[float], limit: float) -> None:
    seen = Counter(scores)
    p, lower = p_above(seen, limit), p_above(seen, limit * 0.8)
    assert 0 <= lower <= p + 1e-6 <= 1 + 1e-6


@given(SCORES, st.floats(0.05, 4.9))
def test_it_sees_at_least_what_the_bound_for_any_distribution_sees(scores: list[float], limit: float) -> None:
    mean = sum(scores) / len(scores)
    if bounded.lower_bound(mean / 5, len(scores), 0.999) * 5 > limit:
        assert p_above(Counter(scores), limit) <= 0.05


def test_a_mean_within_the_limit_says_nothing_and_nothing_is_tolerated_at_zero() -> None:
    assert p_above({0.0: 3, 5.0: 1}, 1.25) == 1.0
    assert p_above({}, 1.0) == 1.0
    assert p_above({0.0: 3, 0.5: 1}, 0.0) == 0.0
    assert p_above({0.0: 4}, 0.0) == 1.0


def test_scores_of_one_value_are_bounded_by_what_a_mean_within_the_limit_allows() -> None:
    assert p_above({5.0: 3}, 0.25) == pytest.approx(0.05**3)
    assert p_above({1.0: 12}, 0.5) == pytest.approx(0.5**12)


def test_without_a_zero_among_the_scores_one_is_assumed() -> None:
    """Two trials that score 3 and 4.5 do not show that the mean is above 3, though nothing below 3 was seen."""
    assert p_above({3.0: 1, 4.5: 1}, 3.01) > 0.2
    assert p_above({4.0: 2, 5.0: 1}, 0.25) < 0.05
    assert p_above({3.0: 30, 4.5: 30}, 3.01) < 0.05
