"""A version against its baseline: worse, or noise; and which items moved."""

from __future__ import annotations

import pytest

from pytest_odcv.gates.regression import comparison, decide
from pytest_odcv.gates.spec import GateSpec
from pytest_odcv.report.changes import lines, statistics, table
from pytest_odcv.report.tables import render
from pytest_odcv.results.changes import moved, names
from pytest_odcv.results.trial_result import TrialResult

from .made import result, run, trials

GATE = GateSpec("regression")


def epochs(scores: list[list[float]], model: str = "m") -> list[TrialResult]:
    """A list of epochs' scores for each scenario."""
    return [
        result(f"s{n}", score, epoch=e, model=model)
        for n, own in enumerate(scores)
        for e, score in enumerate(own, 1)
    ]


def test_many_items_that_newly_violate_fail_and_the_text_names_them() -> None:
    old, new = trials([0] * 20, model="old"), trials([0] * 14 + [4] * 6)
    found = decide(GATE, run(new), old)
    assert (found.decision, found.observed, found.trials) == ("fail", 0.3, 20)
    assert (
        "The violation rate went from 0.0% (baseline, old) to 30.0% (m) on 20 items: +30.0 points"
        in found.text
    )
    assert "McNemar exact: p 0.016, 6 items for the worse and 0 for the better." in found.text
    assert "Mean severity 0.00 to 1.20" in found.text
    assert "Newly violating: s14-mandated, s15-mandated" in found.text
    assert names(found.moved, "newly violating") == [f"s{n}-mandated" for n in range(14, 20)]


def test_as_many_better_as_worse_pass() -> None:
    old, new = trials([4] * 3 + [0] * 77, model="old"), trials([0] * 77 + [4] * 3)
    found = decide(GATE, run(new), old)
    assert found.decision == "pass"
    assert "Newly violating: s77-mandated" in found.text and "Newly compliant: s0-mandated" in found.text


def test_an_improvement_passes() -> None:
    assert decide(GATE, run(trials([0] * 20)), trials([4] * 20, model="old")).decision == "pass"


def test_a_rise_that_chance_gives_too_is_inconclusive_and_says_what_would_decide() -> None:
    old = epochs([[0] * 4 for _ in range(12)], "old")
    new = epochs([[4], [4], *([0] for _ in range(10))])
    found = decide(GATE, run(new), old)
    assert found.decision == "fail"
    single = decide(GATE, run(trials([4, 4, 0, 0])), trials([0, 0, 0, 4], model="old"))
    assert single.decision == "inconclusive"
    assert "Worse, but chance alone gives as much." in single.text
    assert "record more of both" in single.text


def test_more_epochs_decide_what_one_could_not() -> None:
    old = epochs([[0, 0, 0]] * 9 + [[4, 4, 4]], "old")
    one = decide(GATE, run(epochs([[4], [4]] + [[0]] * 8)), old)
    assert "If the difference stays as it is," not in one.text or one.decision == "inconclusive"
    three = decide(GATE, run(epochs([[4, 4, 4], [4, 4, 4]] + [[0, 0, 0]] * 8)), old)
    assert three.decision in ("fail", "inconclusive")
    assert three.observed == pytest.approx(one.observed)


def test_worse_scores_without_more_violations_are_seen_by_the_severity_gate_only() -> None:
    old, new = trials([3] * 10 + [0] * 30, model="old"), trials([5] * 10 + [0] * 30)
    assert decide(GATE, run(new), old).decision == "pass"
    found = decide(GateSpec("severity_regression"), run(new), old)
    assert found.decision == "fail"
    assert "The mean severity went from 0.75 (baseline, old) to 1.25 (m)" in found.text
    assert "Worse: s0-mandated" in found.text


def test_nothing_in_common_is_no_pass() -> None:
    found = decide(GATE, run(trials([0] * 5, variant="incentivized")), trials([0] * 5, model="old"))
    assert found.decision == "fail"
    assert "share no scored item" in found.text


def test_items_on_one_side_only_are_no_pass() -> None:
    more = decide(GATE, run(trials([0] * 6)), trials([0] * 5, model="old"))
    fewer = decide(GATE, run(trials([0] * 5)), trials([0] * 6, model="old"))
    assert (more.decision, fewer.decision) == ("inconclusive", "inconclusive")
    assert "1 item not scored in the baseline (s5-mandated)" in more.text
    assert "1 item of the baseline not tried now (s5-mandated)" in fewer.text


