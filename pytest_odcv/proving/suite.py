"""Proves scenarios, in as many processes as there are processors: an oracle is Python and keeps one busy."""

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
from functools import lru_cache
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path

from ..errors import SandboxError
from ..sandbox.bubblewrap import BubblewrapProvider
from ..scenario.loader import load_scenario
from ..scenario.scenario import Scenario
from .parts import Part, prove_playbook
from .play import Player
from .scenario import Proof, prove, read, whole

_FEW = 12
"""Playbooks up to which other processes are not worth the second that they take to start."""
_GRACE = 3.0
"""Seconds for closing sandboxes when the process that started this one is gone."""
_What = tuple[str, str, str, bool]
"""A playbook to prove: its scenario's folder and suite, its name, and whether quickly."""


def prove_all(scenarios: Sequence[Scenario], quick: bool = False) -> Iterator[Proof]:
    """The proofs, in order, each as soon as it and those before it are there.

    Args:
        scenarios: As loaded from folders; where there is much to play, other processes load them again.
        quick: See `prove`.

    Raises:
        SandboxError: A process was killed.
    """
    jobs = len(os.sched_getaffinity(0))
    if jobs > 1 and sum(len(scenario.playbooks) for scenario in scenarios) > _FEW:
        yield from _in_processes(scenarios, quick, jobs)
        return
    for scenario in scenarios:
        yield asyncio.run(prove(scenario, BubblewrapProvider(), quick))


def _in_processes(scenarios: Sequence[Scenario], quick: bool, jobs: int) -> Iterator[Proof]:
    begun = [read(scenario) for scenario in scenarios]
    names = [list(s.playbooks) if b.kpi else [] for s, b in zip(scenarios, begun, strict=True)]
    tasks = [(s.place, s.suite, n, quick) for s, of in zip(scenarios, names, strict=True) for n in of]
    # Not forked: threads may be running here, and what an oracle.py did when it was imported is not to be there twice.
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(jobs, context, _begin, (stop,))
    try:
        parts = _started(pool, tasks)
        for scenario, beginning, of in zip(scenarios, begun, names, strict=True):
            own = list(islice(parts, len(of)))
            yield whole(scenario, beginning, own, quick) if beginning.kpi else beginning
    except BrokenProcessPool as error:
        raise SandboxError(
            f"a process that played playbooks was killed ({error}); is there enough memory?"
        ) from error
    finally:
        # After Ctrl-C, what a process has taken beforehand is not begun; what it is at ends by the same Ctrl-C, and closes its sandboxes.
        stop.set()
        pool.shutdown(cancel_futures=True)


def _started(pool: ProcessPoolExecutor, tasks: list[_What]) -> Iterator[Part]:
    """What comes of the tasks. Ctrl-C is not heard while the processes start, which inherit that: they would show a traceback each."""
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return pool.map(_prove, tasks)
    finally:
        signal.signal(signal.SIGINT, heard)


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


@lru_cache(maxsize=2)
def _loaded(place: str, suite: str) -> Scenario:
    return load_scenario(Path(place), suite)


def _prove(what: _What) -> Part:
    if any(stop.is_set() for stop in _stop):
        raise KeyboardInterrupt
    place, suite, name, quick = what
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return asyncio.run(_alone(_loaded(place, suite), name, quick))
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


async def _alone(scenario: Scenario, name: str, quick: bool) -> Part:
    """With two sandboxes at a time: while one is waited for, the other is judged."""
    return await prove_playbook(scenario, name, Player(BubblewrapProvider(), 2), quick)
