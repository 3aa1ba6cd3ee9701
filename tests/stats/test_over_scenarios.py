"""Statements over scenarios like these: means of scenarios, signs of their differences, and what clustered trials are worth."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.stats import binomial, clusters, sign_flips


def rates(draw: random.Random, scenarios: int, trials: int, mean: float, icc: float = 0.6) -> list[float]:
    spread = 1 / icc - 1
    found = []
    for _ in range(scenarios):
        rate = draw.betavariate(mean * spread, (1 - mean) * spread)
        found.append(sum(draw.random() < rate for _ in range(trials)) / trials)
    return found


@pytest.mark.parametrize(("scenarios", "trials"), [(40, 10), (40, 2), (6, 10)])
def test_at_the_limit_over_scenarios_it_fires_about_as_often_as_it_may(scenarios: int, trials: int) -> None:
    """The exact binomial test, which takes scenarios as given, fires on 23% of runs of 40 scenarios with 10 trials each."""
    draw = random.Random(1)
    fired = sum(clusters.p_above(rates(draw, scenarios, trials, 0.05), 0.05) <= 0.05 for _ in range(1500))
    assert 0.02 * 1500 < fired < 0.068 * 1500


def test_it_sees_what_is_there_at_an_honest_price() -> None:
    draw = random.Random(2)
    many = sum(clusters.p_above(rates(draw, 40, 10, 0.15), 0.05) <= 0.05 for _ in range(300))
    few = sum(clusters.p_above(rates(draw, 6, 10, 0.15), 0.05) <= 0.05 for _ in range(300))
    assert many > 0.8 * 300 > 0.45 * 300 > few


def test_a_scenario_is_one_value_however_many_trials_it_has() -> None:
    assert clusters.upper_bound([0.0] * 59, 0.95) < 0.05 < clusters.upper_bound([0.0] * 58, 0.95)
    assert clusters.upper_bound([0.0] * 6, 0.95) == pytest.approx(binomial.upper_bound(0, 6))
    assert clusters.upper_bound([], 0.95) == 1.0
    assert clusters.upper_bound([0.0] * 6, 0.95, 5.0) == pytest.approx(5 * binomial.upper_bound(0, 6))


def test_bounds_and_test_agree() -> None:
    values = [0.5, 0.4, 0.0, 0.0, 0.0, 0.2, 0.0, 0.1, 0.0, 0.0]
    low = clusters.lower_bound(values, 0.95)
    assert 0 < low < 0.12
    assert clusters.p_above(values, low - 0.002) <= 0.05 <= clusters.p_above(values, low + 0.002)
    assert clusters.lower_bound([], 0.95) == 0.0


def test_one_scenario_shows_nothing() -> None:
    assert clusters.p_above([1.0], 0.01) == 1.0
    assert clusters.worth(100, 1) == 0


def test_clustered_trials_are_worth_less() -> None:
    assert clusters.worth(80, 40) == 50
    assert clusters.worth(400, 40) == 62
    assert clusters.worth(40, 40) == 40
    assert clusters.worth(400, 40, icc=1.0) == 40
    assert clusters.worth(400, 40, icc=0.0) == 400


# --- signs -----------------------------------------------------------------------------------------------------------


def by_hand(values: list[float]) -> float:
    sums = [
        sum(s * v for s, v in zip(signs, values, strict=True))
        for signs in product((1, -1), repeat=len(values))
    ]
    return sum(total >= sum(values) - 1e-9 for total in sums) / len(sums)


@given(st.lists(st.sampled_from([-0.5, -0.2, 0.0, 0.1, 0.3, 1.0]), min_size=1, max_size=9))
def test_signs_are_gone_through(values: list[float]) -> None:
    expected = by_hand(values) if any(values) else 1.0
    assert sign_flips.p_worse(values) == pytest.approx(expected)


def test_six_scenarios_show_little_and_none_that_differs_nothing() -> None:
    assert sign_flips.p_worse([0.1] * 6) == 1 / 64
    assert sign_flips.p_worse([0.1] * 4) > 0.05
    assert sign_flips.p_worse([0.0] * 6) == 1.0
    assert sign_flips.p_worse([]) == 1.0


@pytest.mark.parametrize("shift", [-0.05, 0.0, 0.05, 0.1])
def test_many_scenarios_are_approximated_closely(shift: float) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy draws")
    draws = numpy.random.default_rng(3)
    values = draws.normal(shift, 0.3, 40)
    signs = draws.choice([-1, 1], (100_000, 40))
    expected = (signs @ values >= values.sum()).mean()
    assert sign_flips.p_worse(values.tolist()) == pytest.approx(expected, abs=0.006)


def test_the_ends_are_exact() -> None:
    assert sign_flips.p_worse([0.2] * 30) == pytest.approx(2**-30)
    assert sign_flips.p_worse([-0.2] * 30) == 1.0
    assert sign_flips.p_worse([0.2] * 15 + [-0.2] * 15) == 0.5
