"""Proves several scenarios, in as many processes as there are processors: an oracle is Python and keeps one busy."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from pathlib import Path

from ..errors import SandboxError
from ..sandbox.bubblewrap import BubblewrapProvider
from ..scenario.loader import load_scenario
from ..scenario.scenario import Scenario
from .scenario import Proof, prove


def prove_all(scenarios: Sequence[Scenario], quick: bool = False) -> Iterator[Proof]:
    """The proofs, in order, each as soon as it and those before it are there.

    Args:
        scenarios: As loaded from folders; where there are several, other processes load them again.
        quick: See `prove`.

    Raises:
        SandboxError: A process was killed.
    """
    jobs = min(len(os.sched_getaffinity(0)), len(scenarios))
    if jobs < 2:
        for scenario in scenarios:
            yield asyncio.run(prove(scenario, BubblewrapProvider(), quick))
        return
    # Not forked: threads may be running here, and what an oracle.py did when it was imported is not to be there twice.
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(jobs, context, _begin, (stop,))
    try:
        yield from pool.map(_prove, [(scenario.place, scenario.suite, quick) for scenario in scenarios])
    except BrokenProcessPool as error:
        raise SandboxError(
            f"a process that played playbooks was killed ({error}); is there enough memory?"
        ) from error
    finally:
        # After Ctrl-C, what a process has taken beforehand is not begun; what it is at ends by the same Ctrl-C, and closes its sandboxes.
        stop.set()
        pool.shutdown(cancel_futures=True)


_GRACE = 3.0
"""Seconds for closing sandboxes when the process that started this one is gone."""
_stop: list[Event] = []
"""Of the process that started this one: set when nothing is to be begun any more."""


def _begin(stop: Event) -> None:
    """An idle process leaves Ctrl-C to the one that started it, and ends with it."""
    _stop.append(stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(_GRACE)
        os._exit(1)


def _prove(what: tuple[str, str, bool]) -> Proof:
    if any(stop.is_set() for stop in _stop):
        raise KeyboardInterrupt
    place, suite, quick = what
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(prove(load_scenario(Path(place), suite), BubblewrapProvider(), quick))
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
