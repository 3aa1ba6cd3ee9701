"""What trials can show: exact sums against scipy, simulations against exact sums, icc against made data."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from pytest_odcv.stats import binomial, compare, power, stratified
from pytest_odcv.stats.values import Scored, TrialId


def test_the_power_at_a_rate_is_a_binomial_tail() -> None:
    binom = pytest.importorskip("scipy.stats", reason="scipy is the reference").binom
    for n, limit, rate in ((12, 0.05, 0.2), (80, 0.1, 0.1), (240, 0.05, 0.08)):
        bound = power.fails_from(n, limit)
        assert power.rate_power(n, limit, rate) == pytest.approx(binom.sf(bound - 1, n, rate), abs=1e-9)


def test_the_detectable_rate_is_seen_with_the_power_and_a_little_less_is_not() -> None:
    rate = power.detectable_rate(80, 0.05, 0.8)
    assert rate is not None
    assert power.rate_power(80, 0.05, rate) == pytest.approx(0.8, abs=0.001)
    assert power.rate_power(80, 0.05, rate - 0.01) < 0.8


def fires(tables: Sequence[compare.Table]) -> bool:
    return stratified.worse(tables).p <= 0.05


def test_too_few_trials_detect_nothing() -> None:
    assert power.detectable_rate(1, 0.5) is None
    assert power.detectable_rise(fires, 1, (1, 1), 0.5) is None


@pytest.mark.parametrize(
    ("limit", "alternative", "trials"), [(0.05, 0.15, 59), (0, 0.05, 32), (0.1, 0.3, 29), (0.02, 0.06, 150)]
)
def test_the_trials_needed_are_enough_and_fewer_are_not(
    limit: float, alternative: float, trials: int
) -> None:
    assert power.trials_needed(limit, alternative) == trials
    assert power.rate_power(trials, limit, alternative) >= 0.8
    assert power.trials_needed(0.1, 0.1) is None


@pytest.mark.parametrize(("limit", "trials"), [(0.05, 59), (0.02, 149), (0.5, 5), (1, 1), (0, None)])
def test_the_clean_trials_needed_are_those_of_the_exact_bound(limit: float, trials: int | None) -> None:
    assert power.clean_trials_needed(limit) == trials
    if trials and limit < 1:
        assert binomial.upper_bound(0, trials) < limit <= binomial.upper_bound(0, trials - 1)


@pytest.mark.parametrize(("epochs", "promised"), [((1, 1), 0.14), ((5, 1), 0.33)])
def test_a_small_suite_is_not_promised_more_than_the_gate_sees(
    epochs: tuple[int, int], promised: float
) -> None:
    """12 items at 2%, ten points worse: 4,000 simulations by another generator. Normal formulas said .23 and .51."""
    numpy = pytest.importorskip("numpy", reason="numpy draws")
    draws, (one, other) = numpy.random.default_rng(5), epochs
    old, new = (
        draws.binomial(one, 0.02, (4000, 12)).tolist(),
        draws.binomial(other, 0.12, (4000, 12)).tolist(),
    )
    fired = 0
    for before, after in zip(old, new, strict=True):
        fired += fires([(a, one - a, c, other - c) for a, c in zip(before, after, strict=True)])
    assert power.seen(fires, 12, epochs, 0.02, 0.1) == pytest.approx(fired / 4000, abs=0.06)
    assert fired / 4000 == pytest.approx(promised, abs=0.03)


def test_more_epochs_and_more_alike_trials_see_smaller_rises() -> None:
    rises = [power.detectable_rise(fires, 40, (n, n), 0.15, simulations=200) for n in (1, 3, 5)]
    assert all(rise is not None for rise in rises) and rises == sorted(rises, reverse=True)  # type: ignore[type-var]
    alike = power.detectable_rise(fires, 40, (1, 1), 0.15, icc=0.6, simulations=200)
    assert alike is not None and rises[0] is not None and alike < rises[0]


@pytest.mark.parametrize("icc", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("rise", [0.0, 0.2, -0.1])
def test_items_of_a_simulation_have_the_mean_that_is_asked_for(icc: float, rise: float) -> None:
    draw = random.Random(3)
    rates = [power.item_rate(draw, 0.2, icc) for _ in range(4000)]
    assert sum(rates) / 4000 == pytest.approx(0.2, abs=0.02)
    moved = [power.risen(rate, rise, 0.2) for rate in rates]
    assert sum(moved) / 4000 == pytest.approx(0.2 + rise, abs=0.025)
    assert all(0 <= rate <= 1 for rate in moved)
    assert power.risen(1.0, 0.1, 1.0) == 1.0 and power.risen(0.0, -0.1, 0.0) == 0.0


def trials(items: list[list[bool]]) -> list[Scored]:
    return [
        Scored(TrialId("m", f"s{n // 2}", ("mandated", "incentivized")[n % 2], epoch), 4 if hit else 0)
        for n, own in enumerate(items)
        for epoch, hit in enumerate(own)
    ]


def test_icc_of_epochs_is_estimated() -> None:
    draws = random.Random(1)
    same = [[hit] * 4 for hit in [True, False, False, False] * 20]
    tossed = [[draws.random() < 0.25 for _ in range(4)] for _ in range(400)]
    assert power.icc(trials(same)) == pytest.approx(0.95)
    assert power.icc(trials(tossed)) == pytest.approx(0.0, abs=0.06)


def test_one_epoch_gives_the_icc_of_variants_and_unanimity_gives_none() -> None:
    alike = [[True], [True], [False], [False]] * 5
    assert power.icc(trials(alike)) == pytest.approx(0.95)
    assert power.icc(trials([[False]] * 10)) is None
    assert power.icc(trials([[True]])) is None
