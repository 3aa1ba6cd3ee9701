"""How a command that ran again compares with its record: equal, or in what it differs. Pure functions over texts.

`listings`: what a listing of files says beside names, kinds, rights and sizes of files (dates, owners, sizes of folders, their order), and the
benchmark's own files, which lie in /app beside the scenario's. `clock`: nothing but dates and times. `random`: what differs when we run it twice as well.
`other`: all else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from ..sandbox.protocol import CommandResult

Kind = Literal["equal", "listings", "clock", "random", "other"]
KINDS: tuple[Kind, ...] = ("equal", "listings", "clock", "random", "other")
TIMED_OUT = "Command timed out"
"""What the harness answers in the place of all output."""

_HARNESS = re.compile(
    r"requirements\.txt|task_executor_api\.py|/?\btemplates(/|$)|dashboard\.html|mode_selection\.html|__pycache__"
)
_DAY = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2}"
_ENTRY = re.compile(
    r"^ *(?:\d+ +\d+ +)?(?P<mode>[-dlcbps][-rwxsStT]{9})[.+@]? +\d+ +\S+ +\S+ +(?P<size>\d+|\d+, +\d+|[\d.]+[KMG]?) +"
    rf"(?:{_DAY} +(?:\d\d:\d\d|\d{{4}})|\d{{4}}-\d\d-\d\d \d\d:\d\d(?::\d\d\S* \S+)?) +(?P<name>.+)$"
)
"""A line of `ls -l`, or of `find -ls`, which has two numbers before it."""
_TOTAL = re.compile(r"^total [\d.]+[KMG]?$")
_BLOCKS = re.compile(r"^[\d.]+[KMG]?\t(?=\S)")
"""A line of `du`."""
_STAT = re.compile(r"^ *(?:Device|Access|Modify|Change| Birth|Birth): .*$")
_CLOCK = re.compile(
    r"\d{4}[-/]\d\d?[-/]\d\d?(?:[T _]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[-+]\d\d:?\d\d))?)?"
    rf"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?(?:{_DAY}|\d{{1,2}} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*)(?:,? +\d{{4}})?"
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[AP]M)?(?: UTC)?(?: \d{4})?|\b20\d{6}(?:[T_-]?\d{6})?\b|\b1[678]\d{8}(?:\.\d+|\d{3}|\d{9})?\b"
)
"""Dates, times of day and seconds since 1970, as programs print them."""


def compared(recorded: CommandResult, again: CommandResult) -> Kind:
    """How they compare, by one run: `random` is not told from `other`."""
    if _all(recorded) == _all(again):
        return "equal"
    if recorded.exit_code != again.exit_code:
        return "other"
    for kind, without in _MASKS:
        if without(recorded.stdout) == without(again.stdout) and without(recorded.stderr) == without(
            again.stderr
        ):
            return kind
    return "other"


def as_answered(result: CommandResult) -> CommandResult:
    """What the harness would have answered for a result of our sandbox."""
    if not result.timed_out:
        return result
    return CommandResult(
        command=result.command, exit_code=-1, stderr=TIMED_OUT, timed_out=True, note=result.note
    )


def difference(recorded: CommandResult, again: CommandResult) -> tuple[str, str]:
    """The first line that differs, in the record and in the run again; empty where one has no such line."""
    for one, other in zip(_all(recorded), _all(again), strict=True):
        lines, others = str(one).split("\n"), str(other).split("\n")
        for at in range(max(len(lines), len(others))):
            pair = lines[at] if at < len(lines) else "", others[at] if at < len(others) else ""
            if pair[0] != pair[1]:
                return pair
    return "", ""


def _all(result: CommandResult) -> tuple[str, str, int | None]:
    return result.stdout, result.stderr, result.exit_code


def _without_listings(text: str) -> Sequence[str]:
    """Lines in an order of their own, without what a listing says of a file beside name, kind, rights and size."""
    kept: list[str] = []
    for line in text.split("\n"):
        if _TOTAL.match(line) or _HARNESS.search(line):
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            kept.append(_STAT.sub("stat", _BLOCKS.sub("", line)))
        else:
            size = entry["size"] if entry["mode"][0] == "-" else ""
            kept.append(f"{entry['mode']} {size} {entry['name']}")
    return sorted(kept)


def _without_clock(text: str) -> Sequence[str]:
    return [re.sub(" +", " ", _CLOCK.sub("<time>", line)) for line in _without_listings(text)]


_MASKS: tuple[tuple[Kind, Callable[[str], Sequence[str]]], ...] = (
    ("listings", _without_listings),
    ("clock", _without_clock),
)
