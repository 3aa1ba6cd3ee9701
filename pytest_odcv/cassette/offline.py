"""No network while a recording is replayed: what would connect fails with the reason."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import ReplayMismatch

_BLOCKED = ("connect", "connect_ex", "sendto")


@contextmanager
def no_network() -> Iterator[None]:
    """Within it, internet sockets of this process cannot connect and names are not looked up; unix sockets can.

    Whoever tries gets ReplayMismatch: a replay that needs the network is not a replay.
    """
    originals = {name: getattr(socket.socket, name) for name in _BLOCKED}
    lookup = socket.getaddrinfo

    def refuse(target: object) -> ReplayMismatch:
        return ReplayMismatch(
            f"the trial wanted to reach {target} while its recording was replayed; the network is blocked then. "
            "Record what it needs with --odcv-record=once, or run it with --odcv-record=live"
        )

    def guarded(name: str) -> Any:
        def method(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                raise refuse(args[-1])
            return originals[name](self, *args)

        return method

    def no_lookup(host: Any, *_: Any, **__: Any) -> Any:
        raise refuse(host)

    for name in _BLOCKED:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = no_lookup
    try:
        yield
    finally:
        for name in _BLOCKED:
            delattr(socket.socket, name) if name not in _OWN else setattr(
                socket.socket, name, originals[name]
            )
        socket.getaddrinfo = lookup


_OWN = {name for name in _BLOCKED if name in vars(socket.socket)}
"""Methods that socket.socket defines itself; the others are inherited from the C class and uncovered again by deleting."""
