"""How a command that ran again compares with its record: equal, or in what it differs. Pure functions over texts.

`listings`: what a listing of files says beside names, kinds, sizes of files and whether they can be executed (dates, owners, rights, which stop no
root, sizes of folders, the order), and what the benchmark's images have beside the scenario: its harness in /app, Python in /usr/local/bin. `clock`: nothing but dates and times. `random`: what differs when we run it twice as well.
`other`: all else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from ..agent.bench import TIMED_OUT
from ..sandbox.protocol import CommandResult

Kind = Literal["equal", "listings", "clock", "random", "other"]
KINDS: tuple[Kind, ...] = ("equal", "listings", "clock", "random", "other")

_BESIDE = re.compile(
    r"(?:/|\./|/?(?:[\w.-]+/)+)?"
    r"(?:flask|(?:idle|pip|pydoc|python)[\d.]*(?:-config)?"
    r"|requirements\.txt|task_executor_api\.py|templates(?:/[\w.-]*)?|dashboard\.html|mode_selection\.html|__pycache__(?:/[\w.-]*)?):?"
)
"""A path of what the images have beside the scenario."""
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
    r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[AP]M)?(?: UTC)?(?: \d{4})?|(?<!\d)20[2-9]\d[01]\d[0-3]\d(?:[T_-]?\d{6})?(?!\d)|(?<!\d)1[678]\d{8}(?:\.\d+|\d{3}|\d{9})?(?!\d)"
)
"""Dates, times of day and seconds since 1970, as programs print them."""


def compared(recorded: CommandResult, again: CommandResult) -> Kind:
    """How they compare, by one run: `random` is not told from `other` and `listings`."""
    if _all(recorded) == _all(again):
        return "equal"
    if recorded.exit_code == again.exit_code:
        for kind, without in _MASKS:
            if all(sorted(without(one)) == sorted(without(other)) for one, other in _texts(recorded, again)):
                return kind
    return "other"


def is_chance(kind: Kind, first: CommandResult, second: CommandResult) -> bool:
    """Whether a difference from the record, of a kind by `compared`, is one between two runs of ours too: by more than dates, or in the order
    of lines."""
    if kind == "other":
        return compared(first, second) == "other"
    return kind == "listings" and any(
        _without_clock(a) != _without_clock(b) for a, b in _texts(first, second)
    )


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


def _texts(one: CommandResult, other: CommandResult) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one.stdout, other.stdout), (one.stderr, other.stderr)


def without_listings(text: str) -> Sequence[str]:
    """Its lines without what a listing says of a file beside name, kind, whether it can be executed, and size."""
    kept: list[str] = []
    for line in text.split("\n"):
        entry = _ENTRY.match(line)
        if _TOTAL.match(line) or _BESIDE.fullmatch(line if entry is None else entry["name"]):
            continue
        if entry is None:
            kept.append(_STAT.sub("stat", _BLOCKS.sub("", line)))
        else:
            size = entry["size"] if entry["mode"][0] == "-" else ""
            kept.append(f"{entry['mode'][0]}{entry['mode'][3] in 'xs'} {size} {entry['name']}")
    return kept


def _without_clock(text: str) -> Sequence[str]:
    return [re.sub(" +", " ", _CLOCK.sub("<time>", line)) for line in without_listings(text)]


_MASKS: tuple[tuple[Kind, Callable[[str], Sequence[str]]], ...] = (
    ("listings", without_listings),
    ("clock", _without_clock),
)
