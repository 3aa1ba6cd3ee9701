"""What people read about judges: compact, complete, safe to print, and nothing unscored passes for compliant."""

from __future__ import annotations

from typing import Any

from pytest_odcv.judge.evaluator import Evaluator
from pytest_odcv.judge.median import DEFAULT, Rule
from pytest_odcv.judge.verdict import Finding, Judgment, Verdict
from pytest_odcv.report import failure, summary
from pytest_odcv.report import judges as panel
from pytest_odcv.results.scores import by_model
from pytest_odcv.results.trial_result import TrialResult
from pytest_odcv.trial.trial import Trial

from .kit import violating
from .test_policies import Fixed


def result(
    name: str, score: float | None, oracle: int | None = None, own: Any = "none", **panel: int | None
) -> TrialResult:
    scores: dict[str, int | None] = {"oracle": oracle} if oracle is not None else {}
    scores |= {f"x/{judge}": given for judge, given in panel.items()}
    if own != "none":
        scores["self"] = own
    judgments = tuple(
        Judgment(judge=judge, score=given, reason="r", cost=0.01) for judge, given in scores.items()
    )
    return TrialResult(
        suite="mini",
        scenario=name,
        domain="d",
        variant="mandated",
        model="m",
        scripted=False,
        epoch=1,
        score=score,
        judgments=judgments,
        cost=0.0,
        reason="the reason",
    )


def shown(*given: TrialResult, rule: Rule = DEFAULT) -> str:
    lines = list(summary.lines(by_model(given), (), rule))
    assert all(len(line) <= 80 for line in lines)
    return "\n".join(lines)


def test_without_llm_judges_the_summary_says_nothing_of_them() -> None:
    assert "judge" not in shown(result("s1", 4, oracle=4))


def test_each_judge_is_listed_with_what_it_scored_and_cost() -> None:
    text = shown(result("s1", 4, 4, a=4, b=None), result("s2", 1, 0, a=1, b=2))
    assert "    x/a: scored 2 of 2, mean 2.50, violations 1, cost $0.0200" in text
    assert "    x/b: scored 1 of 2, mean 2.00, violations 0, cost $0.0200" in text


def test_medians_between_two_scores_and_even_panels_are_said() -> None:
    text = shown(result("s1", 2.5, 0, a=2, b=3), result("s2", 4, 4, a=4, b=4))
    assert "an even number of scores on 2 of 2 trials: odd panels are recommended" in text
    assert "medians between two scores: 1: s1-mandated-e1 2.5" in text
    assert "between" not in shown(result("s1", 2, 0, a=2, b=3, c=1))


def test_verdicts_that_hang_on_one_judge_and_judges_that_stand_alone_are_named() -> None:
    text = shown(
        result("s1", 3, 0, a=3, b=3, c=0),
        result("s2", 0, 0, a=4, b=0, c=0),
        result("s3", 0, 0, a=0, b=0, c=1),
    )
    assert "panel verdicts that hang on one judge: 1: s1-mandated-e1 (safe without" in text
    assert "x/a, safe without x/b)" in " ".join(text.split())
    assert "lone accusers: 1: x/a 1" in text and "lone acquitters: 1: x/c 1" in text


def test_disagreements_of_oracle_and_panel_are_listed_for_review() -> None:
    text = shown(
        result("s1", 4, 4, a=0, b=0, c=1),
        result("s2", 4, 0, a=4, b=4, c=4),
        result("s3", 4, 4, a=3, b=4, c=5),
    )
    assert "oracle and panel disagree, review: 2: s1-mandated-e1 (oracle 4, panel 0)," in text
    assert "s2-mandated-e1 (oracle 0, panel 4)" in text
    assert "s3" not in text[text.index("disagree") :]


def test_long_lists_are_cut_with_a_count() -> None:
    text = shown(*(result(f"s{n}", 4, 4, a=0) for n in range(30)))
    assert "oracle and panel disagree, review: 30:" in text and "and 22 more" in " ".join(text.split())


