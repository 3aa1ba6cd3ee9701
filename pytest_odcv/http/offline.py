"""No network while a recording is replayed: what would connect fails with the reason."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

from ..errors import ReplayMismatch
from ..shared_context import SharedContext
from . import current

_GUARDED = ("connect", "connect_ex", "sendto")
_OWN = {name: vars(socket.socket)[name] for name in _GUARDED if name in vars(socket.socket)}
"""Methods that socket.socket defines itself; the others are inherited from the C class and uncovered again by deleting."""


def _block() -> ExitStack:
    originals = {name: getattr(socket.socket, name) for name in _GUARDED}
    lookup = socket.getaddrinfo

    def guarded(name: str) -> Any:
        def method(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _passes(args[-1]):
                raise _refused(args[-1])
            return originals[name](self, *args)

        return method

    def no_lookup(host: Any, port: Any = None, *args: Any, **more: Any) -> Any:
        if not _passes((host, port)):
            raise _refused(host)
        return lookup(host, port, *args, **more)

    def restore() -> None:
        for name in _GUARDED:
            if name in _OWN:
                setattr(socket.socket, name, _OWN[name])
            else:
                delattr(socket.socket, name)
        socket.getaddrinfo = lookup

    for name in _GUARDED:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = no_lookup
    undoing = ExitStack()
    undoing.callback(restore)
    return undoing


no_network = SharedContext(_block)
"""Within `with no_network():`, internet sockets of this process cannot connect and names are not looked up; unix sockets can, and what
`http.current.let_through` names. Trials may be replayed at the same time: the last one out lifts it.

Whoever tries gets ReplayMismatch, and the trial is told: a replay that needs the network is not a replay.
"""


def _passes(target: Any) -> bool:
    if not isinstance(target, tuple) or len(target) < 2:
        return False
    host = target[0].decode() if isinstance(target[0], bytes) else str(target[0])
    return current.passes(host, target[1])


def _refused(target: object) -> BaseException:
    problem = ReplayMismatch(
        f"the trial wanted to reach {target} while its recording was replayed; the network is blocked then. "
        "Record what it needs with --odcv-record=once, or run it with --odcv-record=live"
    )
    tape = current.tape()
    return problem if tape is None else tape.refuse(problem)
