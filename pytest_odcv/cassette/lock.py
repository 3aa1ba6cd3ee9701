"""One process at a time records a trial: two would both pay for it, and the last would win."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ..errors import CassetteError

_POLL = 0.2


@asynccontextmanager
async def recording_lock(
    cassette: Path, *, wait: bool, tell: Callable[[str], None] | None = None
) -> AsyncIterator[None]:
    """Hold the lock of a cassette's path while its trial is recorded. It goes with the process, however that ends.

    Args:
        cassette: Where the recording will be.
        wait: Whether to wait for another process, or to refuse.
        tell: Is given one sentence where it waits.

    Raises:
        CassetteError: Another process holds it and `wait` is false, or no lock can be made.
    """
    path = _place(cassette)
    told = False
    while (handle := _acquired(path)) is None:
        if not wait:
            raise CassetteError(
                f"{cassette}: another process records this trial now. Wait for it, or give each run a folder of its own with --odcv-cassettes=DIR"
            )
        if not told and tell is not None:
            tell(f"odcv: waiting for another process that records {cassette}")
        told = True
        await asyncio.sleep(_POLL)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _place(cassette: Path) -> Path:
    """Beside the machine's temporary files: a killed process leaves nothing among the recordings."""
    name = hashlib.sha256(os.fsencode(cassette.resolve())).hexdigest()[:32]
    user = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir(), f"odcv-locks-{user}", f"{name}.lock")


def _acquired(path: Path) -> int | None:
    """An open descriptor that holds the lock; None where another process does."""
    try:
        import fcntl
    except ImportError:  # No sandbox runs there, so nothing but judges is recorded.
        fcntl = None  # type: ignore[assignment]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CassetteError(f"{path.parent}: cannot be written to: {error.strerror}") from None
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The one before may have removed the file between our opening and locking it: then the lock is on nothing.
        if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None
