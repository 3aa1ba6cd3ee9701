"""Every pair of models in ODCV-Bench's judgments: the statistics of the regression gate against statsmodels and scipy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest

from pytest_odcv.gates import regression
from pytest_odcv.gates.spec import GateSpec
from pytest_odcv.research.study import load
from pytest_odcv.results.run import ModelRun
from pytest_odcv.results.trial_result import TrialResult
from pytest_odcv.stats import compare, permutation, power, stratified
from pytest_odcv.stats.rates import grouped
from pytest_odcv.stats.values import Scored

JUDGMENTS = Path(__file__).parents[3] / "shared" / "odcv-bench" / "judgments"

pytestmark = pytest.mark.skipif(
    not JUDGMENTS.is_dir(), reason="ODCV-Bench's judgments are not beside the checkout"
)


@cache
def by_model() -> dict[str, list[Scored]]:
    return grouped(load(JUDGMENTS).verdicts, lambda trial: trial.model)


def pairs() -> Iterator[tuple[str, str, list[Scored], list[Scored]]]:
    for one, other in permutations(by_model(), 2):
        yield one, other, by_model()[one], by_model()[other]


def as_results(trials: list[Scored]) -> list[TrialResult]:
    return [
        TrialResult(
            suite="odcv-bench",
            scenario=t.trial.scenario,
            domain="",
            variant=t.trial.variant,  # type: ignore[arg-type]
            model=t.trial.model,
            scripted=False,
            epoch=1,
            score=t.score,
        )
        for t in trials
    ]


@pytest.mark.slow
def test_cochran_mantel_haenszel_is_that_of_statsmodels_for_every_pair() -> None:
    reference = pytest.importorskip("statsmodels.stats.contingency_tables", reason="the reference")
    compared = 0
    for _, _, one, other in pairs():
        strata = [[[c, d], [a, b]] for a, b, c, d in compare.tables(one, other).values() if a + b and c + d]
        found = compare.cochran_mantel_haenszel(one, other)
        table = reference.StratifiedTable([[list(map(float, row)) for row in cells] for cells in strata])
        expected = table.test_null_odds(correction=False)
        assert found.z is not None
        assert found.z**2 == pytest.approx(expected.statistic, abs=1e-9)
        one_sided = expected.pvalue / 2 if found.z > 0 else 1 - expected.pvalue / 2
        assert found.p_worse == pytest.approx(one_sided, abs=1e-9)
        if found.odds_ratio:
            assert found.odds_ratio == pytest.approx(table.oddsratio_pooled, abs=1e-9)
        compared += 1
    assert compared == 12 * 11


def test_mcnemar_and_the_exact_test_are_those_of_statsmodels_and_scipy_for_every_pair() -> None:
    reference = pytest.importorskip("statsmodels.stats.contingency_tables", reason="the reference")
    binomtest = pytest.importorskip("scipy.stats", reason="the reference").binomtest
    for _, _, one, other in pairs():
        found = compare.mcnemar(compare.pair(one, other).pairs)
        table = [[found.both, found.first_only], [found.second_only, found.neither]]
        assert found.p == pytest.approx(reference.mcnemar(table, exact=True).pvalue, abs=1e-9)
        tosses = found.first_only + found.second_only
        one_sided = binomtest(found.second_only, tosses, alternative="greater").pvalue
        exact = stratified.exact(compare.tables(one, other).values())
        assert found.p_worse == pytest.approx(one_sided, abs=1e-9)
        assert exact.p_worse == pytest.approx(one_sided, abs=1e-9)


def test_the_shift_of_scores_is_the_permutation_test_of_scipy() -> None:
    """At one epoch a side, permuting an item's two scores is flipping the sign of its difference."""
    stats = pytest.importorskip("scipy.stats", reason="the reference")
    numpy = pytest.importorskip("numpy", reason="scipy needs it")
    for one, other in (
        ("gpt-oss-20b", "gpt-oss-120b"),
        ("qwen3.6-max-preview", "qwen3.6-27b"),
        ("glm-5.1", "kimi-k2.6"),
    ):
        matched = compare.pair(by_model()[one], by_model()[other]).pairs
        first, second = ([pair[side].score or 0 for pair in matched] for side in (0, 1))
        expected = stats.permutation_test(
            (second, first),
            lambda x, y, axis: numpy.mean(x - y, axis=axis),
            permutation_type="samples",
            alternative="greater",
            n_resamples=20_000,
            rng=numpy.random.default_rng(1),
        )
        found = stratified.score_shift(by_model()[one], by_model()[other])
        assert found.p_worse == pytest.approx(expected.pvalue, abs=0.015)
        exact = permutation.shift([([a], [b]) for a, b in zip(first, second, strict=True)])
        assert exact.p_worse == pytest.approx(expected.pvalue, abs=0.015)


def test_the_statistics_of_many_epochs_agree_with_their_approximations_on_real_pairs() -> None:
    """The second variant taken for a second epoch, so that items have two trials a side."""
    for _, _, before, after in pairs():
        first, second = (
            [replace(t, trial=replace(t.trial, variant="x")) for t in side] for side in (before, after)
        )
        items = [
            ([t.score or 0 for t in one], [t.score or 0 for t in other])
            for one, other in stratified.by_item(first, second).values()
            if one and other
        ]
        exact, normal = permutation.shift(items), stratified.score_shift(first, second)
        assert exact.p_worse == pytest.approx(normal.p_worse, abs=0.02)


def test_the_large_gpt_oss_is_not_shown_to_be_worse_and_the_small_one_neither() -> None:
    """The issue's own pair: 28.7% and 36.2%, 10 items for the worse and 4 for the better."""
    small, large = as_results(by_model()["gpt-oss-20b"]), as_results(by_model()["gpt-oss-120b"])
    up = regression.decide(GateSpec("regression"), ModelRun("gpt-oss-120b", tuple(large)), small)
    assert (up.decision, round(up.observed or 0, 4)) == ("inconclusive", 0.075)
    assert "10 items for the worse and 4 for the better" in up.text
    down = regression.decide(GateSpec("regression"), ModelRun("gpt-oss-20b", tuple(small)), large)
    assert down.decision == "pass"


def test_the_gate_fires_on_a_pair_where_cochran_mantel_haenszel_does() -> None:
    for one, other, before, after in pairs():
        found = regression.decide(
            GateSpec("regression", max_unknown=0),
            ModelRun(other, tuple(as_results(after))),
            as_results(before),
        )
        p = compare.cochran_mantel_haenszel(before, after).p_worse
        unscored = any(trial.score is None for trial in after)
        assert (found.decision == "fail") == (p <= 0.05 or unscored), (one, other)


def test_the_icc_of_the_published_models_is_what_the_simulation_takes() -> None:
    found = sorted(value for trials in by_model().values() if (value := power.icc(trials)) is not None)
    assert found[len(found) // 2] == pytest.approx(0.6, abs=0.01)
