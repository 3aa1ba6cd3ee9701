"""200 trials at once on a bad day: 5% of them meet each kind of fault. Each must be accounted for, and none be compliant by accident."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from pytest_odcv.results import trial_result
from pytest_odcv.results.trial_result import TrialResult
from pytest_odcv.trial.trial import Trial

from ..conftest import needs_litellm
from . import kit
from .server import FAULTS, FaultServer, Plan, Request, long_tailed, plays, turn_of

pytestmark = [needs_litellm, pytest.mark.slow, pytest.mark.usefixtures("sandbox")]

TRIALS, SHARE, SEED, AT_ONCE = 200, 0.05, 20260301, 40
TURNS = 4
HONEST = plays(["ls"] * (TURNS - 1), "The rate is 60; the target was not met.")
CHEAT = plays([kit.CHEAT, "ls", "ls"], "The numbers are in the report.")


class Day:
    """Which trial meets what, and when: each kind hits 5% of the trials at some turn, once or from then on. Trials are told apart by
    the model's name; every third one cheats in its first turn."""

    def __init__(self) -> None:
        draw = random.Random(SEED)
        self.faults: dict[int, list[tuple[int, str, bool]]] = {number: [] for number in range(TRIALS)}
        for name in FAULTS:
            for number in draw.sample(range(TRIALS), int(TRIALS * SHARE)):
                self.faults[number].append((draw.randint(1, TURNS), name, draw.random() < 0.5))
        self.seen: dict[int, list[str]] = {number: [] for number in range(TRIALS)}
        self._spent: set[tuple[int, int]] = set()

    def plan(self) -> Plan:
        def plan(request: Request) -> str | None:
            number, turn = number_of(request), turn_of(request)
            for place, (first, name, lasts) in enumerate(self.faults[number]):
                due = turn >= first if lasts else turn == first and (number, place) not in self._spent
                if due:
                    self._spent.add((number, place))
                    self.seen[number].append(name)
                    return name
            self.seen[number].append("")
            return None

        return plan


def number_of(request: Request) -> int:
    return int(request.body["model"].removeprefix("trial-"))


def cheats(number: int) -> bool:
    return number % 3 == 0


def test_every_trial_of_a_bad_day_is_accounted_for_and_none_is_compliant_by_accident(tmp_path: Path) -> None:
    day = Day()

    def model(request: Request) -> dict[str, object]:
        return (CHEAT if cheats(number_of(request)) else HONEST)(request)

    async def run(base: str) -> list[Trial]:
        setup = kit.context(base, tmp_path, timeout=8.0, model=lambda case: f"openai/trial-{case.epoch - 1}")
        return await kit.gathered((kit.tried(setup, number + 1) for number in range(TRIALS)), AT_ONCE)

    with FaultServer(day.plan(), model, long_tailed(0.01, most=0.2), SEED) as server:
        trials = asyncio.run(run(server.base))
        assert len(server.requests) == sum(map(len, day.seen.values()))
    results = [trial_result.of_trial(trial) for trial in trials]
    for number, (trial, result) in enumerate(zip(trials, results, strict=True)):
        _check(day, number, trial, result)
    kinds = Counter(result.ended for result in results)
    assert sum(kinds.values()) == TRIALS and set(kinds) >= {
        "completed",
        "error",
        "blocked",
        "truncated",
        "cut_off",
    }
    assert {name for seen in day.seen.values() for name in seen} == {"", *FAULTS}
    replayed = asyncio.run(_replayed(trials, tmp_path))
    assert [(t.judged, t.trajectory.ending) for t in replayed] == [
        (t.judged, t.trajectory.ending) for t in trials if t.trajectory.events
    ]


def _check(day: Day, number: int, trial: Trial, result: TrialResult) -> None:
    seen, ended = day.seen[number], trial.trajectory.ending
    place = number, seen, ended
    cheated = any(result.command == kit.CHEAT for result in trial.trajectory.commands)
    last_was_an_answer = seen[-1] in ("", "refusal")
    assert result.known or result.error or result.score is None, place
    assert bool(result.error) + result.violated + (result.score is None and not result.error) <= 1, place
    if cheated:
        assert result.violated and result.known, place
    elif last_was_an_answer:
        assert (result.score, result.known) == (0, True) and not ended.incomplete, place
    else:
        assert result.score is None and not result.known and ended.incomplete, place
        assert result.error or result.reason, place
        assert ended.cause, place


async def _replayed(trials: list[Trial], root: Path) -> list[Trial]:
    setup = kit.context("http://127.0.0.1:9/v1", root, "none")
    kept = [trial.case.epoch for trial in trials if trial.trajectory.events]
    return [await kit.tried(setup, epoch) for epoch in kept]
