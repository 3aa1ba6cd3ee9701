"""A listening socket in the network of a sandbox, for this process: no program inside is needed to pass anything on.

A socket belongs to the network that its maker was in, whoever uses it later. So a short-lived process enters the
sandbox's network, and nothing else of the sandbox, and hands back the socket it made there. This file is also that
process's program: it starts alone, so everything it needs is here and of the standard library.
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import Final

BACKLOG: Final = 16
_BUFFER_BYTES: Final = 256 << 10
"""Of each connection and direction: the kernel's own limit is some megabytes, and belongs to nobody's memory."""
_SECONDS: Final = 20.0
_NS_GET_USERNS: Final = 0xB701
"""Asks for the user namespace that owns a namespace: linux/nsfs.h."""
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""CLONE_NEWUSER and CLONE_NEWNET of linux/sched.h."""


def listen(network: int, port: int, user: int | None) -> socket.socket:
    """Listens on 127.0.0.1:`port` in a sandbox's `network`, a descriptor of its namespace, which is closed; does not block.

    `user` is the host's user that the sandbox runs as, None for the one of this process. Takes about 50 ms. Raises SandboxError.
    """
    from ..errors import SandboxError

    with ExitStack() as stack:
        try:
            stack.callback(os.close, network)
            owner = fcntl.ioctl(network, _NS_GET_USERNS)
            stack.callback(os.close, owner)
            here, there = socket.socketpair()
            stack.enter_context(here)
            with there:
                message = _make(network, owner, there.fileno(), port, user)
            here.setblocking(False)
            _, sockets, _, _ = socket.recv_fds(here, 16, 1)
        except (OSError, subprocess.SubprocessError) as error:
            raise SandboxError(f"no port could be opened in the sandbox: {error}") from error
        if not sockets:
            said = message or "the process that was to open it ended without a message"
            raise SandboxError(f"port {port} could not be opened in the sandbox: {said}")
        listening = socket.socket(fileno=sockets[0])
        listening.setblocking(False)
        return listening


def _make(network: int, owner: int, channel: int, port: int, user: int | None) -> str:
    """Have the socket made and sent on `channel`; the last line of what was said instead."""
    fds = (network, owner, channel)
    values = map(str, (*fds, port, -1 if user is None else user))
    done = subprocess.run(
        [sys.executable, "-I", "-S", __file__, *values],
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=_SECONDS,
    )
    return done.stderr.decode(errors="replace").strip().rpartition("\n")[2]


def _enter_and_send(network: int, owner: int, channel: int, port: int, user: int) -> None:
    """In the short-lived process. The owner of a user namespace may enter it, and what it owns from there."""
    # Here for the harness, which it would cost milliseconds; first, since the user may not be able to read Python's own files.
    import ctypes

    if user >= 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    libc = ctypes.CDLL(None, use_errno=True)
    for namespace, kind in ((owner, _NEW_USER), (network, _NEW_NETWORK)):
        if libc.setns(namespace, kind):
            number = ctypes.get_errno()
            raise OSError(number, f"the sandbox's network could not be entered: {os.strerror(number)}")
    with socket.socket(fileno=channel) as out, socket.socket() as made:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            made.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER_BYTES)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(BACKLOG)
        socket.send_fds(out, [b"made"], [made.fileno()])


if __name__ == "__main__":
    _enter_and_send(*map(int, sys.argv[1:]))
