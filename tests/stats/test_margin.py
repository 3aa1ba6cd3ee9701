"""The interval of a rise: score method against statsmodels and brute force, what it says of clean trials, its error rate."""

from __future__ import annotations

import random
from statistics import NormalDist

import pytest

from pytest_odcv.stats import margin
from pytest_odcv.stats.compare import Table

Z = NormalDist().inv_cdf(0.95)


def test_at_no_rise_it_is_the_score_test_of_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="the reference")
    for a, n1, c, n2 in ((3, 20, 7, 25), (10, 80, 21, 80), (1, 5, 3, 4)):
        expected = proportion.score_test_proportions_2indep(c, n2, a, n1, value=0, compare="diff")
        assert margin.rise_z([(a, n1 - a, c, n2 - c)], 0.0) == pytest.approx(expected[0], abs=1e-6)


@pytest.mark.parametrize("table", [(3, 17, 7, 18), (0, 12, 0, 12), (5, 0, 4, 1), (0, 1, 1, 0)])
@pytest.mark.parametrize("rise", [-0.3, 0.05, 0.4])
def test_rates_under_the_constraint_are_the_likeliest(table: Table, rise: float) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy looks at all of them")
    a, b, c, d = table
    first = numpy.linspace(max(0.0, -rise), min(1.0, 1.0 - rise), 200_001)[1:-1]
    likelihood = (
        a * numpy.log(first)
        + b * numpy.log(1 - first)
        + c * numpy.log(first + rise)
        + d * numpy.log(1 - first - rise)
    )
    assert margin._first_rate(table, rise) == pytest.approx(float(first[likelihood.argmax()]), abs=2e-5)


def test_interval_and_test_agree_and_the_interval_does_not_vanish() -> None:
    tables: list[Table] = [(1, 4, 2, 3), (0, 5, 1, 4), (5, 0, 4, 1), (0, 5, 0, 5)] * 5
    low, high = margin.rise_interval(tables, 0.9)
    assert margin.rise_z(tables, low) == pytest.approx(Z, abs=1e-3)
    assert margin.rise_z(tables, high) == pytest.approx(-Z, abs=1e-3)
    clean = margin.rise_interval([(0, 1, 0, 1)] * 12, 0.9)
    assert clean[0] == pytest.approx(-clean[1], abs=1e-6) and clean[1] > 0.2
    assert margin.rise_interval([(1, 0, 0, 0)]) == (-1.0, 1.0)
    assert margin.rise_z([], 0.1) == 0.0


def test_every_item_counts_once() -> None:
    lopsided: list[Table] = [(0, 1, 1, 0), (0, 100, 0, 100)]
    low, high = margin.rise_interval(lopsided)
    assert low < 0.5 < high
    assert margin.rise_z(lopsided, 0.5) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("epochs", [(5, 3), (5, 5)])
def test_a_version_at_the_margin_is_seldom_shown_not_to_be_worse_and_an_unchanged_one_often(
    epochs: tuple[int, int],
) -> None:
    draw = random.Random(4)
    shown = {0.0: 0, 0.05: 0}
    for rise in shown:
        for _ in range(400):
            tables: list[Table] = []
            for _ in range(80):
                # Items violate always, never or at times; the mean is 15%.
                rate = draw.choice([0.0] * 6 + [0.3, 0.3] + [0.45] * 2)
                a, c = (
                    sum(draw.random() < r for _ in range(n))
                    for n, r in zip(epochs, (rate, rate + rise), strict=True)
                )
                tables.append((a, epochs[0] - a, c, epochs[1] - c))
            shown[rise] += margin.rise_z(tables, 0.05) <= -Z
    assert shown[0.05] <= 0.085 * 400
    assert shown[0.0] >= 0.5 * 400
