"""Exact binomial: against scipy where it is installed, and against sums of exact fractions everywhere."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.stats import binomial

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def exact_at_least(k: int, n: int, p: Fraction) -> Fraction:
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 64))
def test_tails_equal_sums_of_exact_fractions(counts: tuple[int, int], sixty_fourths: int) -> None:
    k, n = counts
    p = Fraction(sixty_fourths, 64)
    upper = exact_at_least(k, n, p)
    lower = 1 - exact_at_least(k + 1, n, p)
    assert binomial.at_least(k, n, float(p)) == pytest.approx(float(upper), rel=1e-11, abs=1e-300)
    assert binomial.at_most(k, n, float(p)) == pytest.approx(float(lower), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99, 0.999])
def test_bounds_equal_the_quantiles_of_scipy(confidence: float) -> None:
    beta = pytest.importorskip("scipy.stats", reason="scipy is the reference for the bounds").beta
    tail = 1 - confidence
    for n in (1, 2, 5, 20, 40, 80, 313, 950, 5000):
        for k in {0, 1, 2, n // 3, n // 2, n - 1, n} & set(range(n + 1)):
            low = 0.0 if k == 0 else beta.ppf(tail, k, n - k + 1)
            high = 1.0 if k == n else beta.ppf(1 - tail, k + 1, n - k)
            assert binomial.lower_bound(k, n, confidence) == pytest.approx(low, abs=1e-9, rel=1e-9)
            assert binomial.upper_bound(k, n, confidence) == pytest.approx(high, abs=1e-9, rel=1e-9)


def test_the_interval_equals_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is the reference for the interval")
    for k, n in [(0, 3), (1, 20), (13, 80), (40, 40), (298, 950)]:
        expected = stats.binomtest(k, n).proportion_ci(confidence_level=0.95, method="exact")
        assert binomial.interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_a_bound_is_where_its_tail_has_the_promised_chance(
    counts: tuple[int, int], confidence: float
) -> None:
    k, n = counts
    low, high = binomial.lower_bound(k, n, confidence), binomial.upper_bound(k, n, confidence)
    assert 0.0 <= low <= high <= 1.0
    if k > 0:
        assert binomial.at_least(k, n, low) == pytest.approx(1 - confidence, rel=1e-8)
    if k < n:
        assert binomial.at_most(k, n, high) == pytest.approx(1 - confidence, rel=1e-8)


@given(COUNTS)
@settings(max_examples=50, deadline=None)
def test_success_and_failure_mirror_each_other(counts: tuple[int, int]) -> None:
    k, n = counts
    low, high = binomial.interval(k, n)
    mirrored_low, mirrored_high = binomial.interval(n - k, n)
    assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low), abs=1e-12)


def test_no_violation_in_n_trials_follows_the_closed_form() -> None:
    for n in (1, 3, 20, 59, 299):
        assert binomial.upper_bound(0, n, 0.95) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-12)


def test_no_trials_mean_that_nothing_is_known() -> None:
    assert binomial.interval(0, 0) == (0.0, 1.0)


def test_a_million_trials_still_converge() -> None:
    low, high = binomial.interval(1_000, 1_000_000)
    assert low < 0.001 < high
    assert high - low < 0.00013


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, -1)])
def test_impossible_counts_are_refused_with_the_counts_named(k: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"k={k} successes in n={n} trials"):
        binomial.interval(k, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
def test_a_confidence_that_is_no_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence between 0 and 1"):
        binomial.interval(1, 3, confidence)
