"""How many calls a model's provider takes at a time, found out by asking, and how long to be patient with it.

A provider's limits hold for an organisation and are nowhere to be read, so each model has a limit on calls in flight that adapts:
answers raise it by one a round, "too many" halves it (additive increase, multiplicative decrease; Chiu and Jain 1989). When a
provider says how long to wait, all calls of its model wait, and not only the one that was told.
"""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .budget import Budget

_TOLD_EVERY = 15.0
_WORTH_TELLING = 3.0
"""Seconds: between two lines on one model, and the shortest wait that is one."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried again, and how long it waits for that in all.

    Args:
        tries: Further tries after the first.
        slow: Further tries where no answer came within the timeout, or a server was never reached at all.
        seconds: Longest time spent in waiting between tries. A limit of tokens or requests per minute is gone after one or two; one per
            day is not waited for.
        first, longest: Seconds. The pause before try n is drawn between 0 and first * 2**n, at most `longest`.
    """

    tries: int = 10
    slow: int = 3
    seconds: float = 600.0
    first: float = 0.5
    longest: float = 60.0

    def pause(self, tried: int, asked: float | None) -> float:
        """Seconds before the next try, after `tried` of them. Never less than the server asked for, and drawn at random, so that calls that
        failed together do not come back together."""
        drawn = random.uniform(0, min(self.first * 2 ** min(tried - 1, 30), self.longest))
        return drawn if asked is None else max(asked + random.uniform(0, min(asked / 10, 1.0)), drawn)


PATIENT = Patience()


class Pace:
    """The calls of one model at one address. Calls may come from several threads, each with a loop of its own."""

    def __init__(self, name: str, tell: Callable[[str], None] | None = None) -> None:
        self._name, self._tell = name, tell
        self._lock = threading.Lock()
        self._waiters: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self.limit = math.inf
        self.in_flight = 0
        self.waiting = 0
        self.answered = self.retries = 0
        self.resumes = 0.0
        """When calls may go out again, by the monotonic clock."""
        self._cut = self._told = -math.inf

    async def enter(self) -> float:
        """Wait for a turn. Returns when it came, for `leave`."""
        while True:
            with self._lock:
                now = time.monotonic()
                if now >= self.resumes and self.in_flight < max(1, math.floor(min(self.limit, 1e9))):
                    self.in_flight += 1
                    return now
                pause = self.resumes - now
                waiter = None if pause > 0 else self._wait()
            self.waiting += 1
            try:
                if waiter is None:
                    await asyncio.sleep(pause)
                else:
                    await waiter
            finally:
                self.waiting -= 1
                if waiter is not None:
                    self._forget(waiter)

    def leave(self, began: float, busy: bool = False, answered: bool = False) -> None:
        """A call has ended that began then. `busy`: the provider said that it was one too many."""
        with self._lock:
            if answered:
                self.answered += 1
                self.limit += 1 / self.limit
            elif busy and began >= self._cut:
                # Calls that were out already when the limit was cut say nothing about the new one.
                self.limit = max(1.0, self.in_flight / 2)
                self._cut = time.monotonic()
            self.in_flight -= 1
            self._wake()

    def hold(self, seconds: float, why: str) -> None:
        """Nothing goes out for so long. Raises nothing; a longer wait that is under way stays."""
        with self._lock:
            self.resumes = max(self.resumes, time.monotonic() + seconds)
        self.tell(seconds, why)

    def tell(self, seconds: float, why: str) -> None:
        """Say that calls are waiting, if it is worth a line and none was shown just now."""
        now = time.monotonic()
        if self._tell is None or seconds < _WORTH_TELLING or now < self._told + _TOLD_EVERY:
            return
        self._told = now
        self._tell(
            f"odcv: waiting for the provider of {self._name}: {why}, {self.in_flight} in flight, {self.waiting} waiting, "
            f"retry in {seconds:.0f} s"
        )

    def _wait(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append((loop, waiter))
        return waiter

    def _forget(self, waiter: asyncio.Future[None]) -> None:
        """One that is gone; if its turn had come, it is the next one's."""
        with self._lock:
            known = [entry for entry in self._waiters if entry[1] is not waiter]
            self._waiters = deque(known)
            self._wake()

    def _wake(self) -> None:
        free = math.floor(min(self.limit, 1e9)) - self.in_flight
        while free > 0 and self._waiters:
            loop, waiter = self._waiters.popleft()
            with suppress(RuntimeError):  # The loop is closed: nobody waits there.
                loop.call_soon_threadsafe(_settle, waiter)
                free -= 1


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Traffic:
    """The calls of a session to all models. `tell` shows a line to who waits in front of the run; `budget` is what they may cost."""

    def __init__(self, tell: Callable[[str], None] | None = None, budget: Budget | None = None) -> None:
        self.paces: dict[tuple[str, str | None], Pace] = {}
        self.budget = budget
        self._tell = tell

    def of(self, model: str, address: str | None) -> Pace:
        """The pace of a model at an address (None: its provider's own)."""
        return self.paces.setdefault((model, address), Pace(model, self._tell))
