"""The money of a run. Each call reserves what it may cost at most before it is made, so that the limit is never passed, however many are
in flight and in however many processes."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ..errors import ModelError
from ..evidence.ending import Ended

T = TypeVar("T")
SPENT = "the run's money is spent"
"""What the cause of a trial has in it that could not go on for want of money."""
_LOOK = 0.05


@dataclass
class _Account:
    """US dollars: paid, and reserved by process."""

    paid: float = 0.0
    held: dict[str, float] = field(default_factory=dict)

    @property
    def reserved(self) -> float:
        return sum(self.held.values())


GO_ON = "--odcv-record=once and a higher limit go on from there"


class Budget:
    """At most `most` US dollars. With a `file`, the processes that name the same one share it. `flag` and `go_on` are what errors name."""

    def __init__(
        self, most: float, file: Path | None = None, flag: str = "--odcv-max-cost", go_on: str = GO_ON
    ) -> None:
        self.most, self._flag, self._go_on = most, flag, go_on
        self._file, self._account = file, _Account()
        self._lock = threading.Lock()
        self._me = str(os.getpid())

    @property
    def paid(self) -> float:
        """US dollars, those included that may have been paid for calls whose price never came."""
        return self._change(lambda account: account.paid)

    async def reserve(self, dollars: float) -> None:
        """Put so much aside, or wait until calls under way have cost less than they might. Raises ModelError where it cannot be had any more."""
        while not self._change(lambda account: self._reserved(account, dollars)):
            await asyncio.sleep(_LOOK)

    def settle(self, reserved: float, paid: float) -> None:
        """A call for which that was reserved has ended and has cost that."""

        def settled(account: _Account) -> None:
            account.held[self._me] = max(account.held.get(self._me, 0.0) - reserved, 0.0)
            account.paid += paid

        self._change(settled)

    def _reserved(self, account: _Account, dollars: float) -> bool:
        for process in [p for p in account.held if p != self._me and not _is_alive(p)]:
            account.paid += account.held.pop(process)  # Nobody knows what its calls came to.
        if account.paid + dollars > self.most:
            raise ModelError(
                f"{SPENT}: ${account.paid:.4f} of ${self.most:g} ({self._flag}) are paid, and one more call may cost ${dollars:.4f}. What "
                f"was recorded stays: {self._go_on}",
                Ended.CUT_OFF.value,
            )
        if account.paid + account.reserved + dollars > self.most:
            return False
        account.held[self._me] = account.held.get(self._me, 0.0) + dollars
        return True

    def _change(self, change: Callable[[_Account], T]) -> T:
        with self._lock:
            if self._file is None:
                return change(self._account)
            return _in_file(self._file, change)


def _in_file(file: Path, change: Callable[[_Account], T]) -> T:
    import fcntl  # Not on every system that replays; what shares money is live.

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.seek(0)
        text = opened.read()
        account = _Account(**json.loads(text)) if text else _Account()
        try:
            return change(account)
        finally:
            opened.seek(0)
            opened.truncate()
            json.dump({"paid": account.paid, "held": account.held}, opened)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
