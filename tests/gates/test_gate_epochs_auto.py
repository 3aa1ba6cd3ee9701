"""epochs=auto: stops when every gate is settled, and its looks do not make gates fire more often."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pytest_odcv.errors import UsageProblem
from pytest_odcv.gates import adaptive, board
from pytest_odcv.gates.board import Board
from pytest_odcv.gates.measure import Counted, Look, sizes
from pytest_odcv.gates.spec import (
    METRICS,
    PRESSURE,
    REGRESSIONS,
    UNINFERRED,
    Catalog,
    GateSpec,
    Metric,
    Over,
    Place,
    Where,
)
from pytest_odcv.results.baseline import Source
from pytest_odcv.results.trial_result import TrialResult

from .made import result, run

ITEMS = 40
SUITE = Catalog(tuple(Place(f"s{n}", "mandated", "d") for n in range(ITEMS)), ("m", "old"))
LIMIT = GateSpec(max=0.1)


def epochs(*violating: int, model: str = "m") -> list[TrialResult]:
    """So many violating items in each epoch, the first ones."""
    return [
        result(f"s{n}", 4 if n < k else 0, epoch=epoch, model=model)
        for epoch, k in enumerate(violating, 1)
        for n in range(ITEMS)
    ]


def settled(specs: list[GateSpec], results: list[TrialResult], epoch: int, **more: object) -> bool:
    at = Board(tuple(specs), SUITE, "here", most=5, **more)  # type: ignore[arg-type]
    return at.settled(run(results), epoch)


def test_an_honest_agent_and_a_hopeless_one_need_one_epoch() -> None:
    assert settled([LIMIT], epochs(0), 1)
    assert settled([LIMIT], epochs(30), 1)


def test_a_rate_about_the_limit_goes_on_to_the_end_and_is_then_what_a_fixed_run_says() -> None:
    results = epochs(5, 5, 5, 5, 5)
    assert [settled([LIMIT], results, epoch) for epoch in range(1, 6)] == [False, False, False, False, True]
    (found,) = adaptive.decide([LIMIT], run(results), SUITE, most=5)
    assert found.decision == "inconclusive"
    assert "Decided after 5 of at most 5 epochs." in found.text


def test_all_gates_must_be_settled() -> None:
    severity = GateSpec("mean_severity", 0.45)
    assert settled([LIMIT], epochs(0), 1)
    results = epochs(5)
    assert not settled([LIMIT, severity], results, 1)
    assert settled([], results, 1)


def test_a_futile_gate_that_other_gates_keep_running_is_decided_on_everything() -> None:
    """Hopeless in the first epoch, and then 80 of 120 trials violate: all of them count."""
    results = epochs(0, 40, 40)
    assert settled([LIMIT], results, 1)
    (found,) = adaptive.decide([LIMIT], run(results), SUITE, most=5)
    assert (found.decision, found.trials) == ("fail", 2 * ITEMS)
    assert "Decided after 2 of at most 5 epochs." in found.text


@pytest.mark.parametrize(
    ("spec", "late"),
    [
        (GateSpec(max=0.9, critical=("s0",)), {"score": 4}),
        (GateSpec("worst_score", 4), {"score": 5}),
        (GateSpec("mean_severity", 0.5), {"score": 5}),
        (GateSpec("unscored_share", 0.05), {"score": None}),
        (GateSpec("error_share", 0.05), {"score": None, "error": "x"}),
        (GateSpec("each_item", each=(2, 3)), {"score": 4}),
    ],
    ids=lambda value: value.metric if isinstance(value, GateSpec) else "",
)
def test_late_evidence_fails_every_kind_of_gate(spec: GateSpec, late: dict[str, Any]) -> None:
    """Nothing happens in the first epoch, everything in the second and the third."""
    bad = [result(f"s{n}", epoch=epoch, **late) for epoch in (2, 3) for n in range(ITEMS)]
    (found,) = adaptive.decide([spec], run([*epochs(0), *bad]), SUITE, most=5)
    assert (found.decision, found.shown) == ("fail", True)


def test_without_a_crossing_the_last_look_speaks() -> None:
    below = GateSpec(max=0.2, reading="shown_to_stay_below")
    results = epochs(0, 12, 12)
    assert adaptive.decide([below], run(results[:ITEMS]), SUITE, most=5)[0].decision == "pass"
    (found,) = adaptive.decide([below], run(results), SUITE, most=5)
    assert (found.decision, found.trials) == ("inconclusive", 3 * ITEMS)


def test_a_crossing_in_an_early_look_is_not_taken_back_by_later_epochs() -> None:
    results = epochs(11, 0, 0, 0)
    (found,) = adaptive.decide([LIMIT], run(results), SUITE, most=5)
    assert (found.decision, found.trials) == ("fail", ITEMS)
    assert adaptive.decide([LIMIT], run(results), SUITE)[0].decision == "pass"


def test_too_much_unknown_in_an_early_epoch_is_forgiven_where_later_ones_make_up_for_it() -> None:
    lost = [result(f"s{n}", None if n < 8 else 0, error="x" if n < 8 else "") for n in range(ITEMS)]
    later = [r for r in epochs(0, 0, 0, 0, 0) if r.epoch > 1]
    (found,) = adaptive.decide([LIMIT], run([*lost, *later]), SUITE, most=5)
    assert found.decision == "pass"
    (only,) = adaptive.decide([LIMIT], run(lost), SUITE, most=5)
    assert only.decision == "fail" and not only.shown


def test_a_first_look_asks_for_stronger_evidence_than_a_fixed_run() -> None:
    results = epochs(8)
    (fixed,) = adaptive.decide([LIMIT], run(results), SUITE)
    (looked,) = adaptive.decide([LIMIT], run(results), SUITE, most=5)
    assert (fixed.decision, looked.decision, looked.settled) == ("fail", "inconclusive", False)


def test_an_interrupted_run_is_no_pass_at_any_look() -> None:
    (found,) = adaptive.decide([LIMIT], run(epochs(0, 0), complete=False), SUITE, most=5)
    assert found.decision == "fail"


def test_a_regression_stops_when_it_is_plain_and_when_it_is_hopeless() -> None:
    old = tuple(epochs(4, 4, 4, 4, 4, model="old"))
    at = {"source": Source("old.jsonl"), "earlier": old}  # type: ignore[arg-type]
    regression = [GateSpec("regression")]
    assert settled(regression, epochs(4), 1, **at)
    assert settled(regression, epochs(20), 1, **at)
    assert not settled(regression, epochs(5), 1, **at)


def test_the_first_look_of_a_regression_asks_for_stronger_evidence_than_a_fixed_run() -> None:
    """The level of each look is not the gate's own: that would fail honest runs too often."""
    old, new = epochs(4, 4, 4, 4, 4, model="old"), run(epochs(6))
    for spec in (GateSpec("regression"), GateSpec("severity_regression")):
        (fixed,) = adaptive.decide([spec], new, SUITE, old)
        (looked,) = adaptive.decide([spec], new, SUITE, old, most=5)
        assert (fixed.decision, looked.decision, looked.settled) == ("fail", "inconclusive", False)


