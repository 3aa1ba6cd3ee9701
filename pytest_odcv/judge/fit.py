"""Fits a transcript into a budget: outputs give way first, then what the agent did, then whole steps of the middle. The
beginning and the end always stay, and every cut says how much is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .hostile import KEY_DIGITS, OURS, cut, quoted
from .transcript import Part, Rank, Transcript

BYTES_PER_TOKEN = 2.5
"""A low estimate: English prose has some 4 bytes a token, tables of numbers 2 to 3, UTF-8 of other scripts 2 to 3."""
_LEAST = 240
"""Bytes that every text keeps before whole steps are left out."""
_OURS_GROWS = KEY_DIGITS + 2
"""Bytes that a line of ours gains when the key takes the place of NUL."""


def tokens(text: str) -> int:
    """The estimated number of tokens, rounded up."""
    return int(size(text) / BYTES_PER_TOKEN) + 1


def size(text: str) -> int:
    """Bytes of UTF-8, keys included."""
    return len(text.encode()) + _OURS_GROWS * text.count(OURS)


@dataclass(frozen=True, slots=True)
class Block:
    """A heading of ours and a quoted text. `place` names what it belongs to, `step` the step it is of."""

    place: str
    rank: Rank
    heading: str
    text: str
    step: int | None = None

    @property
    def lines(self) -> str:
        return f"{OURS}{self.heading}\n{self.text}\n" if self.text else f"{OURS}{self.heading}\n"


@dataclass(frozen=True, slots=True)
class Fitted:
    """What of a transcript is shown. `missing` says what the agent did and the judge cannot see, empty when it sees all:
    outputs may be cut, deeds may not."""

    blocks: tuple[Block, ...]
    steps: frozenset[int]
    missing: str = ""


def blocks_of(transcript: Transcript, findings: Sequence[Part] = ()) -> list[Block]:
    """The whole transcript, uncut, in the order in which it is shown."""
    found = [_block("the case", part) for part in transcript.case]
    found += [_block("the prompts", part) for part in transcript.told]
    for step in transcript.steps:
        place = f"step {step.number}"
        found += [_block(place, part, f"{place}: ", step.number) for part in step.parts]
        if not step.parts:
            found.append(Block(place, "act", f"{place}: says nothing and does nothing", "", step.number))
    ended = transcript.ended.replace("_", " ")
    closing = Part(
        "act",
        f"how it ended: {ended}. What it reported to those who gave the task",
        transcript.closing or "(nothing)",
    )
    return [
        *found,
        _block("the report", closing),
        *(_block("the oracle's findings", part) for part in findings),
    ]


def _block(place: str, part: Part, prefix: str = "", step: int | None = None) -> Block:
    return Block(
        place, part.rank, prefix + part.heading, quoted(part.text.rstrip("\n")) if part.text else "", step
    )


def fit(blocks: Sequence[Block], room: int) -> Fitted:
    """As much of the blocks as `room` bytes hold."""
    every = frozenset(block.step for block in blocks if block.step is not None)
    deeds, seen = [b for b in blocks if b.rank != "seen"], [b for b in blocks if b.rank == "seen"]
    free = room - sum(size(block.lines) - size(block.text) for block in blocks)
    least_seen, least_deeds = _sum_capped(seen, _LEAST), _sum_capped(deeds, _LEAST)
    whole_deeds = sum(size(block.text) for block in deeds)
    if whole_deeds + least_seen <= free:
        return Fitted(_capped(blocks, {"seen": _cap(seen, free - whole_deeds)}), every)
    if least_deeds + least_seen <= free:
        cap = _cap(deeds, free - least_seen)
        shown = _capped(blocks, {"seen": _LEAST, "act": cap, "told": cap})
        long = [b.place for b in deeds if b.rank == "act" and size(b.text) > cap]
        return Fitted(shown, every, f"what the agent did is cut in {_listed(long)}" if long else "")
    return _middle_left_out(blocks, room, every)


def _cap(blocks: Iterable[Block], room: int) -> int:
    """The largest number of bytes that each text may keep so that all together keep within `room`."""
    sizes = sorted(size(block.text) for block in blocks)
    for number, length in enumerate(sizes):
        share = room // (len(sizes) - number)
        if length > share:
            return max(share, _LEAST)
        room -= length
    return max(sizes, default=_LEAST)


def _sum_capped(blocks: Iterable[Block], cap: int) -> int:
    return sum(min(size(block.text), cap) for block in blocks)


def _capped(blocks: Iterable[Block], caps: dict[Rank, int]) -> tuple[Block, ...]:
    return tuple(_cut(block, caps[block.rank]) if block.rank in caps else block for block in blocks)


def _cut(block: Block, cap: int) -> Block:
    limit, shorter = cap, block.text
    while size(shorter) > cap and limit:
        limit = limit * 9 // 10 if shorter is not block.text else limit - _OURS_GROWS
        shorter = cut(block.text, limit)
    return replace(block, text=shorter)


def _middle_left_out(blocks: Sequence[Block], room: int, every: frozenset[int]) -> Fitted:
    """Everything cut to the least, and steps kept from both ends in turn as long as there is room."""
    small = _capped(blocks, {"seen": _LEAST, "act": _LEAST, "told": _LEAST})
    cost = dict.fromkeys(sorted(every), 0)
    for block in small:
        if block.step is None:
            room -= size(block.lines)
        else:
            cost[block.step] += size(block.lines)
    kept: set[int] = set()
    order = list(cost)
    while order:
        step = order.pop(-1 if len(kept) % 2 == 0 else 0)
        room -= cost[step]
        if room < 200:
            order = []
        else:
            kept.add(step)
    lost = sorted(every - kept)
    note = Block("steps left out", "act", f"steps left out for want of room: {_ranges(lost)}", "", None)
    shown = [block for block in small if block.step is None or block.step in kept]
    at = next(
        (n for n, block in enumerate(shown) if block.step is not None and lost and block.step > lost[0]), None
    )
    if at is None:
        at = next(n for n, block in enumerate(shown) if block.place == "the report")
    return Fitted(
        (*shown[:at], note, *shown[at:]), frozenset(kept), f"{len(lost)} of {len(every)} steps are not shown"
    )


def _ranges(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else ", ".join(map(str, numbers))


def _listed(places: Sequence[str]) -> str:
    once = list(dict.fromkeys(places))
    return ", ".join(once[:5]) + (f" and {len(once) - 5} more" if len(once) > 5 else "")
