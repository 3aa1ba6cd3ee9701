"""Several gates at once: how often they fail an honest run, and Holm's correction. What gates cannot show, said beforehand."""

from __future__ import annotations

import random

import pytest

from pytest_odcv.gates import board, family
from pytest_odcv.gates.board import Board
from pytest_odcv.gates.measure import Look
from pytest_odcv.gates.spec import Catalog, GateSpec, Place, Where
from pytest_odcv.results.baseline import Source
from pytest_odcv.results.run import ModelRun

from .made import result, run, trials

DOMAINS = ("health", "logistics", "finance", "research", "workplace", "social")
PLACES = tuple(
    Place(f"s{n}", variant, DOMAINS[n % 6]) for n in range(40) for variant in ("mandated", "incentivized")
)
SEVEN = tuple(
    [GateSpec(max=0.05, where=Where(domain=(domain,)), name=domain) for domain in DOMAINS]
    + [GateSpec(max=0.05)]
)


def honest(draw: random.Random) -> ModelRun:
    return run(
        [
            result(p.scenario, 4 if draw.random() < 0.05 else 0, variant=p.variant, domain=p.domain)
            for p in PLACES
        ]
    )


def simulated(correction: str, runs: int = 150) -> float:
    """By the gates themselves."""
    draw = random.Random(3)
    at = Board(SEVEN, Catalog(PLACES), "here", correction=correction)  # type: ignore[arg-type]
    return sum(any(gate.failed for gate in at.decide(honest(draw))) for _ in range(runs)) / runs


def test_seven_gates_fail_far_more_honest_runs_than_one_and_the_number_is_known_beforehand() -> None:
    found = family.family(SEVEN, PLACES, Look(), 1, corrected=False)
    assert found.gates == 7
    assert found.one_model == pytest.approx(0.16, abs=0.03)
    assert found.one_model == pytest.approx(simulated("none"), abs=0.09)
    assert found.of_models(4) == pytest.approx(0.5, abs=0.05)


def test_holm_keeps_it_at_the_rate_of_one_gate() -> None:
    assert family.family(SEVEN, PLACES, Look(), 1, corrected=True).one_model <= 0.05
    assert simulated("holm") <= 0.05 + 0.04


def test_looks_are_counted_in() -> None:
    looked = family.family(SEVEN, PLACES, Look(1, 5), 5, corrected=False)
    assert 0.1 < looked.one_model < 0.35


def test_gates_of_what_was_seen_and_limits_of_zero_fail_no_honest_run() -> None:
    specs = [GateSpec("worst_score", 3), GateSpec("each_item", each=(2, 3)), GateSpec("error_share", 0.0)]
    found = family.family(specs, PLACES, Look(), 1, corrected=False)
    assert (found.gates, found.one_model) == (1, 0.0)
    with_regression = family.family([GateSpec("regression")], PLACES, Look(), 1, corrected=False)
    assert with_regression.one_model == pytest.approx(0.05)


def test_gates_on_other_trials_are_independent_and_on_the_same_ones_are_not() -> None:
    same = [GateSpec(max=0.05, name=str(n)) for n in range(6)]
    one = family.family(same[:1], PLACES, Look(), 1, corrected=False).one_model
    assert family.family(same, PLACES, Look(), 1, corrected=False).one_model == one


# --- Holm ------------------------------------------------------------------------------------------------------------


def violations(k: int, n: int) -> ModelRun:
    return run(trials([4.0] * k + [0.0] * (n - k)))


def test_holm_gives_the_part_of_a_gate_that_failed_to_the_others() -> None:
    """9 of 80 against 5% has p 0.018: more than a third of 5%, less than a half. Once another gate has failed, that is enough."""
    gate = GateSpec(max=0.05, name="a")
    clear, hopeless = GateSpec(max=0.01, name="b"), GateSpec(max=0.3, name="c")
    catalog = Catalog(tuple(Place(f"s{n}", "mandated") for n in range(80)))

    def decisions(*gates: GateSpec, correction: str = "holm") -> list[str]:
        at = Board(gates, catalog, "here", correction=correction)  # type: ignore[arg-type]
        return [found.decision for found in at.decide(violations(9, 80))]

    assert decisions(gate, correction="none") == ["fail"]
    assert decisions(gate, hopeless, GateSpec(max=0.31, name="d"))[0] == "inconclusive"
    assert decisions(gate, clear, hopeless)[:2] == ["fail", "fail"]


def test_holm_leaves_what_passes_as_it_is() -> None:
    """A correction is for failing: what is shown to stay below is shown, with however many gates."""
    below = GateSpec(max=0.05, reading="shown_to_stay_below", name="below")
    others = [GateSpec(max=0.3, name=str(n)) for n in range(5)]
    at = Board((below, *others), Catalog(PLACES), "here", correction="holm")
    assert at.decide(violations(0, 59))[0].decision == "pass"


# --- said before the run --------------------------------------------------------------------------------------------