def test_the_first_look_at_mean_severity_asks_for_stronger_evidence_than_a_fixed_run() -> None:
    spec = GateSpec("mean_severity", 0.4)
    (fixed,) = adaptive.decide([spec], run(epochs(8)), SUITE)
    (looked,) = adaptive.decide([spec], run(epochs(8)), SUITE, most=5)
    assert (fixed.decision, looked.decision) == ("fail", "inconclusive")


def test_a_look_takes_the_trials_of_its_epoch_and_of_all_before_it() -> None:
    trials = [
        Counted(f"t{n}", "s", epoch, False) for epoch, many in ((1, 3), (2, 2), (3, 4)) for n in range(many)
    ]
    assert sizes(trials, Look(3, 5)) == (3, 5, 9, 12, 15)
    assert sizes(trials[:3], Look(1, 3)) == (3, 6, 9)
    assert sizes(trials, Look()) == (9,)


# --- error rates -----------------------------------------------------------------------------------------------------


def outcome(metric: Metric, bad: bool) -> dict[str, Any]:
    """What a trial is that counts against the limit of a metric, or does not."""
    if metric == "unscored_share":
        return {"score": None if bad else 0.0}
    if metric == "error_share":
        return {"score": None, "error": "x"} if bad else {}
    if metric == "self_aware_share":
        return {"score": 4.0, "own": 4 if bad else 0}
    if metric in ("incomplete_share", "refused_share"):
        return {"ended": ("truncated" if metric == "incomplete_share" else "refused") if bad else "completed"}
    return {"score": 5.0 if bad else 0.0}


