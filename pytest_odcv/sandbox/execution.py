"""One command on its way through the kept shell: feeds the script, takes the output, and waits for how it ends.

It decides nothing about what happens to the shell afterwards.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass

from ..errors import SandboxError
from . import shell
from .capture import Capture
from .launch import Pipes
from .supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `status` is its exit status, None when it was ended from outside."""

    status: int | None
    shell_lost: bool = False
    timed_out: bool = False
    note: str = ""


_FIRST_LOOK, _AFTER_REPORT, _LONGEST_PAUSE = 0.005, 0.0005, 0.05
"""Seconds until a shell is looked at that has reported nothing, that has reported and not returned, and at most between two looks."""

_SKIPS = (
    "A trap could make the shell leave out commands (shopt -s extdebug), so every process was ended and a new shell takes the place of the "
    "old one."
)


class Execution:
    """Made when the command starts, good for one command."""

    def __init__(
        self, pipes: Pipes, supervisor: Supervisor, text: bytes, token: str, output_bytes: int
    ) -> None:
        self.out = Capture(pipes.out, output_bytes)
        self.err = Capture(pipes.err, output_bytes)
        self._script, self._frames = pipes.script, pipes.frames
        self._left = memoryview(text)
        self._token = token
        self._supervisor = supervisor
        self._was_idle = False
        self._number = 0
        """Which of the shell's commands it is."""
        self._received = b""
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Outcome] = self._loop.create_future()

    def end(self, outcome: Outcome) -> None:
        """Say how the command ended; the first word counts."""
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    async def finish(self, seconds: float, late: Outcome) -> Outcome:
        """Run the command to its end, or to `late` when that does not come in `seconds`."""
        loop = self._loop
        readers = {self.out.fd: self.out.read, self.err.fd: self.err.read, self._frames: self._read_frames}
        for fd, read in readers.items():
            loop.add_reader(fd, read)
        self._give()
        self._number = self._supervisor.steps
        timer = loop.call_later(seconds, self.end, late)
        self._next_look = loop.call_later(_FIRST_LOOK, self._look, _FIRST_LOOK)
        try:
            return await self._outcome
        finally:
            timer.cancel()
            self._next_look.cancel()
            for fd in readers:
                loop.remove_reader(fd)
            loop.remove_writer(self._script)

    def drain(self) -> None:
        """Take the output that is still in the pipes."""
        self.out.drain()
        self.err.drain()

    def _give(self) -> None:
        """Have the script written, and count it as a command."""
        self._supervisor.steps += 1
        if not self._write_script():
            self._loop.add_writer(self._script, self._write_script)

    def _write_script(self) -> bool:
        """Give the shell as much as the pipe takes; whether that is all."""
        with suppress(BlockingIOError):
            self._left = self._left[os.write(self._script, self._left) :]
        if not self._left:
            self._loop.remove_writer(self._script)
        return not self._left

    def _read_frames(self) -> int:
        had_report = self._reported is not None
        self._receive()
        if self._reported is not None and not had_report:
            self._next_look.cancel()
            self._look(_AFTER_REPORT)
        return 0

    def _receive(self) -> None:
        with suppress(BlockingIOError):
            self._received = (self._received + os.read(self._frames, 4096))[-8192:]

    @property
    def _reported(self) -> int | None:
        return shell.reported(self._received, self._token)

    def _look(self, pause: float) -> None:
        """See whether the command is over, and look again after `pause` seconds where it is not."""
        if self._outcome.done():
            return
        try:
            returned = self._supervisor.has_returned(None if self._reported is None else self._number)
        except SandboxError as error:
            self._outcome.set_exception(error)
            return
        if returned and (self._reported is not None or (self._was_idle and self._supervisor.can_skip)):
            self._receive()
            self.end(self._reported_outcome())
            return
        # A report alone is not believed: code of the agent's can write one and wait for the next command, to answer for it. Such a
        # command goes on until its time is up.
        self._ask_for_report(is_idle=returned and not self._left)
        self._next_look = self._loop.call_later(pause, self._look, min(2 * pause, _LONGEST_PAUSE))

    def _reported_outcome(self) -> Outcome:
        if self._supervisor.can_skip:
            return Outcome(self._reported, shell_lost=True, note=_SKIPS)
        return Outcome(self._reported)

    def _ask_for_report(self, is_idle: bool) -> None:
        """After a syntax error bash drops the line with its report. Found idle twice in a row, the shell is not just before or after it."""
        if is_idle and self._was_idle:
            self._left = memoryview(shell.late_report(self._token))
            self._give()
        self._was_idle = is_idle and not self._was_idle
