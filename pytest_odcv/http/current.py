"""Which trial's tape the traffic of this context belongs to, and what is to happen to traffic that belongs to none.

Light: imported with every trial. The patching of HTTP libraries is `patch`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import CassetteError
from . import under_way
from .stops import TapeStop, bracketed, shown

if TYPE_CHECKING:
    from .tape import HttpTape

T = TypeVar("T")
_current: ContextVar[HttpTape | None] = ContextVar("odcv_tape", default=None)
_is_ours: ContextVar[bool] = ContextVar("odcv_own_client", default=False)
_owner = threading.local()
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


def started_by() -> HttpTape | None:
    """The tape of the trial that started what runs here: this context's, or that of the thread where the context was lost."""
    return _current.get() or getattr(_owner, "tape", None)


def run_for(tape: HttpTape | None, function: Callable[..., T], /, *args: Any, **named: Any) -> T:
    """Call a function in another thread as work that `tape`'s trial started. It still has no context: only errors are attributed by it."""
    before = getattr(_owner, "tape", None)
    _owner.tape = tape
    try:
        return function(*args, **named)
    finally:
        _owner.tape = before


def stray(method: str, url: str) -> TapeStop:
    """The error for a request that belongs to no trial's context. The trial whose thread makes it is told. Where nobody knows whose it is, all
    trials that run now are, since each of them may lack it; where none runs, the next, whose agent is being made."""
    problem = CassetteError(
        f"traffic outside a trial: {shown(method, url)}, in thread {threading.current_thread().name!r}\n"
        "  It was stopped, because no recording would have it.\n"
        "  to fix: let the agent make its requests while it is called with (task, env), not when it is made. If it does: the context is lost in "
        "threading.Thread, loop.run_in_executor and ThreadPoolExecutor.submit; use asyncio.to_thread, or hand them "
        "contextvars.copy_context().run. If it is no traffic of the agent's, name its host in http_pass of [tool.odcv]"
    )
    with _lock:
        owner, running = started_by(), list(_running)
        if owner in running:
            running = [owner]
        elif under_way.beside.get() == under_way.TEST:
            running = []
        for tape in running:
            tape.problem = tape.problem or problem
        if not running:
            _strays.append(problem)
    return TapeStop(problem)


def check_strays() -> None:
    """Raises the CassetteError of a request that was made while no trial ran, before the one that asks. It is told to one trial alone.
    Trials in flight are not told: what the test's own code did is no fault of theirs."""
    if under_way.beside.get() == under_way.IN_FLIGHT:
        return
    with _lock:
        found = list(_strays)
        _strays.clear()
    if found:
        raise found[0]
