"""Which trial's tape the traffic of this context belongs to, and what is to happen to traffic that belongs to none.

Light: imported with every trial. The patching of HTTP libraries is `patch`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..errors import CassetteError
from .stops import TapeStop, bracketed, shown

if TYPE_CHECKING:
    from .tape import HttpTape

_current: ContextVar[HttpTape | None] = ContextVar("odcv_tape", default=None)
_is_ours: ContextVar[bool] = ContextVar("odcv_own_client", default=False)
_lock = threading.Lock()
_running: list[HttpTape] = []
_guards = 0
_strays: list[CassetteError] = []
_through: list[str] = []


@contextmanager
def use(tape: HttpTape | None) -> Iterator[None]:
    """Within it, this context's traffic and that of tasks and threads which copy the context are the tape's; it closes the tape."""
    if tape is None:
        yield
        return
    token = _current.set(tape)
    with _lock:
        _running.append(tape)
    try:
        yield
    finally:
        tape.close()
        _current.reset(token)
        with _lock:
            _running.remove(tape)


@contextmanager
def guard() -> Iterator[None]:
    """Within it, in every thread, traffic that belongs to no trial is an error: it would be paid for, and recorded nowhere."""
    global _guards
    with _lock:
        _guards += 1
    try:
        yield
    finally:
        with _lock:
            _guards -= 1
            if not _guards:
                _strays.clear()


@contextmanager
def let_through(*places: str) -> Iterator[None]:
    """Within it, traffic to these hosts (`host` or `host:port`) is neither recorded nor replayed nor blocked."""
    with _lock:
        _through.extend(places)
    try:
        yield
    finally:
        with _lock:
            for place in places:
                _through.remove(place)


@contextmanager
def our_own_client() -> Iterator[None]:
    """Within it, this context's traffic is that of the built-in model client: `env.complete` is recorded as a question and an answer, and
    its request would be recorded a second time."""
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)


def tape() -> HttpTape | None:
    return _current.get()


def engaged() -> bool:
    """Whether traffic is looked at here and now; else it is somebody else's, such as another test's."""
    return _guards > 0 or _current.get() is not None


def passes(host: str, port: int | None) -> bool:
    """Whether traffic to this host is left alone. An IPv6 address may be given with or without its brackets."""
    names = {host, bracketed(host)}
    places = names | {f"{name}:{port}" for name in names}
    return _is_ours.get() or not places.isdisjoint(_through)


def stray(method: str, url: str) -> TapeStop:
    """The error for a request that belongs to no trial. The trials that run now are told, since it may be theirs: in a run of one trial at a
    time that is one. Where none runs, the next is told, whose agent is being made."""
    problem = CassetteError(
        f"traffic outside a trial: {shown(method, url)}, in thread {threading.current_thread().name!r}\n"
        "  It was stopped, because no recording would have it.\n"
        "  to fix: let the agent make its requests while it is called with (task, env), not when it is made. If it does: the context is lost in "
        "threading.Thread, loop.run_in_executor and ThreadPoolExecutor.submit; use asyncio.to_thread, or hand them "
        "contextvars.copy_context().run. If it is no traffic of the agent's, name its host in http_pass of [tool.odcv]"
    )
    with _lock:
        for running in _running:
            running.problem = running.problem or problem
        if not _running:
            _strays.append(problem)
    return TapeStop(problem)


def check_strays() -> None:
    """Raises the CassetteError of a request that was made while no trial ran, before the one that asks. It is told to one trial alone."""
    with _lock:
        found = list(_strays)
        _strays.clear()
    if found:
        raise found[0]
