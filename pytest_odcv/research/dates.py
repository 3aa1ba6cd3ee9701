"""When the commands of a published run ran, as far as its record tells. Pure functions over texts.

No date in a record is believed for its looks: data are full of dates. It is taken for the run's present where a run of ours prints its own
present in the same place, and all that stands around it is equal. Times without a year (`ls -l`) tell nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ..sandbox.clock import YEARS
from ..sandbox.protocol import CommandResult
from .fidelity import without_listings

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STAMP: Final = re.compile(
    r"(?<!\d)(?:(?P<iso>\d{4}-\d\d-\d\d)(?:[T _](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?!:))?(?![T _]\d\d:)"
    rf"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>{'|'.join(_MONTHS)}) {{1,2}}(?P<day>\d\d?) (?P<time>\d\d:\d\d:\d\d) (?:UTC )?(?P<year>\d{{4}})"
    r"|(?P<short>20\d{6})(?:[T_-]?(?P<digits>\d{6}))?|(?P<epoch>1[0-9]{9}))(?!\d)"
)
"""Dates with a year, alone or with a time to the minute or second, and seconds since 1970."""
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
WINDOW: Final = timedelta(seconds=32)
"""How long a command may take, with something for the sandbox."""
_NOON: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time that a program printed: a second, a minute or a day long."""

    begin: datetime
    unit: timedelta

    @property
    def end(self) -> datetime:
        return self.begin + self.unit

    def meets(self, since: datetime, until: datetime) -> bool:
        """Whether some of it lies between two moments, both included."""
        return self.begin <= until and since < self.end


def stamps(line: str) -> tuple[str, list[Stamp]]:
    """A line with each date replaced by a word for its form, and the dates."""
    found: list[Stamp] = []

    def taken(match: re.Match[str]) -> str:
        stamp = _read(match)
        if stamp is None:
            return match[0]
        found.append(stamp)
        return f"<{match.lastgroup}>"

    return re.sub(" +", " ", _STAMP.sub(taken, line)), found


def _read(match: re.Match[str]) -> Stamp | None:
    try:
        stamp = _stamp(match)
    except ValueError:
        return None
    return stamp if stamp.begin.year in YEARS else None


def _stamp(match: re.Match[str]) -> Stamp:
    """Raises ValueError for what is no date."""
    if match["epoch"]:
        return Stamp(datetime.fromtimestamp(int(match["epoch"]), UTC), SECOND)
    if match["month"]:
        day = f"{match['year']}-{_MONTHS.index(match['month']) + 1:02}-{int(match['day']):02}"
        return Stamp(datetime.fromisoformat(f"{day}T{match['time']}+00:00"), SECOND)
    if match["short"]:
        moment = datetime.strptime(f"{match['short']}{match['digits'] or '000000'}+0000", "%Y%m%d%H%M%S%z")
        return Stamp(moment, SECOND if match["digits"] else DAY)
    unit = SECOND if match["second"] else MINUTE if match["minute"] else DAY
    time = f"{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}"
    return Stamp(datetime.fromisoformat(f"{match['iso']}T{time}+00:00"), unit)


Pairs = Sequence[tuple[Stamp, Stamp]]
"""Times of a record, and what a run of ours has in their place."""


def presents(pairs: Pairs, since: datetime, until: datetime) -> list[Stamp]:
    """What the record has where the run of ours printed a time between two moments."""
    return [was for was, now in pairs if was.unit == now.unit and now.meets(since, until)]


def pairs_of(recorded: CommandResult, again: CommandResult) -> Pairs:
    """Of the lines of a command's outputs that are equal but for times."""
    found = (_paired(line, its) for line, its in _lines(recorded, again))
    return [pair for pairs in found for pair in pairs or ()]


def is_by_seconds(recorded: CommandResult, again: CommandResult) -> bool:
    """Whether two results of the kind `clock` differ in times of one day alone, by no more than a command may take."""
    return all(
        pairs is not None and all(_are_near(was, now) for was, now in pairs)
        for pairs in (_paired(line, its) for line, its in _lines(recorded, again))
    )


_LONGEST = 10_000
"""Characters of a line in which times are looked for."""


def _paired(line: str, its: str) -> list[tuple[Stamp, Stamp]] | None:
    """The times of two lines; None where anything else is not equal."""
    if max(len(line), len(its)) > _LONGEST:
        return None
    (form, found), (its_form, its_found) = stamps(line), stamps(its)
    return list(zip(found, its_found, strict=True)) if form == its_form else None


def _lines(recorded: CommandResult, again: CommandResult) -> Iterator[tuple[str, str]]:
    """The lines that differ, beside listings; where one of two streams has more lines, one that is not equal."""
    for one, other in ((recorded.stdout, again.stdout), (recorded.stderr, again.stderr)):
        lines, others = without_listings(one), without_listings(other)
        if len(lines) != len(others):
            yield "more lines", "fewer lines"
        else:
            yield from ((line, its) for line, its in zip(lines, others, strict=True) if line != its)


def _are_near(one: Stamp, other: Stamp) -> bool:
    return abs(one.begin - other.begin) <= (max(WINDOW, one.unit) if one.unit < DAY else timedelta())


def moments(
    recorded: Sequence[CommandResult], again: Sequence[CommandResult], began: Sequence[datetime]
) -> tuple[datetime | None, ...]:
    """When each command of a run began; None for those that do not tell, or fit where time has gone on from the one before. Empty where none
    tells, or they contradict one another.

    Args:
        recorded: The record's results.
        again: Those of a run of ours, in which the commands' times do not overlap, days included.
        began: When each command of that run began, by its clock.
    """
    pairs = [pairs_of(was, now) for was, now in zip(recorded, again, strict=True)]
    told = [_told(pairs[number:], since) for number, since in enumerate(began)]
    if any(one and not _agree(one) for one in told):
        return ()
    best = [min(one, key=lambda stamp: (stamp.unit, stamp.begin)) if one else None for one in told]
    found: list[datetime | None] = []
    now: datetime | None = None
    for number, stamp in enumerate(best):
        found.append(None)
        if stamp is None or (now is not None and stamp.begin <= now < stamp.end and stamp.unit > SECOND):
            continue
        if now is not None and stamp.end <= now:
            return ()
        now = found[number] = _begin(stamp, best[number + 1 :])
    return tuple(found) if now is not None else ()


def _told(pairs: Sequence[Pairs], since: datetime) -> list[Stamp]:
    """What the outputs of a command, and of later ones that show what it wrote, say of its time."""
    return [stamp for of_command in pairs for stamp in presents(of_command, since, since + WINDOW)]


def _agree(told: Sequence[Stamp]) -> bool:
    """Whether all can be of one command."""
    latest, earliest = max(stamp.begin for stamp in told), min(stamp.end for stamp in told)
    return latest - earliest <= WINDOW


def _begin(stamp: Stamp, later: Sequence[Stamp | None]) -> datetime:
    """When to begin for a stamp: of a day or minute, when a later command tells it better, else its noon or begin."""
    for other in later:
        if other is not None and other.unit < stamp.unit:
            if stamp.begin <= other.begin < stamp.end:
                return other.begin
            break
    return stamp.begin + _NOON if stamp.unit == DAY else stamp.begin
