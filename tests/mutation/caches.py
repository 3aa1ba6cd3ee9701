"""A plugin for pytest runs over mutants: what an unchanged function computed before must not hide what a mutant computes."""

from __future__ import annotations

import sys


def pytest_sessionstart() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("pytest_odcv"):
            for value in list(vars(module).values()):
                clear = getattr(value, "cache_clear", None)
                if callable(clear):
                    clear()