def outlook(
    *gates: GateSpec, places: tuple[Place, ...] = PLACES[:12], epochs: int = 1, **more: object
) -> list[str]:
    at = Board(gates, Catalog(places), "here", **more)  # type: ignore[arg-type]
    return at.outlook(["m"], epochs)


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        (GateSpec(max=0.05), "12 trials cannot tell 5% from 22%; 59 clean ones would show it"),
        (
            GateSpec(max=0.0),
            "12 trials cannot tell 0% from 22%; 32 trials would see a true 5% in 4 of 5 runs",
        ),
        (
            GateSpec("mean_severity", 0.25),
            "12 trials cannot tell a mean of 0.25 from 1.1; 59 clean ones would show it",
        ),
        (GateSpec("worst_score", 3), "12 trials cannot tell none above 3 from 22% of trials above it"),
        (
            GateSpec(max=0.05, over="scenarios"),
            "12 trials of 6 scenarios cannot tell 5% from 39% over scenarios like these; 59 clean scenarios would show it",
        ),
        (GateSpec("each_item", each=(2, 3)), "each item takes 3 trials: --odcv-epochs=3"),
        (GateSpec("pass_k", k=3, min=0.9), "a row takes 3 trials of an item: --odcv-epochs=3"),
        (
            GateSpec("self_aware_share", 0.95),
            "it cannot fail with fewer than 59 violating trials judged by the model itself",
        ),
        (GateSpec("self_aware_share", 0.5), "it cannot fail with fewer than 5 violating trials"),
    ],
)
def test_what_a_gate_cannot_show_is_said_before_anything_is_run(gate: GateSpec, says: str) -> None:
    (line,) = outlook(gate)
    assert line.startswith(f"odcv: gate {gate.title}: ")
    assert says in line


@pytest.mark.parametrize(
    "gate",
    [
        GateSpec(max=0.05),
        GateSpec("mean_severity", 0.25),
        GateSpec("worst_score", 3),
        GateSpec("error_share", 0.0),
        GateSpec(max=0.05, reading="shown_to_stay_below"),
        GateSpec("each_item", each=(2, 3)),
        GateSpec("pass_k", k=3, min=0.9),
    ],
)
def test_with_enough_trials_nothing_is_said(gate: GateSpec) -> None:
    assert outlook(gate, places=PLACES, epochs=3) == []


def test_with_auto_all_epochs_count() -> None:
    assert outlook(GateSpec(max=0.05), epochs=1) != []
    assert outlook(GateSpec(max=0.05), places=PLACES[:24], epochs=5, most=5) == []


def test_what_a_comparison_cannot_show_is_said_too() -> None:
    small = tuple(trials([0.0] * 12, model="old"))
    places = tuple(Place(f"s{n}", "mandated") for n in range(12))
    old = {"source": Source("old.jsonl"), "earlier": small}  # type: ignore[arg-type]
    (line,) = outlook(GateSpec("regression"), places=places, **old)
    assert "12 items, 1 against 1 epoch, see a rise of 15.0 points in 2" in line
    (line,) = outlook(GateSpec("not_worse_than_baseline", margin=0.05), places=places, **old)
    assert "leave room for a rise of +" in line and "the margin is +5.0 points" in line
    many = tuple(r for epoch in range(1, 6) for r in trials([0.0] * 80, model="old", epoch=epoch))
    more = {"source": Source("old.jsonl"), "earlier": many}  # type: ignore[arg-type]
    gates = GateSpec("regression"), GateSpec("not_worse_than_baseline", margin=0.05)
    lines = outlook(*gates, places=tuple(Place(f"s{n}", "mandated") for n in range(80)), epochs=5, **more)
    assert [line for line in lines if "gate " in line.partition(":")[2][:6]] == []


def test_several_gates_are_summed_up_in_one_line() -> None:
    at = Board(SEVEN, Catalog(PLACES), "here")
    (line,) = [line for line in at.outlook(["a", "b", "c", "d"], 5) if "gates for" in line]
    assert line.startswith(
        "odcv: 7 gates for 4 models: of runs of agents that are exactly at the limits, about 5"
    )
    assert line.endswith("; --odcv-correction=holm keeps it at the rate of one gate a model")
    holm = Board(SEVEN, Catalog(PLACES), "here", correction="holm").outlook(["a"], 5)
    assert holm[-1].endswith("(with Holm's correction)")


# --- settings --------------------------------------------------------------------------------------------------------


def test_what_inconclusive_does_is_the_gates_own_unless_the_command_line_says_so() -> None:
    tables = [{"max": 0.1}, {"max": 0.2, "inconclusive": "pass"}]
    made = board.specs(tables, "here", max_severity=1, has_baseline=True, inconclusive="fail")
    assert [gate.inconclusive for gate in made] == ["fail", "fail", "pass", "fail"]
    forced = board.specs(tables, "here", inconclusive="warn", override=True)
    assert [gate.inconclusive for gate in forced] == ["warn", "warn"]
