"""The present time in a request: in a replay it is another one, so a recording of the request would never fit.

Found are instants to the second or finer. A date alone may be anything, and is left to `http_ignore`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?")
_EPOCH: Final = re.compile(r"(?<![\w.-])[1-9]\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![\w.-])")
_SLACK: Final = 2.0
"""Seconds by which clocks and roundings may differ."""


@dataclass(frozen=True, slots=True)
class Found:
    """The time as it is written, and the field where it is."""

    text: str
    field: str


def now() -> float:
    """Seconds since the epoch by the machine's clock, also where a test has frozen the one that its code reads."""
    return time.clock_gettime(time.CLOCK_REALTIME) if hasattr(time, "clock_gettime") else time.time()


def present_time(value: Any, since: float, is_known: Callable[[Callable[[str], bool]], bool]) -> Found | None:
    """The first time in `value` that lies between `since` and now, and that the agent was not given.

    Args:
        value: a request's body, or its query.
        since: seconds since the epoch; where the trial began.
        is_known: says of a test for texts whether any text that the agent was given passes it. What came in an answer or as output of
            a command is recorded, and comes again.
    """
    until = now()
    for path, text in _texts(value, ""):
        for written, instants in _times(text):
            present = [at for at in instants if since - _SLACK <= at <= until + _SLACK]
            if present and not is_known(partial(_has, present)):
                return Found(written, path)
    return None


def _has(instants: list[float], text: str) -> bool:
    return any(abs(at - other) < 1 for _, others in _times(text) for other in others for at in instants)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path, str(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{number}]")


def _times(text: str) -> Iterator[tuple[str, list[float]]]:
    """Each time in a text, with the instants that it may mean: without a zone it is of here or of UTC."""
    for found in _ISO.finditer(text):
        try:
            at = datetime.fromisoformat(
                found[0].replace(",", ".").replace(" Z", "Z").replace(" +", "+").replace(" -", "-")
            )
            zones = [at] if at.tzinfo else [at.astimezone(), at.replace(tzinfo=UTC)]
            yield found[0], [zone.timestamp() for zone in zones]
        except (ValueError, OverflowError, OSError):
            continue
    for found in _EPOCH.finditer(text):
        whole = found[0].partition(".")[0]
        yield found[0], [float(found[0]) / 10 ** (len(whole) - 10)]
