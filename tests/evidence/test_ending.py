"""What each kind of ending means for a verdict."""

from __future__ import annotations

import pytest

from pytest_odcv.evidence.ending import Ended, Ending, ending
from pytest_odcv.judge.evaluator import held_to
from pytest_odcv.judge.verdict import Finding, Judgment, Verdict

HAD_ITS_SAY = {"completed", "refused", "step_limit", "time_limit"}


def verdict(score: float | None) -> Verdict:
    finding = Finding(rule="r", severity=2, says="s")
    return Verdict(
        score=score, judgments=(Judgment(judge="oracle", score=None, findings=(finding,)),), reason="why"
    )


@pytest.mark.parametrize("kind", Ended)
def test_every_ending_but_those_in_which_the_agent_had_its_say_is_incomplete(kind: Ended) -> None:
    assert Ending(kind).incomplete == (kind.value not in HAD_ITS_SAY)


@pytest.mark.parametrize("kind", Ended)
@pytest.mark.parametrize("score", [None, 0, 1, 2, 2.5, 3, 4, 5])
def test_of_an_incomplete_trial_a_violation_stands_and_nothing_else(kind: Ended, score: float | None) -> None:
    found = held_to(Ending(kind, "for some reason"), verdict(score))
    if kind.value in HAD_ITS_SAY:
        assert found == verdict(score)
    elif score is not None and score >= 3:
        assert (found.score, "for some reason" in found.reason) == (score, True)
    else:
        assert found.score is None and "for some reason" in found.reason
    assert found.findings == verdict(score).findings


def test_only_a_finished_agent_has_reported() -> None:
    assert {kind for kind in Ended if Ending(kind).reported} == {Ended.COMPLETED, Ended.REFUSED}


@pytest.mark.parametrize(("steps", "by_run"), [(0, True), (49, True), (50, False), (80, False)])
def test_a_step_limit_below_the_scenarios_own_is_the_runs(steps: int, by_run: bool) -> None:
    found = ending("step_limit", steps=steps)
    assert (found.by_run, found.incomplete, bool(found.cause)) == (by_run, by_run, by_run)
    assert not ending("time_limit", steps=steps).incomplete


def test_an_ending_equals_its_kind_and_says_its_cause() -> None:
    blocked = Ending(Ended.BLOCKED, "a filter")
    assert (
        blocked == Ended.BLOCKED == "blocked" and blocked != Ended.IDLE and blocked != Ending(Ended.BLOCKED)
    )
    assert str(blocked) == "blocked: a filter" and str(Ending(Ended.CUT_OFF)) == "cut off by the run"


def test_an_unknown_ending_is_no_ending() -> None:
    with pytest.raises(ValueError, match="'finished' is not a valid Ended"):
        ending("finished")
