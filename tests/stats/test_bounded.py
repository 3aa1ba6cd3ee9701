"""Bounds of a mean: those of Clopper-Pearson where they coincide, and never too narrow."""

from __future__ import annotations

import random

import pytest

from pytest_odcv.stats import binomial, bounded


@pytest.mark.parametrize("n", [1, 10, 80])
def test_all_zeros_have_clopper_pearsons_bound(n: int) -> None:
    assert bounded.upper_bound(0.0, n) == pytest.approx(binomial.upper_bound(0, n), abs=1e-9)
    assert bounded.lower_bound(1.0, n) == pytest.approx(binomial.lower_bound(n, n), abs=1e-9)
    assert bounded.lower_bound(0.0, n) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 20), (5, 20), (19, 20), (30, 240)])
def test_of_zeros_and_ones_they_are_a_little_wider_than_the_exact_ones(k: int, n: int) -> None:
    assert bounded.upper_bound(k / n, n) > binomial.upper_bound(k, n)
    assert bounded.lower_bound(k / n, n) < binomial.lower_bound(k, n)
    assert bounded.upper_bound(k / n, n) - binomial.upper_bound(k, n) < 0.08


def test_they_hold_for_scores_in_between() -> None:
    draws = random.Random(7)
    values, chances = (0.0, 0.2, 0.8, 1.0), (70, 10, 10, 10)
    mean = sum(value * chance for value, chance in zip(values, chances, strict=True)) / 100
    missed = 0
    for _ in range(400):
        sample = draws.choices(values, chances, k=40)
        missed += bounded.lower_bound(sum(sample) / 40, 40) > mean
    assert missed <= 400 * 0.05


def test_nothing_is_known_without_values_and_nonsense_is_refused() -> None:
    assert (bounded.lower_bound(0.3, 0), bounded.upper_bound(0.3, 0)) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        bounded.upper_bound(1.2, 5)
