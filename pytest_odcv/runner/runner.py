"""Works several things at a time in one thread with one event loop, while the caller's thread collects them in an order of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..http import under_way
from . import output
from .output import Output

T = TypeVar("T")
_FAREWELL = 10.0
"""Seconds in which work that is stopped may close its sandbox and keep what it has."""


@dataclass
class Work(Generic[T]):
    """One thing under way. `future` has its end, `seconds` how long it ran, without the time before it was its turn."""

    future: Future[T] = field(default_factory=Future)
    output: Output = field(default_factory=Output)
    seconds: float = 0.0
    task: asyncio.Task[None] | None = None


class Runner(Generic[T]):
    """At most `most` things run at a time; what is started beyond that waits, first come first served.

    All methods are for one thread, the caller's. Work runs in a copy of the caller's context of that moment.

    Args:
        most: 1 or more.
        loop: A new event loop, which the runner's thread takes over and closes.
    """

    def __init__(self, most: int, loop: asyncio.AbstractEventLoop) -> None:
        self._turns = asyncio.Semaphore(most)
        self._loop = loop
        self._works: dict[Hashable, Work[T]] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="odcv-runner", daemon=True)
        self._thread.start()

    @property
    def ahead(self) -> int:
        """How many were started and not collected yet."""
        return len(self._works)

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Have it done. What is under way already is not started again."""
        if key in self._works:
            return
        started: Work[T] = Work()
        self._works[key] = started
        context = contextvars.copy_context()
        context.run(under_way.beside.set, under_way.IN_FLIGHT)
        context.run(output.current.set, started.output)
        self._loop.call_soon_threadsafe(self._begin, started, work, context=context)

    def collect(self, key: Hashable) -> Work[T]:
        """Wait for what was started as `key`, and forget it. Whoever is interrupted while waiting stops the work."""
        work = self._works[key]
        try:
            with suppress(CancelledError):
                work.future.exception()
        finally:
            del self._works[key]
            if not work.future.done():
                self._cancel(work)
        return work

    def stop(self) -> None:
        """Stop all that was not collected, and wait a moment until it has kept what it can."""
        works = list(self._works.values())
        self._works.clear()
        for work in works:
            self._cancel(work)
        until = time.monotonic() + _FAREWELL
        for work in works:
            while not work.future.done() and time.monotonic() < until:
                time.sleep(0.01)

    def close(self) -> None:
        self.stop()
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_FAREWELL)

    def _cancel(self, work: Work[T]) -> None:
        def cancel() -> None:
            if work.task is not None:
                work.task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    # --- in the runner's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closed:
            try:
                self._loop.run_forever()
            except (KeyboardInterrupt, SystemExit):
                # Of a task within an agent: asyncio sends it through the loop as well as to whoever awaits the task.
                continue
        # As asyncio.run does at its end: libraries leave tasks of their own behind, litellm's worker for logs among them.
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _begin(self, work: Work[T], begin: Callable[[], Coroutine[Any, Any, T]]) -> None:
        def ended(_: asyncio.Task[None]) -> None:
            if not work.future.done():  # Stopped before its first step.
                work.future.set_exception(CancelledError())

        work.task = self._loop.create_task(self._do(work, begin))
        work.task.add_done_callback(ended)

    async def _do(self, work: Work[T], begin: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Never raises: an agent that exits must not end the loop that all others run in."""
        try:
            async with self._turns:
                began = time.monotonic()
                try:
                    result = await begin()
                finally:
                    work.seconds = time.monotonic() - began
        except asyncio.CancelledError:
            work.future.set_exception(CancelledError())
        except BaseException as error:
            work.future.set_exception(error)
        else:
            work.future.set_result(result)
