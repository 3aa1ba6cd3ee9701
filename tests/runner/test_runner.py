"""Many things in flight, collected in order: what one does must not reach another."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from pytest_odcv.http import under_way
from pytest_odcv.runner import output
from pytest_odcv.runner.runner import Runner


@pytest.fixture
def runner() -> Iterator[Runner[Any]]:
    made: Runner[Any] = Runner(3, asyncio.new_event_loop())
    yield made
    made.close()


def test_as_many_run_at_a_time_as_may_and_all_are_collected_in_any_order(runner: Runner[Any]) -> None:
    running, most = 0, 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return number

    for number in range(9):
        runner.start(number, lambda number=number: work(number))  # type: ignore[misc]
    assert [runner.collect(number).future.result() for number in reversed(range(9))] == [*reversed(range(9))]
    assert most == 3 and runner.ahead == 0


def test_what_is_started_twice_runs_once(runner: Runner[Any]) -> None:
    runs = []

    async def work() -> None:
        runs.append(1)

    runner.start("a", work)
    runner.start("a", work)
    runner.collect("a")
    assert runs == [1]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError("x")])
def test_work_that_raises_or_exits_ends_alone(runner: Runner[Any], error: BaseException) -> None:
    async def nested() -> None:
        raise error

    async def bad() -> None:
        await asyncio.create_task(nested())

    async def good() -> int:
        await asyncio.sleep(0.05)
        return 1

    runner.start("bad", bad)
    runner.start("good", good)
    assert runner.collect("bad").future.exception() is error
    assert runner.collect("good").future.result() == 1


def test_who_is_interrupted_while_waiting_stops_the_work_and_no_other(runner: Runner[Any]) -> None:
    stopped = []

    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.append(1)

    async def short() -> int:
        return 2

    runner.start("endless", endless)
    runner.start("short", short)
    # What runs in the background of a shell script ignores SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    here = threading.get_ident()
    threading.Timer(0.1, lambda: signal.pthread_kill(here, signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.collect("endless")
    finally:
        signal.signal(signal.SIGINT, before)
    assert runner.collect("short").future.result() == 2
    runner.start("endless", short)
    assert runner.collect("endless").future.result() == 2
    assert stopped == [1]


def test_stopping_waits_until_all_have_put_away_what_they_hold(runner: Runner[Any]) -> None:
    kept = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            kept.append(1)

    for number in range(5):
        runner.start(number, work)
    time.sleep(0.05)
    began = time.monotonic()
    runner.stop()
    assert kept == [1, 1, 1] and time.monotonic() - began < 5
    with pytest.raises(KeyError):
        runner.collect(0)


def test_stopped_before_its_first_step_it_is_cancelled(runner: Runner[Any]) -> None:
    async def work() -> None:
        raise AssertionError("never")

    async def hold() -> None:
        await asyncio.sleep(0)

    runner.start("hold", hold)
    runner.start("work", work)
    work_ = runner._works["work"]
    runner._cancel(work_)
    assert isinstance(work_.future.exception(5), (CancelledError, AssertionError))


def test_each_has_its_own_output_and_knows_that_it_is_in_flight(runner: Runner[Any]) -> None:
    emitted: list[str] = []

    async def work(name: str) -> str:
        kept = output.current.get()
        assert kept is not None
        for _ in range(3):
            kept.write(emitted.append, name)
            await asyncio.sleep(0)
        return under_way.beside.get()

    for name in ("a", "b"):
        runner.start(name, lambda name=name: work(name))  # type: ignore[misc]
    for name in ("b", "a"):
        done = runner.collect(name)
        done.output.release(sys.stderr.write)
        assert done.future.result() == under_way.IN_FLIGHT
    assert emitted == ["b"] * 3 + ["a"] * 3
    assert output.current.get() is None and under_way.beside.get() == under_way.ALONE


def test_output_beyond_its_bound_is_counted_and_not_kept() -> None:
    kept, emitted, notes = output.Output(), [], []  # type: ignore[var-annotated]
    for _ in range(30):
        kept.write(emitted.append, "x" * 100_000)
    kept.release(notes.append)
    assert len(emitted) == 10 and notes == ["[odcv: 20 more writes of this trial were not kept]\n"]
