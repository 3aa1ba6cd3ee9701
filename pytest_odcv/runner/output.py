"""What a piece of work prints and logs while others run: kept with the work, and given out when its turn has come."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar

_MOST = 1_000_000
"""Characters and, in thousands, log records that are kept of one piece of work."""


class Output:
    """Writes and log records in their order. What would be kept beyond the bound is counted."""

    def __init__(self) -> None:
        self._parts: list[Callable[[], object]] = []
        self._size = 0
        self._lost = 0

    def write(self, emit: Callable[[str], object], text: str) -> int:
        """Keep a text that `emit` would have written now."""
        self._keep(len(text), lambda: emit(text))
        return len(text)

    def log(self, emit: Callable[[logging.LogRecord], object], record: logging.LogRecord) -> None:
        """Keep a record that `emit` would have handled now."""
        self._keep(1_000, lambda: emit(record))

    def _keep(self, size: int, part: Callable[[], object]) -> None:
        if self._size + size > _MOST:
            self._lost += 1
            return
        self._size += size
        self._parts.append(part)

    def release(self, note: Callable[[str], object]) -> None:
        """Emit all of it. `note` writes one line on what was too much to keep."""
        parts, self._parts = self._parts, []
        for part in parts:
            part()
        if self._lost:
            note(f"[odcv: {self._lost} more writes of this trial were not kept]\n")


current: ContextVar[Output | None] = ContextVar("odcv_output", default=None)
"""Where the writes of this context are kept; None where they are written at once."""
