"""The clustered bootstrap: against numpy, scipy, and the exact distribution that it approaches."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.stats.bootstrap import percentile_interval, rate_intervals, ratio_interval, resampled_sums
from pytest_odcv.stats.values import Scored, TrialId

ROWS = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(-70_000, 70_000), min_size=columns, max_size=columns), min_size=1, max_size=8
    )
)


def scored(scenario: str, variant: str, score: float | None, model: str = "m") -> Scored:
    return Scored(TrialId(model, scenario, variant), score)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 5))
def test_sums_are_those_of_drawing_whole_rows(rows: list[list[int]], seed: int) -> None:
    draw = Random(seed).choices
    expected = [[sum(column) for column in zip(*draw(rows, k=len(rows)), strict=True)] for _ in range(7)]
    found = resampled_sums(rows, resamples=7, seed=seed)
    assert [list(row) for row in zip(*found, strict=True)] == expected


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    rows = [[value] for value in range(30)]
    assert list(resampled_sums(rows, 50, seed=1)[0]) == list(resampled_sums(rows, 50, seed=1)[0])
    assert list(resampled_sums(rows, 50, seed=1)[0]) != list(resampled_sums(rows, 50, seed=2)[0])


@pytest.mark.parametrize("rows", [[], [[1, 2], [3]]])
def test_rows_that_cannot_be_resampled_are_refused(rows: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="expected"):
        resampled_sums(rows)


def test_sums_beyond_64_bits_are_refused_rather_than_wrong() -> None:
    with pytest.raises(ValueError, match=r"2\*\*64"):
        resampled_sums([[2**63], [2**63]])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_percentiles_equal_those_of_numpy(values: list[float], confidence: float) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy is the reference for percentiles")
    tail = 100 * (1 - confidence) / 2
    expected = numpy.percentile(values, [tail, 100 - tail])
    assert percentile_interval(values, confidence) == pytest.approx(tuple(expected), rel=1e-9, abs=1e-6)


def test_percentiles_of_nothing_and_a_confidence_of_95_are_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        percentile_interval([])
    with pytest.raises(ValueError, match="confidence"):
        percentile_interval([1.0], 95)


def exact_bounds(values: list[int], confidence: float) -> tuple[int, int]:
    """Bounds of the bootstrap with endless resamples: the sum of as many draws as there are values, by convolution."""
    chances = Counter({0: 1.0})
    for _ in values:
        longer: Counter[int] = Counter()
        for total, chance in chances.items():
            for value, count in Counter(values).items():
                longer[total + value] += chance * count / len(values)
        chances = longer
    seen, bounds = 0.0, []
    for total in sorted(chances):
        seen += chances[total]
        while len(bounds) < 2 and seen >= ((1 - confidence) / 2, (1 + confidence) / 2)[len(bounds)]:
            bounds.append(total)
    return bounds[0], bounds[1]


def test_ten_thousand_resamples_come_within_one_item_of_endless_many() -> None:
    values = [2] * 9 + [1] * 7 + [0] * 24
    low, high = percentile_interval(resampled_sums([[value] for value in values])[0])
    exact_low, exact_high = exact_bounds(values, 0.95)
    assert abs(low - exact_low) <= 1
    assert abs(high - exact_high) <= 1


def test_ratios_of_uneven_clusters_agree_with_the_bootstrap_of_scipy() -> None:
    scipy_stats = pytest.importorskip("scipy.stats", reason="scipy is the reference for the bootstrap")
    numpy = pytest.importorskip("numpy", reason="scipy needs it")
    violated = [2, 0, 1, 1, 0, 0, 2, 1, 0, 0, 0, 2, 1, 0, 0, 1, 0, 0, 0, 1]
    trials = [2, 2, 2, 1, 2, 1, 2, 2, 2, 1, 2, 2, 2, 2, 2, 1, 2, 2, 1, 2]
    sums = resampled_sums(list(zip(violated, trials, strict=True)))
    reference = scipy_stats.bootstrap(
        (numpy.array(violated), numpy.array(trials)),
        lambda v, t, axis: v.sum(axis=axis) / t.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        method="percentile",
        rng=numpy.random.default_rng(1),
    ).confidence_interval
    assert ratio_interval(*sums) == pytest.approx((reference.low, reference.high), abs=1 / sum(trials))


def test_both_variants_of_a_scenario_are_drawn_together() -> None:
    """Ten scenarios that violate in both variants or in none: two trials of one scenario are worth no more than one."""
    trials = [
        scored(f"s{n}", variant, 4 if n < 5 else 0)
        for n in range(10)
        for variant in ("mandated", "incentivized")
    ]
    both = rate_intervals(trials, lambda _: ["all"])["all"]
    one = rate_intervals([t for t in trials if t.trial.variant == "mandated"], lambda _: ["all"])["all"]
    assert both.rate == pytest.approx(one.rate)
    assert both.severity == pytest.approx(one.severity)
    assert both.clusters == 10


def test_a_trial_counts_in_every_group_that_it_is_named_in() -> None:
    trials = [scored(f"s{n}", v, n % 6) for n in range(12) for v in ("mandated", "incentivized")]
    found = rate_intervals(trials, lambda trial: ["all", trial.variant], resamples=200)
    assert list(found) == ["all", "mandated", "incentivized"]
    alone = rate_intervals(
        [t for t in trials if t.trial.variant == "mandated"], lambda _: ["m"], resamples=200
    )
    assert found["mandated"] == alone["m"]


def test_unscored_trials_neither_lower_the_rate_nor_make_a_cluster() -> None:
    trials = [scored(f"s{n}", "mandated", 5) for n in range(4)]
    unknown = [scored(f"u{n}", "mandated", None) for n in range(9)]
    found = rate_intervals(trials + unknown, lambda _: ["all"], resamples=100)["all"]
    assert found.rate == (1.0, 1.0)
    assert found.severity == (5.0, 5.0)
    assert found.clusters == 4


@pytest.mark.parametrize("scenarios", [0, 1])
def test_fewer_than_two_scenarios_have_no_interval(scenarios: int) -> None:
    trials = [scored(f"s{n}", "mandated", 3) for n in range(scenarios)] + [scored("u", "mandated", None)]
    found = rate_intervals(trials, lambda _: ["all"])["all"]
    assert (found.rate, found.severity, found.clusters) == (None, None, scenarios)
