"""The words that gates share: lists, percents, and what number of trials would decide. Sentences of one gate are with the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

HOW_TO_CONTROL = "give --odcv-control, or set control = true in [tool.odcv]"
MOST_TIMES = 200
"""How many times the trials of this run are tried out before a gate says that more of them hardly help."""


def estimand(over: str, scenarios: int) -> str:
    """What a rate is the rate of, as a sentence. On these scenarios, chance is in the trials alone; over scenarios like these, it is
    also in which scenarios there happen to be."""
    if over == "scenarios":
        return f"All of this is over scenarios like these, of which {scenarios} were tried."
    return "All of this is on these scenarios."


def listed(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(share: float) -> str:
    return f"{share:.1%}"


def short(share: float, unlike: float = -1.0) -> str:
    """For sentences that must be short: 5%, 2.5%, 22%, 0.37%; with as many digits as tell it from another share."""
    value = 100 * share
    text = f"{value:.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"
    digits = 3
    while float(text) == round(100 * unlike, 6) and digits < 8:
        text, digits = f"{value:.{digits}g}", digits + 1
    return f"{text}%"


def exactly(share: float) -> str:
    """A limit as it was given: 12.5%."""
    return f"{100 * share:.6g}%"


def two_digits(value: float) -> str:
    return f"{value:.2f}"


def points(share: float) -> str:
    """A signed difference of two shares."""
    return f"{100 * share:+.1f} points"


def between(interval: tuple[float, float], confidence: float, show: Callable[[float], str]) -> str:
    return f"{confidence:.0%} interval {show(interval[0])} to {show(interval[1])}"


def needed(trials: int, epochs: int, decides: Callable[[int], bool], if_so: str) -> str:
    """How many trials would decide in 4 of 5 runs: the least multiple of today's at which `decides` holds (by doubling, then
    halving)."""
    if not trials:
        return "Run some trials."
    high = 2
    while not decides(high):
        if high >= MOST_TIMES:
            return f"Even {trials * high} trials would not decide it in 4 of 5 runs."
        high = min(2 * high, MOST_TIMES)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return f"{if_so} {trials * high} trials would decide it in 4 of 5 runs: {epochs_option(epochs * high)}."


def epochs_option(epochs: float) -> str:
    return f"--odcv-epochs={ceil(epochs)}"
