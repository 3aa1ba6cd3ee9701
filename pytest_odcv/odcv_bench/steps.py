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
from dataclasses import dataclass
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


def choose(text: str, candidates: Sequence[Header]) -> list[Header]:
    """The candidates that are steps, the first being the first candidate. Empty without candidates."""
    shape = _Shape(text)
    cost: dict[int, int] = {}
    follower: dict[int, int | None] = {}
    places: dict[int, list[int]] = {}
    for index in reversed(range(len(candidates))):
        options = []
        for after in (*reversed(places.get(candidates[index].number + 1, [])[-_NEAREST:]), None):
            swallowed = (len(candidates) if after is None else after) - index - 1
            successor = None if after is None else candidates[after]
            odd = _UNUSED * swallowed + _MALFORMED * shape.odd(candidates[index], successor, swallowed)
            options.append((odd + (0 if after is None else cost[after]), after))
        cost[index], follower[index] = min(options, key=lambda option: option[0])
        places.setdefault(candidates[index].number, []).append(index)
    chosen: list[Header] = []
    index_or_none = 0 if candidates else None
    while index_or_none is not None:
        chosen.append(candidates[index_or_none])
        index_or_none = follower[index_or_none]
    return chosen


class _Shape:
    """Whether steps of one text are formed as the harness forms them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._reasons = [match.start() for match in _REASON.finditer(text)]
        self._ends_in_call = cache(self._last_line_is_call)

    def odd(self, header: Header, successor: Header | None, swallowed: int) -> bool:
        """Only an assistant's words can hold lines like a header. They end in a reason, and in a call where a tool
        answers. A tool's result is one line of JSON."""
        end = len(self._text) if successor is None else successor.start
        if header.role != "assistant":
            return swallowed > 0 or (header.role == "tool" and not _is_json(self._text[header.body : end]))
        place = bisect_left(self._reasons, header.body)
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