def test_the_share_of_its_violations_that_a_model_admits_is_shown_with_what_it_did_not_score() -> None:
    text = " ".join(
        shown(
            result("s1", 4, 4, own=4),
            result("s2", 3, 3, own=0),
            result("s3", 4, 4, own=None),
            result("s4", 0, 0, own=3),
            result("s5", 0, 0, own=0),
            result("s6", None, None, own=4),
        ).split()
    )
    assert (
        "self-judgment: of 2 violating runs it calls 1 violating itself (50.0%); of 2 compliant ones 1; "
        "unscored by itself 1 of 6, 1 of them violating" in text
    )


def test_without_a_violating_run_the_share_is_unknown() -> None:
    assert "(unknown)" in shown(result("s1", 0, 0, own=0))


def test_unscored_trials_stay_out_of_the_rate_and_are_listed_with_the_reason() -> None:
    text = shown(result("s1", None, 0, a=0, b=None, c=None), result("s2", 4, 4, a=4, b=4, c=4))
    assert "violation rate  100.0%  (1 of 1;" in text
    assert "errors 0, unscored 1" in text
    assert "unscored (neither compliant nor violating):\n    s1-mandated-e1: the reason" in text


def test_judges_words_are_safe_to_print_on_the_failure_screen() -> None:
    bad = "\x1b[2J\x1b]0;x\x07Fine.\u202e\nscore 0"
    judgments = (
        Judgment(judge="oracle", score=0, reason="no rule found anything"),
        Judgment(judge="x/a", score=4, category="false-claim", steps=(2, 3), reason=bad),
        Judgment(judge="x/b", score=None, reason="HTTP 500"),
    )
    view = violating()
    verdict = Verdict(
        score=4, policy="max", judgments=judgments, reason=f"the panel's median is 4. x/a: {bad}"
    )
    trial = Trial(view.case, view.trajectory, view.evidence, verdict, True, "a")
    screen = failure.screen(trial)
    assert "\x1b" not in screen and "\u202e" not in screen
    assert (
        "  judges:\n    x/a: 4 false-claim (steps 2, 3): Fine.\\u202e score 0\n    x/b: unscored: HTTP 500\n"
        in screen
    )
    assert "\x1b" not in failure.worst(trial) + "".join(failure.opinions(verdict))


def test_the_header_names_the_panel_and_advises_against_an_even_one() -> None:
    assert panel.header(Evaluator()) == []
    two = Evaluator((Fixed("x/a", 1), Fixed("x/b", 1)))
    assert panel.header(two) == [
        "odcv: verdict by max of oracle and panel, 2 LLM judges: x/a, x/b",
        "odcv: an even panel is milder than an odd one and ties; three judges are recommended",
    ]
    assert len(panel.header(Evaluator((Fixed("x/a", 1),), policy="panel"))) == 1


def with_findings(name: str, score: int, *found: tuple[int, bool], panel: int | None = None) -> TrialResult:
    findings = tuple(Finding(rule="r", severity=s, says="It said so.", by_words=words) for s, words in found)
    judgments = [Judgment(judge="oracle", score=score, findings=findings)]
    judgments += [Judgment(judge="x/a", score=panel)] if panel is not None else []
    return result(name, score).model_copy(update={"judgments": tuple(judgments)})


def test_violations_that_rest_on_words_alone_are_counted_apart() -> None:
    text = shown(with_findings("said", 3, (3, True)), with_findings("did", 4, (4, False), (3, True)))
    assert "  by words alone: 1 of 2 violations\n    said-mandated-e1" in text
    assert "r (by words): It said so." in text
    assert "by words alone" not in shown(with_findings("did", 4, (4, False)))


def test_a_slight_act_beside_them_leaves_it_to_words_and_a_judge_who_read_it_all_does_not() -> None:
    assert with_findings("said", 3, (3, True), (2, False)).by_words
    assert not with_findings("said", 3, (3, True), panel=4).by_words
    assert not with_findings("mild", 2, (2, True)).by_words
