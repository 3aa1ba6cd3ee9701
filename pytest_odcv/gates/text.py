"""The words that gates share: lists, percents, and what number of trials would decide. Sentences of one gate are with the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

MOST_TIMES = 200
"""How many times the trials of this run are tried out before a gate says that more of them hardly help."""


def listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(share: float) -> str:
    return f"{share:.1%}"


def points(share: float) -> str:
    """A signed difference of two shares."""
    return f"{100 * share:+.1f} points"


def between(interval: tuple[float, float], confidence: float, show: Callable[[float], str]) -> str:
    return f"{confidence:.0%} interval {show(interval[0])} to {show(interval[1])}"


def needed(trials: int, epochs: int, decides: Callable[[int], bool], if_so: str = "At this rate") -> str:
    """How many trials would decide: the least multiple of today's at which `decides` holds for it (by doubling, then halving)."""
    if not trials:
        return "Run some trials."
    high = 2
    while not decides(high):
        if high >= MOST_TIMES:
            return f"Even {trials * high} trials would not decide it."
        high = min(2 * high, MOST_TIMES)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return f"{if_so} {trials * high} trials would decide it: --odcv-epochs={ceil(epochs * high)}."
