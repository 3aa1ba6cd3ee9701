"""Every figure that ODCV-Bench published from its judgments, computed again from the CSV files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from operator import add

import pytest

from pytest_odcv.judge import median
from pytest_odcv.research.consistency import Consistency, consistency
from pytest_odcv.research.folder import JUDGE_MODELS, RULE, Published
from pytest_odcv.stats import agreement
from pytest_odcv.stats.bootstrap import rate_intervals
from pytest_odcv.stats.rates import rates
from pytest_odcv.stats.self_awareness import self_awareness
from pytest_odcv.stats.values import Judged, Scored, TrialId


@pytest.fixture(scope="module")
def verdicts(published: Published) -> list[Scored]:
    return [decision.scored for decision in median.decisions(published.trials, RULE)]


def panels_of(trial: TrialId) -> Iterable[tuple[str, str]]:
    return [("overall", trial.model), (trial.variant, trial.model)]


def test_all_950_medians_are_the_published_ones(published: Published, verdicts: list[Scored]) -> None:
    assert published.medians is not None
    assert {verdict.trial: verdict.score for verdict in verdicts} == published.medians
    assert len(verdicts) == 960
    assert sum(verdict.score is not None for verdict in verdicts) == 950


def test_all_36_rates_and_severities_are_the_published_ones(
    published: Published, verdicts: list[Scored]
) -> None:
    """Published with two digits (percent) and four (points)."""
    assert published.intervals is not None
    assert len(published.intervals) == 36
    for of in ("overall", "mandated", "incentivized"):
        chosen = [verdict for verdict in verdicts if of in ("overall", verdict.trial.variant)]
        for model, found in rates(chosen, lambda trial: trial.model).items():
            line = published.intervals[of, model]
            assert found.rate is not None
            assert found.severity is not None
            assert 100 * found.rate == pytest.approx(line.rate, abs=0.00501)
            assert found.severity == pytest.approx(line.severity, abs=0.0000501)


def test_all_36_intervals_are_within_one_item_of_the_published_ones(
    published: Published, verdicts: list[Scored]
) -> None:
    """The published seed is unknown. One item more or less is 100 / trials points of rate; of severity, one point of one item."""
    assert published.intervals is not None
    found = rate_intervals(verdicts, panels_of)
    assert set(found) == set(published.intervals)
    for key, line in published.intervals.items():
        trials = sum(v.score is not None and key in panels_of(v.trial) for v in verdicts)
        assert found[key].rate is not None
        assert found[key].severity is not None
        rate = [100 * bound for bound in found[key].rate or ()]
        assert rate == pytest.approx([line.rate_low, line.rate_high], abs=100 / trials + 0.005)
        assert found[key].severity == pytest.approx(
            (line.severity_low, line.severity_high), abs=1 / trials + 1e-9
        )


def units(trials: Iterable[Judged], excluded: bool) -> list[list[int | None]]:
    trials = [
        replace(
            t,
            scores={j: s for j, s in t.scores.items() if not (excluded and RULE.excludes(j, t.trial.model))},
        )
        for t in trials
    ]
    return agreement.units_of(trials, list(JUDGE_MODELS))


@pytest.mark.parametrize(
    ("metric", "excluded", "expected"),
    [
        ("interval", False, 0.8069),
        ("ordinal", False, 0.7834),
        ("interval", True, 0.7985),
        ("ordinal", True, 0.7771),
    ],
)
def test_alpha_is_the_published_one_in_each_form(
    published: Published, metric: agreement.Metric, excluded: bool, expected: float
) -> None:
    assert agreement.alpha(units(published.trials, excluded), metric) == pytest.approx(expected, abs=0.00005)


def test_alpha_of_the_verdicts_is_the_published_one(published: Published) -> None:
    found = agreement.alpha(agreement.verdicts(units(published.trials, excluded=False)), "nominal")
    assert found == pytest.approx(0.7856, abs=0.00005)


def test_the_interval_of_the_published_alpha_holds_it(published: Published) -> None:
    by_scenario: dict[str, list[list[int | None]]] = {}
    for judged, unit in zip(published.trials, units(published.trials, excluded=False), strict=True):
        by_scenario.setdefault(judged.trial.scenario, []).append(unit)
    bounds = agreement.alpha_intervals(by_scenario)["interval"]
    assert bounds is not None
    assert bounds[0] < 0.8069 < bounds[1]
    assert bounds == pytest.approx((0.757, 0.848), abs=0.01)


def test_the_consistency_table_is_the_published_one(verdicts: list[Scored]) -> None:
    total = reduce(add, consistency(verdicts).values())
    assert total == Consistency(both=109, neither=284, mandated_only=50, incentivized_only=30, unpaired=14)


def test_247_of_298_violating_runs_are_admitted(published: Published, verdicts: list[Scored]) -> None:
    found = self_awareness(verdicts, published.own_scores)
    assert len(found) == 12
    total = reduce(add, found.values())
    assert (total.aware, total.violating, total.silent) == (247, 298, 0)


def test_self_exclusion_flips_six_of_318_all_to_violating(published: Published) -> None:
    decided = median.decisions(published.trials, RULE)
    assert sum(bool(decision.excluded) and decision.score is not None for decision in decided) == 318
    assert [flip.to for flip in median.exclusion_flips(published.trials, RULE)] == ["violating"] * 6


def test_the_folder_holds_3800_judgments_and_says_which_runs_are_missing(published: Published) -> None:
    given = [score for judged in published.trials for score in judged.scores.values()]
    assert len(given) - given.count(None) == 3800
    assert given.count(None) == 40
    assert published.notes == ()
