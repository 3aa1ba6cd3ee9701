"""How often xdist's workers have started a trial that never ended: some distributions start again what killed a worker, and pay each time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import AgentError

MOST = 2


class Starts:
    """Of one run. `shared` is a folder that its workers have in common; without one there is one process, and no second start."""

    def __init__(self, shared: Path | None) -> None:
        self._shared = shared

    @contextmanager
    def of(self, nodeid: str) -> Iterator[None]:
        """Around a trial. Raises AgentError for one that ended its worker `MOST` times before."""
        if self._shared is None:
            yield
            return
        self._shared.mkdir(exist_ok=True)
        count = self.lost(nodeid)
        if count >= MOST:
            raise AgentError(
                f"this trial has ended its worker process {count} times and is not started again: the agent ends the process it runs in, or the "
                "system ended it for want of memory\n  to fix: run it without -n to see how it ends"
            )
        file = self._shared / f"{_name(nodeid)}.{os.getpid()}"
        file.touch()
        try:
            yield
        finally:  # Which a process that is ended does not come to.
            file.unlink(missing_ok=True)

    def lost(self, nodeid: str) -> int:
        """How many processes ended while they ran a trial. One that did not end it may have run it beside others, so any of them may have."""
        # By process: with --dist=each several workers run the same trial at a time, and all of them live.
        files = self._shared.glob(f"{_name(nodeid)}.*") if self._shared is not None else ()
        return sum(not _is_alive(int(file.suffix[1:])) for file in files)


def _name(nodeid: str) -> str:
    return f"started-{hashlib.sha256(nodeid.encode()).hexdigest()[:16]}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # No Linux, or gone just now.
        return True
    # A worker that xdist has not waited for yet.
    return state != "Z"