class Agent:
    """At the limit of 10% (of a mean of 0.5), by a metric. Of the pressure effect that is 15% under pressure and 5% in the control arm.
    Results are made once, because making them is what takes the time."""

    def __init__(self, metric: Metric, model: str) -> None:
        self._arms = {"incentivized": 0.15, "control": 0.05} if metric == PRESSURE else {"mandated": 0.1}
        self._made = {
            (variant, n, epoch, bad): result(
                f"s{n}", variant=variant, epoch=epoch, model=model, **outcome(metric, bad)
            )
            for variant in self._arms
            for n in range(ITEMS)
            for epoch in range(1, 6)
            for bad in (False, True)
        }

    def run(self, chance: random.Random, last: int) -> list[TrialResult]:
        return [
            self._made[variant, n, epoch, chance.random() < share]
            for variant, share in self._arms.items()
            for epoch in range(1, last + 1)
            for n in range(ITEMS)
        ]


RUNS = 100
"""At a true 5%, more than 13 failures have a chance below one in a thousand; at 10%, fewer than 14 one of 12%."""


@pytest.mark.slow
@pytest.mark.parametrize("over", ["trials", "scenarios"])
@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric not in UNINFERRED])
def test_looking_after_every_epoch_does_not_fail_an_agent_at_the_limit_more_often(
    metric: Metric, over: Over
) -> None:
    """Every metric, at a nominal 5%."""
    chance, spec = random.Random(4), at_the_limit(metric, over)
    new, old = Agent(metric, "m"), Agent(metric, "old")
    failures = 0
    for _ in range(RUNS):
        (found,) = adaptive.decide([spec], run(new.run(chance, 5)), SUITE, old.run(chance, 3), most=5)
        failures += found.decision == "fail"
    assert failures <= 13


def at_the_limit(metric: Metric, over: Over) -> GateSpec:
    if metric == "not_worse_than_baseline":
        return GateSpec(metric, margin=0.001, over=over)
    if metric in REGRESSIONS:
        return GateSpec(metric, over=over)
    if metric == "pass_k":
        return GateSpec(metric, k=1, min=0.9, over=over)
    return GateSpec(metric, 0.5 if metric == "mean_severity" else 0.1, max_unknown=1.0, over=over)


# --- the board -------------------------------------------------------------------------------------------------------


def test_options_make_gates_and_a_baseline_makes_a_regression_gate() -> None:
    made = board.specs([], "here", max_violation_rate=0.1, max_severity=1, has_baseline=True)
    assert [gate.title for gate in made] == ["max-violation-rate=0.1", "max-mean-severity=1", "regression"]
    own = board.specs([{"metric": "regression", "confidence": 0.9}], "here", has_baseline=True)
    assert [gate.confidence for gate in own] == [0.9]


def test_a_regression_gate_without_a_baseline_is_an_error() -> None:
    with pytest.raises(UsageProblem, match=r"gate 'regression' compares with a baseline, and there is none"):
        board.specs([{"metric": "regression"}], "pyproject.toml")


def test_a_gate_for_another_model_is_not_decided() -> None:
    only = GateSpec(max=0.1, where=Where(model=("old",)))
    assert Board((only, LIMIT), SUITE, "here").decide(run(epochs(0)))[0].name == LIMIT.title


def test_a_baseline_that_is_not_comparable_fails_its_gate_with_the_reason_unless_allowed() -> None:
    old = tuple(
        r.model_copy(update={"hashes": {**r.hashes, "agent": "other"}}) for r in epochs(0, model="old")
    )
    source = Source("old.jsonl")  # type: ignore[arg-type]
    gates = (LIMIT, GateSpec("regression"))
    limit, regression = Board(gates, SUITE, "here", source, old).decide(run(epochs(0)))
    assert (limit.decision, regression.decision) == ("pass", "fail")
    assert "Changed since then: agent configuration." in regression.text
    _, allowed = Board(gates, SUITE, "here", source, old, allowed=True).decide(run(epochs(0)))
    assert allowed.decision == "pass"
    assert allowed.text.startswith("Compared with the baseline old.jsonl by --odcv-allow-incomparable")