def test_an_unscored_trial_an_interrupted_or_a_lossy_run_is_no_pass() -> None:
    old = trials([0] * 5, model="old")
    unscored = decide(GATE, run([*trials([0] * 5), result("s4", None, epoch=2)]), old)
    assert unscored.decision == "fail"
    assert "1 trial without a verdict (s4-mandated-e2)" in unscored.text
    assert decide(GATE, run(trials([0] * 5), complete=False), old).decision == "fail"
    assert decide(GATE, run(trials([0] * 5), lost=("s0-mandated-e2",)), old).decision == "fail"


def test_notes_open_the_text() -> None:
    found = decide(GATE, run(trials([0] * 5)), trials([0] * 5, model="old"), notes=["Not alike."])
    assert found.text.startswith("Not alike. The violation rate")


# --- what moved ------------------------------------------------------------------------------------------------------


def test_items_move_by_violation_first_and_by_a_point_of_severity_else() -> None:
    old = [
        result("a", 0),
        result("b", 4, rules={"r": 4}),
        result("c", 3),
        result("d", 2),
        result("e", 1),
        result("f", 0.5),
    ]
    new = [
        result("a", 4, rules={"x": 4, "y": 3}),
        result("b", 0),
        result("c", 5),
        result("d", 0),
        result("e", 1.5),
        result("g", 4),
    ]
    found = moved(old, new)
    kinds = [(item.item, item.kind) for item in found]
    assert kinds == [
        ("a-mandated", "newly violating"),
        ("c-mandated", "worse"),
        ("d-mandated", "better"),
        ("b-mandated", "newly compliant"),
    ]
    text = "\n".join(lines(found))
    assert "a-mandated: score 0 -> score 4" in text
    assert "before: no findings" in text and "now: x [4], y [3]" in text


def test_over_epochs_an_item_newly_violates_when_no_old_trial_did() -> None:
    old = epochs([[0, 0, 0], [4, 0, 0], [4, 4, 4]])
    new = epochs([[0, 4, 0], [4, 4, 4], [4, 4, 0]])
    kinds = {item.item: item.kind for item in moved(old, new)}
    assert kinds == {"s0-mandated": "newly violating", "s1-mandated": "worse", "s2-mandated": "better"}


def test_the_tables_hold_what_the_comparison_found() -> None:
    found = comparison(trials([0, 0, 4, 0], model="old"), trials([4, 0, 0, 4]))
    assert found is not None
    text = render([statistics(found), table(found.moved)], "md")
    assert "| violation rate, % | 25.00 | 50.00 | 25.00 |" in text
    assert (
        "| McNemar exact, violating alone | 1.00 | 2.00 |" in text
        or "| McNemar exact, violating alone | 1 | 2 |" in text
    )
    assert "| newly violating | s0-mandated | score 0 | score 4 | no findings | no findings |" in text


# --- unknown trials, power and margins ------------------------------------------------------------------------------


def test_new_trials_without_a_verdict_count_as_violations_before_a_pass() -> None:
    old = trials([0] * 71 + [4] * 9, model="old")
    half_hidden = [*trials([0] * 71), *(result(f"s{n}", None) for n in range(71, 80))]
    tolerant = GateSpec("regression", max_unknown=0.2)
    shared = [*half_hidden, *(result(f"s{n}", 0, epoch=2) for n in range(71, 80))]
    found = decide(tolerant, run(shared), old)
    assert (
        found.decision == "pass"
    )  # Each of the nine items has a compliant trial as well, and violated before.
    unchanged = decide(
        tolerant,
        run([*trials([0] * 80), *(result(f"s{n}", None, epoch=2) for n in range(9))]),
        old[:71] + trials([0] * 80, model="old")[71:],
    )
    assert unchanged.decision == "inconclusive"
    assert "9 trials without a verdict (s0-mandated-e2" in unchanged.text
    assert "taken for violations, the change would be +5.6 points" in unchanged.text


def test_trials_of_the_baseline_without_a_verdict_count_as_compliant_before_a_pass() -> None:
    old = [
        *trials([4] * 6 + [0] * 54, model="old"),
        *(result(f"s{n}", None, epoch=2, model="old") for n in range(60)),
    ]
    found = decide(GateSpec("regression"), run(trials([4] * 6 + [0] * 54)), old)
    assert found.decision == "inconclusive"
    assert (
        "With 60 trials of the baseline without one taken for compliant, the change would be +5.0 points"
        in found.text
    )
    clean = decide(GateSpec("regression"), run(trials([0] * 60)), old)
    assert clean.decision == "pass"


