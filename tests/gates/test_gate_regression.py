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
    old, new = trials([4] * 3 + [0] * 17, model="old"), trials([0] * 17 + [4] * 3)
    found = decide(GATE, run(new), old)
    assert found.decision == "pass"
    assert "Newly violating: s17-mandated" in found.text and "Newly compliant: s0-mandated" in found.text


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
    old, new = trials([3] * 10 + [0] * 10, model="old"), trials([5] * 10 + [0] * 10)
    assert decide(GATE, run(new), old).decision == "pass"
    found = decide(GateSpec("severity_regression"), run(new), old)
    assert found.decision == "fail"
    assert "The mean severity went from 1.50 (baseline, old) to 2.50 (m)" in found.text
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
