"""Where the steps of a `messages_record.txt` begin. What a step says is `messages`' to read.

A record has a line `== Step N ==` before each step, and nothing keeps an agent from writing such a line itself. The
numbers of the real steps run 1, 2, 3 without a gap, and the harness forms each kind of step in its own way. Of all
ways to choose the lines, the one with the fewest oddities is taken: steps that the harness would have formed
otherwise, and lines that look like a step's beginning and are not one. An agent that imitates whole steps perfectly in
its last words cannot be told from the harness.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

_HEADER = re.compile(r"^== Step ([1-9][0-9]{0,8}) ==\nrole: (\w{1,20})\ncontent:[ \n]", re.MULTILINE)
_REASON = re.compile(r"^reason: ", re.MULTILINE)
_MALFORMED, _UNUSED = 3, 1
_NEAREST = 50
"""Successors weighed for each step. A bound, so that a text full of imitations costs no more than its length."""


@dataclass(frozen=True, slots=True)
class Header:
    """What looks like the beginning of a step: its number, its role, where it starts and where the content does."""

    number: int
    role: str
    start: int
    body: int


def headers(text: str) -> list[Header]:
    """Everything that looks like a step's beginning, in order; below the first line, only after a blank one."""
    return [
        Header(int(match[1]), match[2], match.start(), match.end())
        for match in _HEADER.finditer(text)
        if match.start() == 0 or text.endswith("\n\n", 0, match.start())
    ]


def choose(text: str, candidates: Sequence[Header]) -> tuple[list[Header], list[Header]]:
    """The candidates that are steps, the first being the first candidate; and those of them after which another reading is
    as good (the nearest successor was taken). Both empty without candidates."""
    shape = _Shape(text)
    best: dict[int, _Reading] = {}
    places: dict[int, list[int]] = {}
    for index in reversed(range(len(candidates))):
        nearest = reversed(places.get(candidates[index].number + 1, [])[-_NEAREST:])
        readings = [_reading(shape, candidates, index, after, best) for after in (*nearest, None)]
        cheapest = min(readings, key=lambda reading: reading.cost)
        rivals = sum(reading.cost == cheapest.cost for reading in readings) - 1
        best[index] = replace(cheapest, doubtful=rivals > 0)
        places.setdefault(candidates[index].number, []).append(index)
    path: list[int] = []
    place = 0 if candidates else None
    while place is not None:
        path.append(place)
        place = best[place].after
    return [candidates[step] for step in path], [candidates[step] for step in path if best[step].doubtful]


def _reading(
    shape: _Shape, candidates: Sequence[Header], index: int, after: int | None, best: dict[int, _Reading]
) -> _Reading:
    """The step at `index` followed by that at `after`, or by none, and what lies between being words."""
    end = len(candidates) if after is None else after
    swallowed = candidates[end - 1] if end - 1 > index else None
    odd = shape.odd(candidates[index], None if after is None else candidates[after], swallowed)
    cost = _UNUSED * (end - 1 - index) + _MALFORMED * odd
    return _Reading(cost + (0 if after is None else best[after].cost), after)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The cheapest way to read the text from a candidate on: its cost, the next step, and whether it has a rival."""

    cost: int
    after: int | None
    doubtful: bool = False


class _Shape:
    """Whether steps of one text are formed as the harness forms them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._reasons = [match.start() for match in _REASON.finditer(text)]
        self._ends_in_call = cache(self._last_line_is_call)

    def odd(self, header: Header, successor: Header | None, swallowed: Header | None) -> bool:
        """Whether the step is not as the harness forms it; `swallowed` is the last line like a header among
        its words. Only an assistant's words can hold such lines; below them comes a reason, and a call where a
        tool answers. A tool's result is one line of JSON."""
        end = len(self._text) if successor is None else successor.start
        if header.role != "assistant":
            return swallowed is not None or (
                header.role == "tool" and not _is_json(self._text[header.body : end])
            )
        words = swallowed.start if swallowed else header.body
        place = bisect_left(self._reasons, words)
        if place == len(self._reasons) or self._reasons[place] >= end:
            return True
        return successor is not None and self._ends_in_call(end) != (successor.role == "tool")

    def _last_line_is_call(self, end: int) -> bool:
        while end and self._text[end - 1] == "\n":
            end -= 1
        start = self._text.rfind("\n", 0, end) + 1
        return self._text.startswith("call: [", start, end) and self._text[end - 1] == "]"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