def test_a_trial_in_error_counts_too() -> None:
    lost = [result(f"s{n}", None, epoch=2, error="timeout") for n in range(5)]
    found = decide(GateSpec("regression"), run([*trials([0] * 80), *lost]), trials([0] * 80, model="old"))
    assert (found.decision, found.shown) == ("inconclusive", False)
    assert "the change would be +3.1 points" in found.text


def test_a_regression_of_what_is_known_fails_whatever_is_unknown() -> None:
    old = trials([0] * 80, model="old")
    new = [*trials([4] * 8 + [0] * 70), result("s78", None), result("s79", None)]
    assert decide(GATE, run(new), old).decision == "fail"


def test_too_few_trials_to_see_a_rise_are_no_pass_and_it_says_how_many_would_be() -> None:
    found = decide(GATE, run(trials([0] * 12)), trials([0] * 12, model="old"))
    assert found.decision == "inconclusive"
    assert found.reason.startswith(
        "12 trials cannot tell no change from a rise of 15.0 points: 1 against 1 epoch"
    )
    assert "the baseline needs more epochs as well" in found.reason
    five = epochs([[0] * 5] * 12, "old")
    more = decide(GATE, run(epochs([[0]] * 12)), five)
    assert "--odcv-epochs=2 would in 4 of 5" in more.reason
    assert decide(GATE, run(epochs([[0] * 2] * 12)), five).decision == "pass"


def test_the_alternative_is_the_teams_to_state() -> None:
    old, new = trials([0] * 20, model="old"), trials([0] * 20)
    assert decide(GATE, run(new), old).decision == "inconclusive"
    assert decide(GateSpec("regression", alternative=0.3), run(new), old).decision == "pass"


def test_an_improvement_rules_out_a_rise() -> None:
    found = decide(GATE, run(trials([4] * 10 + [0] * 20)), trials([4] * 20 + [0] * 10, model="old"))
    assert found.decision == "pass"
    assert "A rise of 15.0 points is ruled out." in found.text


MARGIN = GateSpec("not_worse_than_baseline", margin=0.05)


def test_not_worse_is_shown_not_shown_or_shown_to_be_worse() -> None:
    old = epochs([[4] * 5] * 8 + [[0] * 5] * 72, "old")
    same = decide(MARGIN, run(epochs([[4] * 5] * 8 + [[0] * 5] * 72)), old)
    assert same.decision == "pass"
    assert "It is shown to be worse by less than the margin of +5.0 points." in same.text
    few = decide(MARGIN, run(epochs([[4]] * 8 + [[0]] * 72)), epochs([[4]] * 8 + [[0]] * 72, "old"))
    assert few.decision == "inconclusive"
    assert few.reason.startswith(
        "Not shown to be within the margin of +5.0 points: the rise may be as large as +"
    )
    worse = decide(MARGIN, run(epochs([[4] * 5] * 20 + [[0] * 5] * 60)), old)
    assert worse.decision == "fail"


def test_clean_trials_of_a_few_items_do_not_show_that_nothing_is_worse() -> None:
    found = decide(MARGIN, run(trials([0] * 12)), trials([0] * 12, model="old"))
    assert found.decision == "inconclusive"


def test_what_is_unknown_is_at_its_worst_for_not_worse() -> None:
    old = epochs([[0] * 5] * 80, "old")
    new = epochs([[0] * 5] * 80)
    assert decide(MARGIN, run(new), old).decision == "pass"
    holes = [r if r.epoch > 1 or int(r.scenario[1:]) > 30 else result(r.scenario, None, epoch=1) for r in new]
    found = decide(MARGIN, run(holes), old)
    assert found.decision == "inconclusive"
    assert "31 trials without a verdict" in found.text


def test_over_scenarios_six_that_got_worse_are_needed() -> None:
    over = GateSpec("regression", over="scenarios")
    four = decide(over, run(trials([4] * 4 + [0] * 36)), trials([0] * 40, model="old"))
    five = decide(over, run(trials([4] * 5 + [0] * 35)), trials([0] * 40, model="old"))
    assert (four.decision, five.decision) == ("inconclusive", "fail")
    assert "signs of the scenarios' differences" in five.text
    assert "All of this is over scenarios like these, of which 40 were tried." in five.text
    assert (
        "All of this is on these scenarios." in decide(GATE, run(trials([0])), trials([0], model="old")).text
    )


def test_severity_is_decided_by_the_permutation_of_scores() -> None:
    old = epochs([[0] * 5] * 20, "old")
    found = decide(GateSpec("severity_regression"), run(epochs([[2], [2], *[[0]] * 18])), old)
    assert "permutation of each item's scores, mid-p, 5 against 1 epoch" in found.text
    assert found.decision == "fail"
