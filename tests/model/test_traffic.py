"""How many calls of a model go out at a time, and when they are tried again."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from pytest_odcv.model.traffic import Pace, Patience, Traffic


class Provider:
    """Takes `most` calls at a time and turns away the rest."""

    def __init__(self, most: int) -> None:
        self.most, self.now, self.refused, self.answered = most, 0, 0, 0

    async def ask(self, pace: Pace) -> bool:
        began = await pace.enter()
        self.now += 1
        busy = self.now > self.most
        try:
            await asyncio.sleep(0.001 if busy else 0.005)
        finally:
            self.now -= 1
            pace.leave(began, busy, not busy)
        self.refused += busy
        self.answered += not busy
        return not busy


def test_a_limit_comes_with_the_first_call_too_many_and_most_calls_are_answered_from_then_on() -> None:
    pace, provider = Pace("m"), Provider(8)

    async def until_answered() -> None:
        while not await provider.ask(pace):
            await asyncio.sleep(0)

    async def run() -> None:
        await asyncio.gather(*(until_answered() for _ in range(400)))

    asyncio.run(run())
    assert provider.answered == 400 and pace.in_flight == pace.waiting == 0
    assert 1 <= pace.limit <= 24
    assert provider.refused < 800, "without a limit 392 of the first 400 are refused, and so on: about 10,000"


def test_a_burst_of_refusals_halves_the_limit_once_and_answers_raise_it_by_one_a_round() -> None:
    async def run() -> None:
        pace = Pace("m")
        began = [await pace.enter() for _ in range(16)]
        assert pace.limit == math.inf
        for start in began:
            pace.leave(start, busy=True)
        assert pace.limit == 8
        for _ in range(8):
            pace.leave(await pace.enter(), answered=True)
        assert 8.9 < pace.limit <= 9

    asyncio.run(run())


def test_the_limit_never_falls_below_one_call() -> None:
    async def run() -> None:
        pace = Pace("m")
        for _ in range(10):
            pace.leave(await pace.enter(), busy=True)
        assert pace.limit == 1

    asyncio.run(run())


def test_what_the_provider_asks_for_holds_all_calls_of_its_model_and_no_other() -> None:
    async def run() -> None:
        traffic = Traffic()
        traffic.of("a", None).hold(0.2, "busy")
        began = time.monotonic()
        await traffic.of("b", None).enter()
        assert time.monotonic() - began < 0.1
        await asyncio.gather(*(traffic.of("a", None).enter() for _ in range(3)))
        assert time.monotonic() - began >= 0.2

    asyncio.run(run())


def test_a_call_that_is_cancelled_while_it_waits_gives_its_turn_to_the_next() -> None:
    async def run() -> None:
        pace = Pace("m")
        pace.limit = 1
        began = await pace.enter()
        first, second = asyncio.create_task(pace.enter()), asyncio.create_task(pace.enter())
        await asyncio.sleep(0.01)
        pace.leave(began)
        first.cancel()
        await asyncio.wait_for(second, 1)
        assert first.cancelled() and pace.waiting == 0

    asyncio.run(run())


def test_calls_from_two_threads_share_the_limit() -> None:
    async def run() -> None:
        pace = Pace("m")
        pace.limit = 1
        began = await pace.enter()
        other = asyncio.create_task(asyncio.to_thread(asyncio.run, pace.enter()))
        await asyncio.sleep(0.05)
        assert not other.done()
        pace.leave(began)
        await asyncio.wait_for(other, 1)

    asyncio.run(run())


@pytest.mark.parametrize("asked", [0.0, 0.5, 7.0, 300.0])
def test_a_pause_is_never_shorter_than_the_provider_asks_for(asked: float) -> None:
    pauses = [Patience().pause(1, asked) for _ in range(100)]
    assert asked <= min(pauses) and max(pauses) <= asked + 1


def test_pauses_are_drawn_from_a_range_that_doubles_up_to_a_minute() -> None:
    for tried, most in ((1, 0.5), (4, 4.0), (30, 60.0), (10_000, 60.0)):
        pauses = [Patience().pause(tried, None) for _ in range(500)]
        assert 0 <= min(pauses) < most / 10 and most * 0.9 < max(pauses) <= most


def test_waiting_is_said_with_what_is_in_flight_and_not_for_every_call() -> None:
    async def run() -> None:
        lines: list[str] = []
        pace = Traffic(lines.append).of("openai/gpt", None)
        for _ in range(12):
            await pace.enter()
        pace.hold(0.5, "too short to be told")
        for _ in range(5):
            pace.hold(40.0, "it takes no more calls now")
        assert lines == [
            "odcv: waiting for the provider of openai/gpt: it takes no more calls now, 12 in flight, 0 waiting, retry in 40 s"
        ]

    asyncio.run(run())
