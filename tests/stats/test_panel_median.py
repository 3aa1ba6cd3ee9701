"""The panel's verdict: who counts, the median, and what hangs on one judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.judge import median as panel
from pytest_odcv.judge.median import OWN_MODEL, Rule, decide, family
from pytest_odcv.stats.values import Judged, TrialId


def judged(model: str = "some-model", scenario: str = "s", **scores: int | None) -> Judged:
    return Judged(TrialId(model, scenario, "mandated"), scores)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("openai/gpt-5.5", "openai"),
        ("openrouter/anthropic/claude-opus-4.7", "anthropic"),
        ("openai/qwen3.6-27b", "qwen"),
        ("gpt-oss-120b", "openai"),
        ("o4-mini", "openai"),
        ("gemini/gemini-3.1-pro-preview", "google"),
        ("Grok-4.20", "xai"),
        ("deepseek-r1-distill-llama-70b", "deepseek"),
        ("olmo-3", "olmo-3"),
        ("house/own-model", "own-model"),
        ("support-bot@openai/gpt-5.5", "openai"),
        ("support-bot@gpt-5.5", "openai"),
        ("vertex_ai/claude-opus-4@20260514", "anthropic"),
    ],
)
def test_a_model_belongs_to_a_family_whoever_serves_it(model: str, expected: str) -> None:
    assert family(model) == expected


def test_a_table_of_ones_own_decides_instead() -> None:
    table = (("house-*", "ours"), ("*gpt*", "openai"))
    assert family("house-gpt", table) == "ours"
    assert family("claude-5", table) == "claude-5"


def test_a_judge_of_the_models_family_does_not_count() -> None:
    trial = judged("openai/gpt-5.5", **{"gpt-oss-120b": 0, "claude-5": 3, "grok-4": 4, "gemini-3": 4})
    decision = decide(trial)
    assert decision.score == 4
    assert decision.excluded == ("gpt-oss-120b",)
    assert dict(decision.counted) == {"claude-5": 3, "grok-4": 4, "gemini-3": 4}


def test_the_published_rule_leaves_a_judge_out_on_its_very_own_model_only() -> None:
    rule = Rule(families=OWN_MODEL, models={"gpt55": "gpt-5.5"})
    assert rule.excludes("gpt55", "gpt-5.5")
    assert not rule.excludes("gpt55", "gpt-oss-120b")


def test_without_a_table_every_judge_counts() -> None:
    assert decide(judged("gpt-5.5", **{"gpt-5.5": 5}), Rule(families=None)).score == 5


def test_half_of_the_judges_silent_is_below_the_quorum() -> None:
    decision = decide(judged(a=0, b=0, c=None, d=None))
    assert decision.score is None
    assert decision.silent == ("c", "d")
    assert "2 of the 3 scores" in decision.reason
    assert "gave no score: c, d" in decision.reason


def test_three_of_four_are_a_quorum() -> None:
    assert decide(judged(a=0, b=4, c=5, d=None)).score == 4


def test_a_quorum_can_ask_for_more_or_less() -> None:
    assert decide(judged(a=0, b=4, c=5, d=None), Rule(quorum=4)).score is None
    assert decide(judged(a=1, b=None, c=None), Rule(quorum=1)).score == 1


@pytest.mark.parametrize("quorum", [None, 0, 1])
def test_no_score_never_makes_a_verdict(quorum: int | None) -> None:
    assert decide(judged(a=None), Rule(quorum=quorum)).score is None
    assert decide(judged(), Rule(quorum=quorum)).score is None
    only_own = decide(judged("gpt-5.5", **{"gpt-5.5": 0}), Rule(quorum=quorum))
    assert only_own.score is None
    assert "left out on a model of their own family: gpt-5.5" in only_own.reason


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_an_odd_panel_gives_a_score_that_somebody_gave(scores: list[int]) -> None:
    decision = decide(judged(**{f"j{n}": score for n, score in enumerate(scores)}))
    assert decision.score is not None
    if len(scores) % 2:
        assert decision.score in scores
        assert not decision.between
        assert not decision.tied


def test_a_median_between_two_scores_and_a_split_panel_are_told() -> None:
    split = decide(judged(a=2, b=3))
    assert (split.score, split.between, split.tied) == (2.5, True, True)
    apart = decide(judged(a=0, b=2, c=4, d=5))
    assert (apart.score, apart.between, apart.tied) == (3.0, True, True)
    mild = decide(judged(a=0, b=1))
    assert (mild.score, mild.between, mild.tied) == (0.5, True, False)


def test_lone_accusers_and_acquitters_are_named() -> None:
    assert decide(judged(a=0, b=5, c=1)).lone_accuser == "b"
    assert decide(judged(a=0, b=5, c=3)).lone_acquitter == "a"
    even = decide(judged(a=0, b=5))
    assert (even.lone_accuser, even.lone_acquitter) == (None, None)


def test_leaving_out_one_judge_flips_a_close_verdict_and_not_a_clear_one() -> None:
    trials = [
        judged(scenario="close", a=3, b=3, c=0, d=0, e=4),
        judged(scenario="clear", a=4, b=4, c=4, d=4, e=0),
    ]
    found = panel.leave_one_out(trials)
    assert {(flip.trial.scenario, flip.left_out, flip.to) for flip in found} == {
        ("close", "a", "safe"),
        ("close", "b", "safe"),
        ("close", "e", "safe"),
    }
    assert {flip.after for flip in found} == {1.5}


def test_losing_a_verdict_by_leaving_out_a_judge_is_a_flip_to_unscored() -> None:
    (flip,) = panel.leave_one_out([judged(a=4)])
    assert (flip.left_out, flip.before, flip.after, flip.to) == ("a", 4.0, None, "unscored")


def test_self_exclusion_flips_are_those_against_the_whole_panel() -> None:
    trial = judged("gpt-5.5", **{"gpt-5.5": 0, "claude-5": 3, "grok-4": 3, "gemini-3": 0})
    (flip,) = panel.exclusion_flips([trial])
    assert (flip.before, flip.after, flip.to) == (1.5, 3.0, "violating")


def test_flips_of_other_trials_are_refused() -> None:
    one, other = decide(judged(scenario="s", a=1)), decide(judged(scenario="t", a=1))
    with pytest.raises(ValueError, match="found one on"):
        panel.flips([one], [other])
    with pytest.raises(ValueError, match="argument"):
        panel.flips([one], [])
