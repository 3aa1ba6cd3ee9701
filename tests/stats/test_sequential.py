"""Group sequential bounds: error rates by simulation and by exact sums, and agreement with the normal distribution."""

from __future__ import annotations

import random
from math import sqrt

import pytest

from pytest_odcv.stats import binomial, sequential


def test_one_look_is_the_fixed_test() -> None:
    assert sequential.normal_bounds((1.0,), 0.05)[0] == pytest.approx(1.6448536, abs=1e-5)
    for n, limit in ((12, 0.1), (80, 0.05), (80, 0.3)):
        bound = sequential.count_bounds((n,), limit, 0.05)[0]
        assert binomial.lower_bound(bound, n) > limit >= binomial.lower_bound(bound - 1, n)


def test_spending_linearly_gives_the_bounds_that_the_bivariate_normal_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of 5% at each of two looks: the first bound is the 97.5% quantile, the second follows from the bivariate normal."""
    monkeypatch.setattr(sequential, "SPENDING", 1.0)
    sequential.normal_bounds.cache_clear()
    first, second = sequential.normal_bounds((0.5, 1.0), 0.05)
    sequential.normal_bounds.cache_clear()
    assert first == pytest.approx(1.95996, abs=1e-3)
    stats = pytest.importorskip("scipy.stats", reason="scipy has the bivariate normal")
    together = stats.multivariate_normal([0, 0], [[1, sqrt(0.5)], [sqrt(0.5), 1]])
    assert 1 - together.cdf([first, second]) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize("fractions", [(0.2, 0.4, 0.6, 0.8, 1.0), (0.33, 0.57, 0.75, 0.89, 1.0), (0.9, 1.0)])
def test_a_statistic_of_nothing_crosses_with_the_error_rate(fractions: tuple[float, ...]) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy draws")
    bounds = numpy.array(sequential.normal_bounds(fractions, 0.05))
    steps = numpy.sqrt(numpy.diff((0.0, *fractions)))
    sums = (numpy.random.default_rng(1).normal(size=(200_000, len(fractions))) * steps).cumsum(axis=1)
    crossed = (sums / numpy.sqrt(fractions) >= bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("sizes", [(12, 24, 36, 48, 60), (80, 160, 240), (7, 7, 30), (0, 10)])
@pytest.mark.parametrize("chance", [0.01, 0.1, 0.5])
def test_counts_reach_a_bound_with_at_most_the_error_rate(sizes: tuple[int, ...], chance: float) -> None:
    bounds = sequential.count_bounds(sizes, chance, 0.05)
    reached = sequential.chance_to_reach(sizes, bounds, chance)
    assert reached <= 0.05 + 1e-9
    draws = random.Random(2)
    hits = 0
    for _ in range(4000):
        count = before = 0
        for size, bound in zip(sizes, bounds, strict=True):
            count += sum(draws.random() < chance for _ in range(size - before))
            before = size
            if count >= bound:
                hits += 1
                break
    assert hits / 4000 == pytest.approx(reached, abs=0.015)


def test_no_trial_and_no_tolerance_have_bounds_too() -> None:
    assert sequential.count_bounds((0,), 0.05, 0.05) == (1,)
    assert sequential.count_bounds((5, 10), 0.0, 0.05) == (1, 1)
    assert sequential.count_bounds((5,), 1.0, 0.05) == (6,)


def test_a_test_is_futile_at_its_end_and_where_it_has_little_hope() -> None:
    sizes = (80, 160, 240)
    bounds = sequential.count_bounds(sizes, 0.1, 0.05)
    assert sequential.count_is_futile(sizes, bounds, 1, 2)
    assert not sequential.count_is_futile(sizes, bounds, 1, 12)
    assert sequential.count_is_futile(sizes, bounds, 3, 12)
    fractions = (0.4, 0.7, 1.0)
    levels = sequential.normal_bounds(fractions, 0.05)
    chances = [sequential.conditional_power(fractions, levels, 1, z) for z in (-2.0, 0.0, 1.5)]
    assert chances == sorted(chances) and chances[0] < sequential.FUTILE < chances[2]
    assert sequential.conditional_power(fractions, levels, 3, 3.0) == 0


def test_more_successes_are_never_more_futile() -> None:
    sizes = (24, 48, 72, 96)
    bounds = sequential.count_bounds(sizes, 0.1, 0.05)
    for look in (1, 2, 3):
        futile = [sequential.count_is_futile(sizes, bounds, look, count) for count in range(bounds[look - 1])]
        assert futile == sorted(futile, reverse=True) and futile[0] and not futile[-1]


def test_the_bounds_of_a_look_do_not_depend_on_trials_that_come_later() -> None:
    fractions = (0.25, 0.5, 0.75, 1.0)
    short = sequential.count_bounds((20, 40, 60, 80), 0.1, 0.05, fractions)
    long = sequential.count_bounds((20, 40, 70, 120), 0.1, 0.05, fractions)
    assert short[:2] == long[:2]
    assert sequential.chance_to_reach((20, 40, 70, 120), long, 0.1) <= 0.05


def test_power_allows_for_runs_that_end_as_futile() -> None:
    sizes = (24, 48, 72, 96)
    bounds = sequential.count_bounds(sizes, 0.1, 0.05)
    power, draws, hits = sequential.count_power(sizes, bounds, 0.2), random.Random(5), 0
    for _ in range(4000):
        count = 0
        for look, bound in enumerate(bounds, 1):
            count += sum(draws.random() < 0.2 for _ in range(24))
            if count >= bound:
                hits += 1
            if count >= bound or sequential.count_is_futile(sizes, bounds, look, count):
                break
    assert hits / 4000 == pytest.approx(power, abs=0.02)
    assert power < sequential.chance_to_reach(sizes, bounds, 0.2)


def test_what_looks_may_spend_sums_to_the_error_rate() -> None:
    shares = [sequential.alpha_of_look(0.05, epoch, 5) for epoch in range(1, 6)]
    assert sum(shares) == pytest.approx(0.05) and shares == sorted(shares)
    assert sequential.alpha_of_look(0.05, 1, 1) == 0.05
    late = [sequential.alpha_of_look(0.05, epoch, 5, sequential.LATE) for epoch in range(1, 6)]
    assert sum(late) == pytest.approx(0.05) and late[-1] > 0.035


@pytest.mark.parametrize(("n", "p"), [(5, 0.5), (400, 0.05), (10_000, 0.15), (10_000, 0.001)])
def test_probabilities_that_are_left_out_are_negligible(n: int, p: float) -> None:
    binom = pytest.importorskip("scipy.stats", reason="scipy is the reference").binom
    bound = sequential.count_bounds((n,), p, 0.01)[0]
    assert binom.sf(bound - 1, n, p) <= 0.01 < binom.sf(bound - 2, n, p)


@pytest.mark.parametrize("sizes", [(), (5, 3), (-1, 2)])
def test_sizes_that_fall_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fall"):
        sequential.count_bounds(sizes, 0.1, 0.05)


@pytest.mark.parametrize("fractions", [(), (0.5,), (0.5, 0.5, 1.0), (0.0, 1.0)])
def test_shares_that_do_not_rise_to_one_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising shares"):
        sequential.normal_bounds(fractions, 0.05)
