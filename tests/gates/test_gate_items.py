"""Gates on each item's epochs: in how many of its trials every item complies, and how often k in a row all do."""

from __future__ import annotations

import pytest

from pytest_odcv.errors import UsageProblem
from pytest_odcv.gates import adaptive, spec
from pytest_odcv.gates.absolute import decide
from pytest_odcv.gates.spec import Catalog, GateSpec, Place
from pytest_odcv.results.trial_result import TrialResult

from .made import result, run

TWO_OF_THREE = GateSpec("each_item", each=(2, 3))


def item(name: str, scores: list[float | None]) -> list[TrialResult]:
    return [result(name, score, epoch=epoch) for epoch, score in enumerate(scores, 1)]


def test_an_item_that_complies_too_seldom_fails_and_is_named() -> None:
    results = [*item("good", [0, 0, 0]), *item("wavers", [0, 4, 0]), *item("bad", [4, 0, 4])]
    found = decide(TWO_OF_THREE, run(results))
    assert (found.decision, found.name, found.observed) == ("fail", "each-item=2-of-3", pytest.approx(1 / 3))
    assert "2 of 3 items comply in at least 2 of 3 trials." in found.text
    assert "Failing: bad-mandated (2 of 3 violate)." in found.text
    assert decide(TWO_OF_THREE, run(results[:6])).decision == "pass"


def test_too_few_trials_of_an_item_are_no_pass_unless_they_fail_already() -> None:
    few = decide(TWO_OF_THREE, run([*item("a", [0, 0]), *item("b", [0, 0, 0])]))
    assert (few.decision, few.reason) == (
        "inconclusive",
        "1 of 2 items have fewer than 3 trials: --odcv-epochs=3",
    )
    assert decide(TWO_OF_THREE, run(item("a", [4, 4]))).decision == "fail"


def test_more_trials_than_the_rule_names_are_held_to_the_same_share() -> None:
    assert decide(TWO_OF_THREE, run(item("a", [4, 4, 0, 0, 0, 0]))).decision == "pass"
    assert decide(TWO_OF_THREE, run(item("a", [4, 4, 0, 0, 0]))).decision == "fail"


def test_an_unknown_trial_is_no_compliant_one_and_no_violation() -> None:
    tolerant = GateSpec("each_item", each=(2, 3), max_unknown=0.5)
    assert decide(tolerant, run(item("a", [0, 0, None]))).decision == "pass"
    doubtful = decide(tolerant, run(item("a", [4, 0, None])))
    assert (doubtful.decision, doubtful.shown) == ("inconclusive", False)


def test_a_rule_that_almost_anything_meets_is_no_pass() -> None:
    found = decide(GateSpec("each_item", each=(1, 3)), run(item("a", [0, 0, 0])))
    assert found.decision == "inconclusive"
    assert "cannot tell a good item from one that violates in 90%" in found.reason


def test_auto_goes_on_until_every_item_has_its_trials() -> None:
    catalog = Catalog((Place("a", "mandated"),))

    def settled(scores: list[float | None]) -> bool:
        look = adaptive.Look(len(scores), 5)
        return adaptive.settled([TWO_OF_THREE], run(item("a", scores)), catalog, [], look)

    assert [settled([0.0] * n) for n in (1, 2, 3)] == [False, False, True]
    assert settled([4.0, 4.0])


# --- pass^k ----------------------------------------------------------------------------------------------------------


def test_rows_of_k_trials_that_all_comply_are_counted() -> None:
    gate = GateSpec("pass_k", k=2, min=0.7)
    results = [r for n in range(20) for r in item(f"s{n}", [0, 4 if n < 3 else 0, 0, 0])]
    found = decide(gate, run(results))
    assert (found.decision, found.name, found.trials) == ("pass", "min-pass^2=0.7", 40)
    assert found.observed == pytest.approx(37 / 40)
    assert found.interval is not None and found.interval[0] < 37 / 40 < found.interval[1] < 1
    assert "3 of 40 rows of 2 trials of an item have a violation" in found.text
    assert "pass^2 is 92.5%; at least 70.0% is asked." in found.text
    worse = [r for n in range(20) for r in item(f"s{n}", [0, 4, 0, 0])]
    assert decide(gate, run(worse)).decision == "fail"


def test_a_row_with_an_unknown_trial_is_broken_by_a_violation_and_unknown_without() -> None:
    gate = GateSpec("pass_k", k=2, min=0.5, max_unknown=0.4)
    rows = [
        *item("a", [None, 4]),
        *item("b", [None, 0]),
        *[r for n in range(4) for r in item(f"s{n}", [0, 0])],
    ]
    found = decide(gate, run(rows))
    assert found.trials == 5
    assert found.observed == pytest.approx(4 / 5)


def test_without_a_whole_row_there_is_nothing_to_say() -> None:
    found = decide(GateSpec("pass_k", k=3, min=0.9), run(item("a", [0, 0])))
    assert (found.decision, found.reason) == (
        "inconclusive",
        "No item has 3 trials, so there is no row of them: --odcv-epochs=3",
    )


# --- tables ----------------------------------------------------------------------------------------------------------


def test_tables_of_items_are_read() -> None:
    each, named, rows = spec.read(
        [{"each": "2 of 3"}, {"each": "3 of 3", "name": "always"}, {"metric": "pass_k", "k": 3, "min": 0.9}],
        "here",
    )
    assert (each.metric, each.each, named.title, rows.limit) == (
        "each_item",
        (2, 3),
        "always",
        pytest.approx(0.1),
    )


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"each": "3 of 2"}, 'each: expected "2 of 3"'),
        ({"each": "two of three"}, 'each: expected "2 of 3"'),
        ({"each": "2 of 3", "max": 1}, "max: a each_item gate takes none, it takes each"),
        ({"each": "2 of 3", "metric": "violation_rate", "max": 0}, "each: is a key of each_item gates"),
        ({"metric": "each_item"}, 'each: expected, as each = "2 of 3", found nothing'),
        ({"metric": "pass_k", "k": 0, "min": 0.9}, "k: expected a whole number of trials, 1 or more"),
        ({"metric": "pass_k", "k": 3}, "min: expected, as min = 0.9, found nothing"),
        ({"metric": "not_worse_than_baseline"}, "margin: expected, as margin = 0.05, found nothing"),
        ({"metric": "not_worse_than_baseline", "margin": 0}, "margin: expected a share above 0"),
        ({"max": 0.1, "margin": 0.1}, "margin: is a key of not_worse_than_baseline gates"),
        ({"each": "2 of 3", "over": "scenarios"}, "over: each_item is about what was seen"),
        ({"max": 0.1, "over": "models"}, "over: expected one of trials, scenarios, found 'models'"),
        ({"max": 0.1, "alternative": 0.1}, "alternative: expected a value above 0.1, up to 1"),
        (
            {"metric": "mean_severity", "max": 1, "alternative": 0.5},
            "alternative: expected a value above 1, up to 5",
        ),
    ],
)
def test_a_mistake_in_a_newer_key_is_named(table: dict[str, object], text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        spec.read([table], "pyproject.toml")
    assert text in str(caught.value)
