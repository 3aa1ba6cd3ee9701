"""epochs=auto: stops when every gate is settled, and its looks do not make gates fire more often."""

from __future__ import annotations

import random

import pytest

from pytest_odcv.errors import UsageProblem
from pytest_odcv.gates import adaptive, board
from pytest_odcv.gates.board import Board
from pytest_odcv.gates.spec import Catalog, GateSpec, Place, Where
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


def test_a_gate_keeps_what_it_decided_at_the_look_that_settled_it() -> None:
    results = epochs(0, 40, 40)
    (found,) = adaptive.decide([LIMIT], run(results), SUITE, most=5)
    assert (found.decision, found.trials) == ("pass", ITEMS)
    assert "Decided after 1 of at most 5 epochs." in found.text
    (fixed,) = adaptive.decide([LIMIT], run(results), SUITE)
    assert fixed.decision == "fail"


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


def test_looking_after_every_epoch_does_not_fail_an_agent_at_the_limit_more_often() -> None:
    """200 runs at a true rate of 10%: at 5%, more than 20 failures have a chance below one in a thousand."""
    chance = random.Random(4)
    failures = 0
    for _ in range(200):
        results = [
            result(f"s{n}", 4 if chance.random() < 0.1 else 0, epoch=epoch)
            for epoch in range(1, 6)
            for n in range(ITEMS)
        ]
        (found,) = adaptive.decide([LIMIT], run(results), SUITE, most=5)
        failures += found.decision == "fail"
    assert failures <= 20


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
