"""The outbox: pipes that the agent can write to and the harness reads, so that what was written has left the sandbox.

A channel is a named pipe in a folder of the host that is mounted read-only: nobody inside can remove or replace it, and nobody can open it for
reading, so that no message can be taken back. The harness keeps both ends open and therefore never sees an end; a message ends with a form
feed, or with the command that wrote it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from .capture import as_text
from .protocol import Sent
from .reachable import reachable_folder

CHANNEL_BYTES: Final = 1 << 20
"""Kept of all messages of a channel; what is over it is counted and thrown away, so that a writer never waits forever."""
MESSAGES: Final = 200
"""Messages of a channel for each of which the files are looked at. What comes after is counted as cut off the last one."""
_END: Final = b"\f"
_BLANK: Final = b"\f \t\r\n"
"""What begins no message: it would use up their number."""
_READ: Final = 1 << 16


class Outbox:
    """The channels of one open sandbox. `began` is called when the first bytes of a message are there, and gives a number for it; `ended` is
    called with that number and the message, and again where more of it turns out to be cut off. Belongs to the event loop that it was made
    in."""

    def __init__(
        self, channels: Sequence[str], began: Callable[[], int], ended: Callable[[int, Sent], None]
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="odcv-outbox-", dir=reachable_folder()))
        self._began, self._ended = began, ended
        self._loop = asyncio.get_running_loop()
        self._pipes: dict[str, _Pipe] = {}
        try:
            self.folder.chmod(0o755)
            for channel in channels:
                self._pipes[channel] = pipe = _Pipe(channel, _made(self.folder / channel))
                self._loop.add_reader(pipe.fd, self._take, pipe)
        except BaseException:
            self.close()
            raise

    def flush(self) -> None:
        """A command has ended: what it wrote and did not end is a message too."""
        for pipe in self._pipes.values():
            self._take(pipe)
            if pipe.number is not None:
                self._end(pipe, len(pipe.pending))
            if pipe.lost:
                number, sent = pipe.last or (self._began(), Sent(pipe.channel, ""))
                pipe.last = number, replace(sent, cut=sent.cut + pipe.lost)
                pipe.lost = 0
                self._ended(*pipe.last)

    def close(self) -> None:
        for pipe in self._pipes.values():
            self._loop.remove_reader(pipe.fd)
            os.close(pipe.fd)
        self._pipes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take(self, pipe: _Pipe) -> None:
        # Whoever writes without end must not keep this loop busy.
        for _ in range(2 * CHANNEL_BYTES // _READ):
            try:
                pipe.keep(os.read(pipe.fd, _READ))
            except BlockingIOError:
                break
            while pipe.number is not None or self._begins(pipe):
                end = pipe.pending.find(_END)
                if end < 0:
                    break
                self._end(pipe, end)

    def _begins(self, pipe: _Pipe) -> bool:
        """Whether what is there is the beginning of a message, whose moment is then now."""
        pipe.pending = pipe.pending.lstrip(_BLANK)
        if not pipe.pending:
            return False
        if pipe.messages >= MESSAGES:
            pipe.lost += len(pipe.pending)
            pipe.pending.clear()
            return False
        pipe.messages += 1
        pipe.number = self._began()
        return True

    def _end(self, pipe: _Pipe, size: int) -> None:
        assert pipe.number is not None
        pipe.last = pipe.number, Sent(pipe.channel, as_text(bytes(pipe.pending[:size])))
        del pipe.pending[:size]
        pipe.number = None
        self._ended(*pipe.last)


class _Pipe:
    """One channel: its end to read from, and what came and is no message yet."""

    def __init__(self, channel: str, fd: int) -> None:
        self.channel, self.fd = channel, fd
        self.pending = bytearray()
        self.lost = 0
        """Bytes that were too many to keep and that no message says yet."""
        self.messages = 0
        self.number: int | None = None
        """Of the message whose first bytes are here."""
        self.last: tuple[int, Sent] | None = None
        """The last one that ended, with its number."""
        self._left = CHANNEL_BYTES

    def keep(self, data: bytes) -> None:
        taken = data[: self._left]
        self._left -= len(taken)
        self.pending += taken
        self.lost += len(data) - len(taken)


def _made(path: Path) -> int:
    os.mkfifo(path, 0o600)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    # Only now, since this process may be an ordinary user: the agent's user is then the pipe's owner, and must not read either.
    path.chmod(0o222)
    return fd
