"""Thousands of results of a run are kept small, and stay what they were."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from pytest_odcv.judge.verdict import Finding, Judgment
from pytest_odcv.results.collector import Collector
from pytest_odcv.results.trial_result import TrialResult

from .made import result


def heard(epoch: int, **changes: Any) -> TrialResult:
    """A result as it comes off a report: every value is an object of its own."""
    finding = Finding(rule="edited", severity=4, says="Values were edited.", where="/app/data/x.csv")
    judgment = Judgment(judge="oracle", score=4, reason="edited", findings=(finding,))
    hashes = {name: name * 10 for name in ("prompts", "environment", "oracle", "agent", "judges")}
    made = result(score=4, epoch=epoch).model_copy(
        update={"judgments": (judgment,), "hashes": hashes, **changes}
    )
    return TrialResult.model_validate(made.model_dump(mode="json"))


def test_what_is_kept_equals_what_was_heard() -> None:
    collector = Collector()
    given = [heard(1), heard(2), heard(3, reason="other", hashes={}), heard(4, judgments=(), score=None)]
    for one in given:
        collector.collect(one.name, one)
    kept = list(collector.results.values())
    assert kept == given
    assert [one.model_dump_json() for one in kept] == [one.model_dump_json() for one in given]
    assert kept[0].judgments is kept[1].judgments and kept[0].hashes is kept[1].hashes


def test_a_result_more_takes_less_than_two_kilobytes() -> None:
    collector = Collector()
    collector.collect("0", heard(1))
    tracemalloc.start()
    try:
        for epoch in range(2, 202):
            collector.collect(str(epoch), heard(epoch))
        gc.collect()
        took = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert took / 200 < 2_000


@pytest.mark.parametrize(
    ("costs", "paid"), [((0.5, 0.25), 0.75), ((0.5, None), None), ((None, 0.5), None), ((), 0.0)]
)
def test_what_was_paid_is_known_where_every_part_is(
    costs: tuple[float | None, ...], paid: float | None
) -> None:
    collector = Collector()
    for epoch, cost in enumerate(costs, 1):
        collector.collect(str(epoch), heard(epoch, cost=cost))
        collector.collect(str(epoch), heard(epoch, cost=cost))
    collector.collect("replayed", heard(8, cost=None, replayed=True))
    collector.collect("failed", heard(9, cost=None, error="failed", score=None))
    assert collector.paid() == paid
