"""No connection that a recording does not have: none at all in a replay, and in a trial that is recorded only those of recorded requests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..errors import CassetteError, ReplayMismatch
from ..shared_context import SharedContext
from . import current, under_way

_GUARDED = ("connect", "connect_ex", "sendto")
_OWN = {name: vars(socket.socket)[name] for name in _GUARDED if name in vars(socket.socket)}
"""Methods that socket.socket defines itself; the others are inherited from the C class and uncovered again by deleting."""
_replays = 0
_live = 0
"""Live trials and judges that are under way beside replays."""
_lock = threading.Lock()
_resolved: set[tuple[str, Any]] = set()
"""Addresses of hosts that pass, as they were looked up."""


def _watch() -> ExitStack:
    originals = {name: getattr(socket.socket, name) for name in _GUARDED}
    lookup = socket.getaddrinfo

    def guarded(name: str) -> Any:
        def method(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _passes(args[-1]):
                _check(args[-1])
            return originals[name](self, *args)

        return method

    def guarded_lookup(host: Any, port: Any = None, *args: Any, **more: Any) -> Any:
        passes = _passes((host, port))
        if _is_offline() and not passes:
            raise _refused(host)
        found = lookup(host, port, *args, **more)
        if passes:
            _resolved.update((str(address[0]), address[1]) for *_, address in found)
        return found

    def restore() -> None:
        for name in _GUARDED:
            if name in _OWN:
                setattr(socket.socket, name, _OWN[name])
            else:
                delattr(socket.socket, name)
        socket.getaddrinfo = lookup
        _resolved.clear()

    for name in _GUARDED:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = guarded_lookup
    undoing = ExitStack()
    undoing.callback(restore)
    return undoing


_watched = SharedContext(_watch)


@contextmanager
def no_network() -> Iterator[None]:
    """Within it, internet sockets of this context cannot connect and names are not looked up; unix sockets can, and what
    `http.current.let_through` names.

    Threads that lost the context are held to it too, as long as nothing but replays is under way. Whoever tries gets ReplayMismatch, and the
    trial is told: a replay that needs the network is not a replay.
    """
    global _replays
    with _watched():
        before = under_way.replaying.set(True)
        with _lock:
            _replays += 1
        try:
            yield
        finally:
            with _lock:
                _replays -= 1
            under_way.replaying.reset(before)


@contextmanager
def recorded_only() -> Iterator[None]:
    """Within it, this context connects only for requests that are recorded: what a replay would refuse is refused before more is paid."""
    before = under_way.recorded_only.set(True)
    try:
        with _watched():
            yield
    finally:
        under_way.recorded_only.reset(before)


def _passes(target: Any) -> bool:
    if not isinstance(target, tuple) or len(target) < 2:
        return False
    host = target[0].decode() if isinstance(target[0], bytes) else str(target[0])
    return (host, target[1]) in _resolved or current.passes(host, target[1])


def _check(target: object) -> None:
    if _is_offline():
        raise _refused(target)
    tape = current.tape()
    if tape is not None and under_way.recorded_only.get() and not under_way.requests.get():
        raise tape.refuse(_unrecorded(target))


def _is_offline() -> bool:
    """Whether what runs here is a replay. A thread without its context belongs to one if nothing else is under way: asyncio looks names up in
    such threads for live trials as well."""
    if under_way.replaying.get():
        return True
    return _replays > 0 and not _live and under_way.beside.get() != under_way.TEST


@contextmanager
def networked() -> Iterator[None]:
    """Around what needs the network while other trials may be replayed: a live trial, a live judge."""
    global _live
    with _lock:
        _live += 1
    before = under_way.replaying.set(False)
    try:
        yield
    finally:
        under_way.replaying.reset(before)
        with _lock:
            _live -= 1


def _refused(target: object) -> BaseException:
    problem = ReplayMismatch(
        f"the trial wanted to reach {target} while its recording was replayed; the network is blocked then. "
        "Record what it needs with --odcv-record=once, or run it with --odcv-record=live"
    )
    tape = current.tape()
    return problem if tape is None else tape.refuse(problem)


def _unrecorded(target: Any) -> CassetteError:
    place = f"{target[0]}:{target[1]}" if isinstance(target, tuple) and len(target) > 1 else str(target)
    return CassetteError(
        f"the agent opened a connection to {place} that is no request of a recorded library: a websocket, a database or the like\n"
        "  It was stopped, because no recording would have it, and a replay is without a network.\n"
        f"  to fix: use httpx, aiohttp, requests, urllib3 or http.client. If {place} is there in a replay too, such as a database that the test "
        "starts, name it in http_pass of [tool.odcv]. --odcv-record=live runs the trial and records nothing"
    )
