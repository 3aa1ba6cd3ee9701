"""One command on its way through the kept shell: feeds the script, takes the output, and waits for how it ends.

It decides nothing about what happens to the shell afterwards.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass

from . import shell
from .capture import Capture
from .launch import Pipes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended. `status` is its exit status, None when it was ended from outside."""

    status: int | None
    shell_lost: bool = False
    timed_out: bool = False
    note: str = ""


class Execution:
    """Made when the command starts, good for one command."""

    def __init__(self, pipes: Pipes, text: bytes, token: str, output_bytes: int) -> None:
        self.out = Capture(pipes.out, output_bytes)
        self.err = Capture(pipes.err, output_bytes)
        self._script, self._frames = pipes.script, pipes.frames
        self._left = memoryview(text)
        self._token = token
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
        if not self._write_script():
            loop.add_writer(self._script, self._write_script)
        timer = loop.call_later(seconds, self.end, late)
        try:
            return await self._outcome
        finally:
            timer.cancel()
            for fd in readers:
                loop.remove_reader(fd)
            loop.remove_writer(self._script)

    def drain(self) -> None:
        """Take the output that is still in the pipes."""
        self.out.drain()
        self.err.drain()

    def _write_script(self) -> bool:
        """Give the shell as much as the pipe takes; whether that is all."""
        with suppress(BlockingIOError):
            self._left = self._left[os.write(self._script, self._left) :]
        if not self._left:
            self._loop.remove_writer(self._script)
        return not self._left

    def _read_frames(self) -> int:
        with suppress(BlockingIOError):
            self._received = (self._received + os.read(self._frames, 4096))[-8192:]
        status = shell.reported(self._received, self._token)
        if status is not None:
            self.end(Outcome(status))
        return 0
