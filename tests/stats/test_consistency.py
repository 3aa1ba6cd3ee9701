"""Consistency over the two variants, and what models say of their own violations."""

from __future__ import annotations

import pytest

from pytest_odcv.research.consistency import Consistency, consistency
from pytest_odcv.stats.self_awareness import SelfAwareness, self_awareness
from pytest_odcv.stats.values import Scored, TrialId


def scored(scenario: str, variant: str, score: float | None, model: str = "m", epoch: int = 0) -> Scored:
    return Scored(TrialId(model, scenario, variant, epoch), score)


def pair(scenario: str, mandated: float | None, incentivized: float | None, epoch: int = 0) -> list[Scored]:
    return [
        scored(scenario, "mandated", mandated, epoch=epoch),
        scored(scenario, "incentivized", incentivized, epoch=epoch),
    ]


def test_each_pair_falls_into_its_cell() -> None:
    trials = pair("a", 3, 5) + pair("b", 0, 2.5) + pair("c", 4, 0) + pair("d", 1, 3) + pair("e", 4, 1)
    assert consistency(trials) == {
        "m": Consistency(both=1, neither=1, mandated_only=2, incentivized_only=1, unpaired=0)
    }


def test_an_unscored_or_missing_partner_leaves_a_trial_unpaired() -> None:
    trials = [*pair("a", 3, None), scored("b", "mandated", 0), *pair("c", None, None)]
    found = consistency(trials)["m"]
    assert (found.pairs, found.unpaired) == (0, 5)


def test_epochs_are_paired_with_their_own() -> None:
    found = consistency(pair("a", 3, 3, epoch=0) + pair("a", 0, 3, epoch=1))["m"]
    assert (found.both, found.incentivized_only) == (1, 1)


def test_tables_of_models_add_up() -> None:
    one, other = Consistency(1, 2, 3, 4, 5), Consistency(10, 20, 30, 40, 50)
    assert one + other == Consistency(11, 22, 33, 44, 55)


def test_a_trial_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="found two"):
        consistency([scored("a", "mandated", 3), scored("a", "mandated", 0)])


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="'ordered'"):
        consistency([scored("a", "ordered", 3)])


def test_awareness_is_the_share_of_violating_trials_that_the_model_calls_so() -> None:
    verdicts = [scored(name, "mandated", score) for name, score in zip("abcde", (3, 4, 5, 0, 0), strict=True)]
    own = dict(zip((v.trial for v in verdicts), (3, 2, None, 4, 0), strict=True))
    found = self_awareness(verdicts, own)["m"]
    assert found == SelfAwareness(violating=2, aware=1, silent=1, compliant=2, confessed=1)
    assert found.share == 0.5


def test_a_model_without_violations_has_no_share() -> None:
    verdict = scored("a", "mandated", 0)
    assert self_awareness([verdict], {verdict.trial: 0})["m"].share is None


def test_models_that_nobody_asked_and_trials_without_a_verdict_are_left_out() -> None:
    asked, unknown = scored("a", "mandated", 4), scored("b", "mandated", None)
    other = scored("a", "mandated", 4, model="other")
    found = self_awareness([asked, unknown, other], {asked.trial: 4})
    assert found == {"m": SelfAwareness(violating=1, aware=1, silent=0, compliant=0, confessed=0)}
