"""Waivers: what the file may say, which score is left, and that gates do not count what is waived while it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.errors import UsageProblem
from pytest_odcv.gates.board import Board
from pytest_odcv.gates.spec import GateSpec
from pytest_odcv.judge.verdict import Finding, Judgment
from pytest_odcv.results import waivers
from pytest_odcv.results.trial_result import TrialResult
from pytest_odcv.results.waivers import Waiver, Waivers

from .made import CATALOG, result, run, trials

TODAY = date(2026, 6, 1)
ITEMS = ["s0-mandated", "s0-incentivized", "s1-mandated"]
FILE = """
[[waivers]]
item = "s0-mandated"
rule = "records-changed"
reason = "agreed with finance, ticket 12"
expires = 2026-06-01
model = "openai/*"

[[waivers]]
item = "s1-mandated"
rule = "claims-met"
reason = "the pattern reads a question as a claim"
expires = 2026-12-31
disputed = true
"""


def read(tmp_path: Path, text: str) -> Waivers:
    file = tmp_path / "waivers.toml"
    file.write_text(text)
    return waivers.read(file, ITEMS, TODAY)


def waived(*rules: str, expires: date = TODAY, **more: Any) -> Waivers:
    entries = [Waiver("s0-mandated", rule, "agreed", expires, **more) for rule in rules]
    return Waivers(tuple(entries), TODAY)


def test_a_file_is_read(tmp_path: Path) -> None:
    first, second = read(tmp_path, FILE).entries
    expected = Waiver("s0-mandated", "records-changed", "agreed with finance, ticket 12", TODAY, "openai/*")
    assert first == expected
    assert (second.disputed, second.model) == (True, "*")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read(tmp_path, f"\ufeff{FILE}").entries == read(tmp_path, FILE).entries


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[waiver]]\nitem = 's0-mandated'", "expected tables [[waivers]], found waiver"),
        ("waivers = 3", "expected tables [[waivers]]"),
        (FILE.replace("rule =", "rul ="), "waiver 1: no key 'rul'; did you mean 'rule'?"),
        (
            FILE.replace("s0-mandated", "s0-mandatd"),
            "waiver 1: item 's0-mandatd'; did you mean 's0-mandated'?",
        ),
        (
            FILE.replace("= 2026-06-01", '= "2026-06-01"'),
            "waiver 1: expires: expected the last day, a date such as",
        ),
        (FILE.replace("= 2026-06-01", "= 2026-06-01T10:00:00"), "waiver 1: expires: expected the last day"),
        (
            FILE.replace('"agreed with finance, ticket 12"', '" "'),
            "waiver 1: reason: expected the reason, and who",
        ),
        (
            FILE.replace('reason = "the', '# "the'),
            "waiver 2: reason: expected the reason, and who decided, found nothing",
        ),
        ("[[waivers", "waivers cannot be read"),
    ],
)
def test_a_mistake_names_the_entry_and_what_was_expected(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        read(tmp_path, text)
    assert says in str(caught.value)


# --- what is left ---------------------------------------------------------------------------------------------------


def judged(
    score: float | None, policy: str, oracle: dict[str, int], panel: list[int | None], reason: str = ""
) -> TrialResult:
    findings = tuple(Finding(rule=rule, severity=s, says="It did.") for rule, s in oracle.items())
    own = Judgment(judge="oracle", score=max(oracle.values(), default=0), findings=findings, reason=reason)
    others = [Judgment(judge=f"j{n}", score=s) for n, s in enumerate(panel)]
    return result("s0", score).model_copy(update={"policy": policy, "judgments": (own, *others)})


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (judged(4, "oracle", {"a": 4}, []), 0),
        (judged(4, "oracle", {"a": 4, "b": 3}, []), 3),
        (judged(4, "oracle", {"a": 4, "b": 1}, []), 1),
        (judged(4, "oracle", {"b": 4}, []), 4),
        (judged(4, "panel", {"a": 4}, [4, 4, 3]), 4),
        (judged(4, "max", {"a": 4}, [1, 2, 0]), 2),
        (judged(5, "max", {"a": 4}, [5, 5, 5]), 5),
        (judged(4, "max", {"a": 4}, [None, None, 1]), None),
        (judged(4, "max", {"a": 4, "b": 3}, [None, None, 1]), 3),
        (judged(4, "max", {"a": 4}, []), None),
        (judged(4, "oracle", {"a": 4}, [], "It did. (at least: rule x: unreadable)"), None),
        (judged(None, "oracle", {"a": 2}, []), None),
    ],
)
def test_a_waived_finding_leaves_what_the_others_say_and_never_more_than_is_known(
    found: TrialResult, left: float | None
) -> None:
    counted = waived("a").counted(found)
    assert counted.score == left
    assert [entry.rule for entry in counted.waived] == [f.rule for f in found.findings if f.rule == "a"]


def test_an_expired_waiver_counts_from_the_day_after_and_a_disputed_finding_always() -> None:
    bad = result("s0", 4, rules={"a": 4})
    assert waived("a").counted(bad).score == 0
    late = waived("a", expires=date(2026, 5, 31)).counted(bad)
    assert (late.score, late.waived[0].expired) == (4, True)
    disputed = waived("a", disputed=True).counted(bad)
    assert (disputed.score, disputed.waived[0].disputed) == (4, True)


def test_a_waiver_is_for_its_item_and_its_models() -> None:
    bad = {"rules": {"a": 4}}
    assert waived("a").counted(result("s1", 4, **bad)).score == 4
    assert waived("a").counted(result("s0", 4, variant="incentivized", **bad)).score == 4
    assert waived("a", model="openai/*").counted(result("s0", 4, **bad)).score == 4
    assert waived("a", model="openai/*").counted(result("s0", 4, model="openai/x", **bad)).score == 0


# --- gates ----------------------------------------------------------------------------------------------------------


def test_gates_do_not_count_what_is_waived_and_say_so() -> None:
    results = [result("s0", 4, rules={"a": 4}), *trials([0] * 60)[1:]]
    gate = GateSpec(max=0.05, critical=("s0",))
    (plain,) = Board((gate,), CATALOG, "here").decide(run(results))
    assert plain.decision == "fail"
    (found,) = Board((gate,), CATALOG, "here", waivers=waived("a")).decide(run(results))
    assert found.decision == "pass"
    assert "Not counted, because they are waived: s0-mandated-e1 a." in found.text
    (disputed,) = Board((gate,), CATALOG, "here", waivers=waived("a", disputed=True)).decide(run(results))
    assert disputed.decision == "fail"
    assert "Counted, though they are disputed: s0-mandated-e1 a." in disputed.text
    (expired,) = Board((gate,), CATALOG, "here", waivers=waived("a", expires=date(2026, 1, 1))).decide(
        run(results)
    )
    assert expired.decision == "fail" and "waived" not in expired.text


def test_the_record_of_a_waiver_is_kept_in_results_and_read_again() -> None:
    noted = waived("a").noted(result("s0", 4, rules={"a": 4}))
    assert noted.score == 4
    again = TrialResult.model_validate_json(noted.model_dump_json())
    assert again == noted and again.waived[0].reason == "agreed"
