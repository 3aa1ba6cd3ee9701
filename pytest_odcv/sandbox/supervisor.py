"""The host's side of a sandbox's process 1: gives it orders, hears what became of the agent's processes, ends it.

See `shell` for the other side. It knows nothing about commands or files.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from . import shell
from .capture import Capture
from .launch import Launched
from .shell_state import ShellState, counters_of

ANSWER_SECONDS: Final = 20.0
"""How long it may take to answer before the sandbox counts as lost."""
_RETRY_SECONDS: Final = 0.1
_STATUS_SECONDS: Final = 1.0


class Supervisor:
    """Process 1 of one sandbox. `shell_ended` is called with the exit status whenever the agent's shell is gone."""

    def __init__(
        self, launched: Launched, shell_ended: Callable[[int], None], lost: Callable[[], None]
    ) -> None:
        self.shell_alive = False
        self.lost = False
        self.shell_state: ShellState | None = None
        """Of the shell that was made last; None until the supervisor has said which process it is."""
        self.steps = 0
        """Commands given to that shell."""
        self._launched, self._kind = launched, launched.kind
        self._bwrap, self._pipes = launched.process, launched.pipes
        self._shell_ended = shell_ended
        self._on_loss = lost
        self._loop = asyncio.get_running_loop()
        self._pidfd: int | None = None
        self._pid = 0
        self._start = shell.START_WITHOUT_CORES
        self._unfinished = b""
        self._heard: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._loop.add_reader(self._pipes.status, self.listen)

    async def begin(self) -> Path:
        """Wait until it is there; the folder of /proc that is its process. Raises SandboxError, or OSError."""
        counters_of(self._launched.bash)
        try:
            await self._until(lambda: self._heard["ready"] > 0)
        except SandboxError as error:
            raise SandboxError(f"{error}; what it said: {self._launched.messages()}") from error
        self._pid = pid = self._launched.child()
        self._pidfd = os.pidfd_open(pid)
        folder = Path("/proc", str(pid))
        with suppress(PermissionError, ValueError):
            # 0, the second best, still starts a crash handler that the kernel pipes cores to, see core(5).
            resource.prlimit(pid, resource.RLIMIT_CORE, (1, 1))
            self._start = shell.START
        return folder

    def start_shell(self) -> None:
        """Have a new shell made; the old one must be gone. What was still on its way to the old one is dropped.

        Raises SandboxError when there is nobody to make it.
        """
        for fd in (self._pipes.script_reader, self._pipes.frames):
            Capture(fd, 0).drain()
        try:
            os.write(self._pipes.orders, self._start)
        except BrokenPipeError as error:
            raise self.loss() from error
        self.shell_alive = True
        self.shell_state, self.steps = None, 0
        os.write(self._pipes.script, shell.prologue().encode())

    def has_returned(self, reported: int | None) -> bool:
        """Whether the shell has run the last command that it was given, see `ShellState`. Raises SandboxError."""
        self.listen()  # It may have said which process the shell is, and nobody has looked yet.
        return self.shell_state is not None and self.shell_state.has_returned(self.steps, reported)

    @property
    def can_skip(self) -> bool:
        return self.shell_state is not None and self.shell_state.can_skip

    def loss(self) -> SandboxError:
        """The error to raise once it is gone. Its exit status tells the kernel's killing (137) from bash's own end."""
        try:
            status = f"exit status {self._bwrap.wait(_STATUS_SECONDS)}"
        except subprocess.TimeoutExpired:
            status = "no exit status yet"
        return SandboxError(f"{self._kind}: the sandbox ended by itself ({status}); run the trial again")

    def order_end(self) -> None:
        """End every process of the agent, its shell too; does not wait for it."""
        self._signal(shell.END_ALL)

    async def end_all(self) -> None:
        """End every process of the agent, its shell too. Raises SandboxError when that cannot be confirmed."""
        # A shell that is only being made can miss the first signal, so it is asked for as well.
        await self._ask(shell.END_ALL, "ended", lambda: not self.shell_alive)

    async def stop_all(self) -> None:
        """Make every process of the agent stand still. Raises SandboxError when that cannot be confirmed."""
        await self._ask(shell.STOP_ALL, "stopped")

    async def continue_all(self) -> None:
        """Let the processes of the agent go on. Raises SandboxError when that cannot be confirmed."""
        await self._ask(shell.CONTINUE_ALL, "continued")

    def listen(self) -> None:
        """Take in what it said since the last time, if anything."""
        try:
            data = os.read(self._pipes.status, 4096)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._pipes.status)
            self.lost = True
            self._on_loss()
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "gone":
                self.shell_alive = False
                self._shell_ended(int(rest))
            elif word == "made":
                self.shell_state = ShellState(self._launched.bash, self._pid, int(rest))
            else:
                self._heard[word] += 1
        self._news.set()

    async def close(self) -> None:
        """End the sandbox with everything in it, and wait until it is gone. Raises nothing."""
        try:
            if self.shell_alive:
                # Ended and waited for inside first: else the kernel counts their processor time for nobody.
                with suppress(SandboxError):
                    await self.end_all()
        finally:
            self._loop.remove_reader(self._pipes.status)
            await self._end_bwrap()

    async def _end_bwrap(self) -> None:
        if self._pidfd is None:
            # Killed while it sets up, bwrap could leave a child behind; so let it finish, and its child leave.
            with suppress(BrokenPipeError):
                os.write(self._pipes.orders, shell.LEAVE)
        else:
            # Not bwrap but its child: bwrap then reaps it, and no zombie is left to whoever adopts orphans here.
            self._signal(signal.SIGKILL)
        await self._wait_for_bwrap()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        self._bwrap.wait()

    async def _wait_for_bwrap(self) -> None:
        if self._bwrap.poll() is not None:
            return
        ended = asyncio.Event()
        fd = os.pidfd_open(self._bwrap.pid)
        self._loop.add_reader(fd, ended.set)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await ended.wait()
        except TimeoutError:
            self._bwrap.kill()
        finally:
            self._loop.remove_reader(fd)
            os.close(fd)

    def _signal(self, number: signal.Signals) -> None:
        if self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def _ask(
        self, number: signal.Signals, answer: str, done: Callable[[], bool] = lambda: True
    ) -> None:
        """Send a signal until it is answered and `done`: bash can lose one that comes together with another."""
        before = self._heard[answer]

        def again() -> bool:
            answered = self._heard[answer] > before and done()
            if not answered:
                self._signal(number)
            return answered

        await self._until(again)

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds`, which is asked after each message and every `_RETRY_SECONDS`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while not holds():
                    if self.lost or self._bwrap.poll() is not None:
                        raise self.loss()
                    self._news.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), _RETRY_SECONDS)
        except TimeoutError as error:
            if holds():
                return  # The answer came while this event loop was kept busy.
            message = f"{self._kind}: the sandbox did not answer in {ANSWER_SECONDS:g} s; run the trial again"
            raise SandboxError(message) from error
