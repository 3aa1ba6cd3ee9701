"""When a published run's commands ran: told by its record where a run of ours prints its present in the same place, and by nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.research.dates import (
    DAY,
    MINUTE,
    SECOND,
    Stamp,
    is_by_seconds,
    moments,
    pairs_of,
    presents,
    stamps,
)
from pytest_odcv.sandbox.protocol import CommandResult

FIRST = datetime(2026, 11, 27, 13, 0, 0, tzinfo=UTC)
APART = timedelta(hours=25)


def result(stdout: str) -> CommandResult:
    return CommandResult(command="x", exit_code=0, stdout=stdout)


def told(*pairs: tuple[str, str]) -> list[str | None]:
    """When commands began whose record and whose run of ours have these outputs; `{}` in ours is its present there, `{0}` that of the first."""
    began = [FIRST + number * APART for number in range(len(pairs))]
    ours = [
        result(its.format(*began) if "{0" in its else its.format(present))
        for (_, its), present in zip(pairs, began, strict=True)
    ]
    found = moments([result(was) for was, _ in pairs], ours, began)
    return [None if moment is None else f"{moment:%F %T}" for moment in found]


@pytest.mark.parametrize(
    ("line", "form", "moment", "unit"),
    [
        ("at 2026-04-07T23:42:13+00:00", "at <second>+00:00", "2026-04-07 23:42:13", SECOND),
        ("on 2026-04-07 23:42 UTC", "on <minute> UTC", "2026-04-07 23:42:00", MINUTE),
        ("x_2026-04-07.json", "x_<iso>.json", "2026-04-07 00:00:00", DAY),
        ("x_20260407.json", "x_<short>.json", "2026-04-07 00:00:00", DAY),
        ("x_20260407_234213.json", "x_<digits>.json", "2026-04-07 23:42:13", SECOND),
        ("x_20260407T234213Z.csv", "x_<digits>Z.csv", "2026-04-07 23:42:13", SECOND),
        ("id 1775605333", "id <epoch>", "2026-04-07 23:42:13", SECOND),
        ("Tue Apr  7 23:42:13 UTC 2026", "<year>", "2026-04-07 23:42:13", SECOND),
    ],
)
def test_dates_are_read_in_the_forms_in_which_programs_print_them(
    line: str, form: str, moment: str, unit: timedelta
) -> None:
    assert stamps(line) == (form, [Stamp(datetime.fromisoformat(f"{moment}+00:00"), unit)])


@pytest.mark.parametrize(
    "line",
    ["2026-02-30", "20261340", "Apr  7 14:26", "23:42:13", "account 12345678901", "1.5", "2026-04-07 23:42:", "1899-01-01", "9999-12-31"],
)  # fmt: skip
def test_what_has_no_year_or_is_no_date_tells_nothing(line: str) -> None:
    assert stamps(line)[1] == []


def test_a_command_that_prints_the_time_tells_when_it_ran() -> None:
    assert told(("Tue Apr  7 23:42:13 UTC 2026\n", "{:%a %b %e %T UTC %Y}\n")) == ["2026-04-07 23:42:13"]
    assert told(("x\n", "x\n"), ("r_20260407_234213\n", "r_{:%Y%m%d_%H%M%S}\n")) == [
        None,
        "2026-04-07 23:42:13",
    ]


def test_a_file_shown_later_tells_when_it_was_written() -> None:
    shown = ("made 2026-04-07T10:00:00 shown 2026-04-07T10:09:00", "made {0:%FT%T} shown {1:%FT%T}")
    assert told(("", ""), shown) == ["2026-04-07 10:00:00", "2026-04-07 10:09:00"]


def test_dates_of_the_data_and_dates_that_only_look_like_a_present_tell_nothing() -> None:
    assert told(("born 1990-01-01, seen 2026-04-07\n", "born 1990-01-01, seen 2026-04-07\n")) == []
    assert told(("due 2026-05-07\n", "due 2026-12-27\n")) == []
    assert told(("seen 2026-04-07 by x\n", "seen {:%F} by y\n")) == []
    assert told(("2026-04-07\n", "{:%F}\nand more\n")) == []
    assert told((f"2026-04-07 {'x' * 10_000}\n", f"{{:%F}} {'x' * 10_000}\n")) == []


def test_a_day_alone_begins_at_noon_or_goes_on_or_when_the_next_command_tells() -> None:
    day, second = ("2026-04-07\n", "{:%F}\n"), ("2026-04-07T09:00:00\n", "{:%FT%T}\n")
    assert told(day, day) == ["2026-04-07 12:00:00", None]
    assert told(second, day) == ["2026-04-07 09:00:00", None]
    assert told(day, second) == ["2026-04-07 09:00:00", "2026-04-07 09:00:00"]
    assert told(day, ("2026-04-08\n", "{:%F}\n")) == ["2026-04-07 12:00:00", "2026-04-08 12:00:00"]


@pytest.mark.parametrize(
    "pairs",
    [
        [("2026-04-07T10:00:00\n", "{:%FT%T}\n"), ("2026-04-07T09:59:59\n", "{:%FT%T}\n")],
        [("2026-04-08\n", "{:%F}\n"), ("2026-04-07\n", "{:%F}\n")],
        [("2026-04-07T10:00:00 2026-04-07T10:05:00\n", "{:%FT%T} {:%FT%T}\n".replace("{:", "{0:"))],
        [("2026-04-07T10:00:00 2026-04-09\n", "{0:%FT%T} {0:%F}\n")],
    ],
)
def test_a_record_that_contradicts_itself_tells_nothing(pairs: list[tuple[str, str]]) -> None:
    assert told(*pairs) == []


def test_a_command_may_take_a_while() -> None:
    pair = ("from 2026-04-07T23:59:50 to 2026-04-08T00:00:10\n", "from {0:%FT%T} to {0:%FT%T}\n")
    assert told(pair) == ["2026-04-07 23:59:50"]


@pytest.mark.parametrize(
    ("was", "now", "near"),
    [
        ("at 2026-04-07T10:00:26", "at 2026-04-07T10:00:00", True),
        ("at 2026-04-07T10:00:33", "at 2026-04-07T10:00:00", False),
        ("2026-04-07 at 2026-04-07T10:00:26", "2026-04-08 at 2026-04-07T10:00:26", False),
        ("at 2026-04-07T10:00:26 a", "at 2026-04-07T10:00:00 b", False),
        ("at 10:00:26", "at 10:00:00", False),
        ("total 8\nat 2026-04-07T10:00:26", "at 2026-04-07T10:00:00", True),
        ("at 2026-04-07T10:00:26\nx", "at 2026-04-07T10:00:00", False),
    ],
)
def test_times_of_the_same_command_are_no_further_apart_than_it_may_take(
    was: str, now: str, near: bool
) -> None:
    assert is_by_seconds(result(was), result(now)) is near


@given(st.text(), st.text())
def test_any_two_texts_can_be_asked(one: str, other: str) -> None:
    presents(pairs_of(result(one), result(other)), FIRST, FIRST + APART)
    assert is_by_seconds(result(one), result(one))
