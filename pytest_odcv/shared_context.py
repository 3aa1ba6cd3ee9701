"""One thing that several may want at a time, in any thread: done for the first of them, undone after the last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


class SharedContext:
    """`make` does it, and gives the stack that undoes it; what it raises, the first one gets."""

    def __init__(self, make: Callable[[], ExitStack]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._users = 0
        self._made = ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._made = self._make()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._made.close()
