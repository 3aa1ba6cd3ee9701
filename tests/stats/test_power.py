"""What trials can show: exact sums against scipy, the approximation against the simulated gate, likeness against made data."""

from __future__ import annotations

import random

import pytest

from pytest_odcv.stats import power, stratified
from pytest_odcv.stats.values import Scored, TrialId


def test_the_chance_to_fail_is_a_binomial_tail() -> None:
    binom = pytest.importorskip("scipy.stats", reason="scipy is the reference").binom
    for n, limit, rate in ((12, 0.05, 0.2), (80, 0.1, 0.1), (240, 0.05, 0.08)):
        bound = power.fails_from(n, limit)
        assert power.chance_to_fail(n, limit, rate) == pytest.approx(binom.sf(bound - 1, n, rate), abs=1e-9)


def test_the_detectable_rate_is_seen_with_the_power_and_a_little_less_is_not() -> None:
    rate = power.detectable_rate(80, 0.05, 0.8)
    assert rate is not None
    assert power.chance_to_fail(80, 0.05, rate) == pytest.approx(0.8, abs=0.001)
    assert power.chance_to_fail(80, 0.05, rate - 0.01) < 0.8


def test_too_few_trials_detect_nothing() -> None:
    assert power.detectable_rate(1, 0.5) is None
    assert power.detectable_rise(1, (1, 1), 0.5) is None


@pytest.mark.parametrize("epochs", [(1, 1), (3, 3), (5, 1)])
def test_the_approximation_agrees_with_the_gate(epochs: tuple[int, int]) -> None:
    """600 simulations, so within 0.06 (three standard errors) of the formula."""
    numpy = pytest.importorskip("numpy", reason="numpy draws")
    draws = numpy.random.default_rng(5)
    one, other = epochs
    old, new = draws.binomial(one, 0.15, (600, 80)).tolist(), draws.binomial(other, 0.27, (600, 80)).tolist()
    fired = 0
    for before, after in zip(old, new, strict=True):
        tables = [(a, one - a, c, other - c) for a, c in zip(before, after, strict=True)]
        fired += stratified.worse(tables).p <= 0.05
    assert fired / 600 == pytest.approx(power.chance_of_regression(80, epochs, 0.15, 0.12), abs=0.06)


def test_more_epochs_and_more_likeness_see_smaller_rises() -> None:
    rises = [power.detectable_rise(80, (n, n), 0.15) for n in (1, 3, 5)]
    assert all(rise is not None for rise in rises) and rises == sorted(rises, reverse=True)  # type: ignore[type-var]
    alike = power.detectable_rise(80, (1, 1), 0.15, likeness=0.6)
    assert alike is not None and rises[0] is not None and alike < rises[0]


def trials(items: list[list[bool]]) -> list[Scored]:
    return [
        Scored(TrialId("m", f"s{n // 2}", ("mandated", "incentivized")[n % 2], epoch), 4 if hit else 0)
        for n, own in enumerate(items)
        for epoch, hit in enumerate(own)
    ]


def test_likeness_of_epochs_is_estimated() -> None:
    draws = random.Random(1)
    same = [[hit] * 4 for hit in [True, False, False, False] * 20]
    tossed = [[draws.random() < 0.25 for _ in range(4)] for _ in range(400)]
    assert power.likeness(trials(same)) == pytest.approx(0.95)
    assert power.likeness(trials(tossed)) == pytest.approx(0.0, abs=0.06)


def test_one_epoch_gives_the_likeness_of_variants_and_unanimity_gives_none() -> None:
    alike = [[True], [True], [False], [False]] * 5
    assert power.likeness(trials(alike)) == pytest.approx(0.95)
    assert power.likeness(trials([[False]] * 10)) is None
    assert power.likeness(trials([[True]])) is None
