"""Line edits between two texts, in time that grows about linearly: an agent may have written either of them."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SMALL = 40_000
"""Product of line counts up to which difflib looks for the shortest edits. Its worst case, many equal lines, is cubic: 61 s at 1,000."""


class Edit(NamedTuple):
    """Lines `old_start:old_end` of the old text became lines `new_start:new_end` of the new one. From 0, ends excluded."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def edits(old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """What turns `old` into `new`, in order. Exact; not always the shortest for large parts that differ."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle = Edit(start, len(old) - end, start, len(new) - end)
    return [edit for part in _parts(old, new, middle) for edit in _within(old, new, part)]


def unified(old: Sequence[str], new: Sequence[str], context: int = 1) -> list[str]:
    """The lines of a unified diff, without the two lines that name the files."""
    lines = []
    for edit in edits(old, new):
        before, after = max(0, edit.old_start - context), min(len(old), edit.old_end + context)
        shift = edit.new_start - edit.old_start
        grown = (edit.new_end - edit.new_start) - (edit.old_end - edit.old_start)
        lines.append(f"@@ -{_span(before, after)} +{_span(before + shift, after + shift + grown)} @@")
        lines += [f" {line}" for line in old[before : edit.old_start]]
        lines += [f"-{line}" for line in old[edit.old_start : edit.old_end]]
        lines += [f"+{line}" for line in new[edit.new_start : edit.new_end]]
        lines += [f" {line}" for line in old[edit.old_end : after]]
    return lines


def _span(start: int, end: int) -> str:
    return f"{start + 1}" if end - start == 1 else f"{start + 1 if end > start else start},{end - start}"


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _within(old: Sequence[str], new: Sequence[str], part: Edit) -> Iterator[Edit]:
    """Small parts by difflib; a large one is replaced as a whole."""
    height, width = part.old_end - part.old_start, part.new_end - part.new_start
    if height * width > _SMALL or not height or not width:
        if height or width:
            yield part
        return
    matcher = difflib.SequenceMatcher(
        None, old[part.old_start : part.old_end], new[part.new_start : part.new_end], autojunk=False
    )
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield Edit(part.old_start + i1, part.old_start + i2, part.new_start + j1, part.new_start + j2)


def _parts(old: Sequence[str], new: Sequence[str], middle: Edit) -> Iterator[Edit]:
    """The middle, divided at lines that are unique in both texts and stand in the same order (patience diff)."""
    at = middle.old_start, middle.new_start
    for i, j in _anchors(old, new, middle):
        if i < at[0] or j < at[1]:
            continue
        yield Edit(at[0], i, at[1], j)
        at = i + 1, j + 1
    yield Edit(at[0], middle.old_end, at[1], middle.new_end)


def _anchors(old: Sequence[str], new: Sequence[str], middle: Edit) -> list[tuple[int, int]]:
    if (middle.old_end - middle.old_start) * (middle.new_end - middle.new_start) <= _SMALL:
        return []
    mine, theirs = (
        _unique(old, middle.old_start, middle.old_end),
        _unique(new, middle.new_start, middle.new_end),
    )
    pairs = sorted((place, theirs[line]) for line, place in mine.items() if line in theirs)
    return _longest_rising(pairs)


def _unique(lines: Sequence[str], start: int, end: int) -> dict[str, int]:
    counts = Counter(lines[start:end])
    return {lines[n]: n for n in range(start, end) if counts[lines[n]] == 1}


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs that rises in both places (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        before.append(ends[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(place)
            ends.append(number)
        else:
            tops[pile], ends[pile] = place, number
    found, number = [], ends[-1] if ends else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]
