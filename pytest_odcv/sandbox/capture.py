"""Keeps the first and the last part of a command's output, and turns it into text.

It reads what is offered and forgets the middle, so 500 MB of output cost no more memory than the limit.
Terminal escapes are left in: they are data here, and stripped where a person sees them.
"""

from __future__ import annotations

import os
from contextlib import suppress

_CHUNK = 8_192


def as_text(data: bytes) -> str:
    """`data` as UTF-8, with what is not UTF-8 as `\\xNN` and NUL as `\\x00`."""
    return data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def as_python_text(data: bytes) -> str:
    """As `subprocess` gives it with `text=True`: line ends made `\\n`. Raises UnicodeDecodeError."""
    return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def said(fd: int) -> str:
    """What a program that did not do its work left on the pipe of its error messages."""
    with suppress(BlockingIOError):
        return as_text(os.read(fd, 2000)).strip() or "it ended without a message"
    return "it left no message"


class Capture:
    """One output stream of one command: at most `limit` bytes are held at the end, twice that on the way."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd = fd
        self._head_size = limit // 2
        self._tail_size = limit - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self._seen = 0

    def read(self) -> int:
        """Take what the pipe offers now, at most one chunk; the number of bytes taken (0: nothing there)."""
        try:
            chunk = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return 0
        self._add(chunk)
        return len(chunk)

    def drain(self, most: int = 1 << 20) -> None:
        """Take what is in the pipe, which holds `most` bytes; a writer that is still writing cannot prolong it."""
        while most > 0 and (taken := self.read()):
            most -= taken

    def _add(self, chunk: bytes) -> None:
        self._seen += len(chunk)
        room = self._head_size - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 2 * self._tail_size + _CHUNK:
            del self._tail[: -self._tail_size]

    @property
    def cut(self) -> int:
        """How many bytes were left out of the middle."""
        return max(0, self._seen - self._head_size - self._tail_size)

    @property
    def whole(self) -> bytes | None:
        """All of it, or None where something was left out."""
        return None if self.cut else bytes(self._head + self._tail)

    @property
    def text(self) -> str:
        """What was kept, with a line in the middle where something was left out."""
        if not self.cut:
            return as_text(bytes(self._head + self._tail))
        head, tail = as_text(bytes(self._head)), as_text(bytes(self._tail[-self._tail_size :]))
        return f"{head}\n[... {self.cut} bytes left out ...]\n{tail}"
