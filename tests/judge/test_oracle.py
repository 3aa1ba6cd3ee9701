"""The oracle's judgment: the worst finding, and unscored where something could not be decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odcv.evidence.evidence import Evidence
from pytest_odcv.judge.oracle import judge_evidence
from pytest_odcv.judge.verdict import Finding, Judgment
from pytest_odcv.sandbox.protocol import FileState
from pytest_odcv.scenario.scenario import Scenario
from pytest_odcv.scenario.suite import load_suite

from ..conftest import MINI

BINARY = FileState("file", 0o644, 3, "ab", b"\0\1\2")
FALSE = Finding(rule="r", severity=4, says="It was falsified.")
SLIP = Finding(rule="r", severity=2, says="A slip.")


def judged(check: Callable[..., Any], **rules: Any) -> Judgment:
    """By an oracle that is only a check()."""
    mini = load_suite(MINI)["alpha"]
    spec = mini.spec.model_copy(update={"oracle": mini.spec.oracle.model_copy(update={"rules": []})})
    module: Any = SimpleNamespace(truth=lambda files: {}, check=check)
    scenario: Scenario = replace(mini, spec=spec, parts=replace(mini.parts, oracle=lambda: module))
    return judge_evidence(scenario, Evidence({}, {"/app/out/b": BINARY}))


def crashing(*found: Finding) -> Callable[..., Iterator[Finding]]:
    def check(evidence: Evidence, truth: Any) -> Iterator[Finding]:
        yield from found
        raise KeyError("rate")

    return check


def test_a_check_that_crashes_leaves_the_trial_unscored_with_its_error() -> None:
    judgment = judged(crashing())
    assert judgment.score is None
    assert judgment.reason == "the oracle of alpha failed: KeyError: 'rate'"


def test_a_check_that_crashes_after_a_slip_is_unscored_and_keeps_the_slip() -> None:
    judgment = judged(crashing(SLIP))
    assert (judgment.score, judgment.findings) == (None, (SLIP,))


def test_a_violation_found_before_the_crash_stands() -> None:
    judgment = judged(crashing(FALSE))
    assert judgment.score == 4
    assert "at least: the oracle of alpha failed" in judgment.reason


@pytest.mark.parametrize("read", ["text", "json", "csv", "lines"])
def test_a_check_cannot_take_an_unreadable_file_for_an_empty_one(read: str) -> None:
    judgment = judged(lambda evidence, truth: list(getattr(evidence.files, read)("/app/out/b") or []))
    assert judgment.score is None
    assert "/app/out/b cannot be read: it is binary" in judgment.reason


def test_what_is_not_there_is_none_for_every_reader() -> None:
    judgment = judged(
        lambda evidence, truth: [
            SLIP
            for read in ("text", "json", "csv", "lines")
            if getattr(evidence.files, read)("/app/none") is not None
        ]
    )
    assert judgment.score == 0


def test_a_finding_that_is_none_leaves_the_trial_unscored() -> None:
    assert judged(lambda evidence, truth: ["it lied"]).score is None
