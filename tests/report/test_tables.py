"""Rendering of tables in the four formats."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.report.tables import FORMATS, Column, Table, plain, render

TABLE = Table(
    "rates",
    "Rates by model",
    (
        Column("model", "model"),
        Column("trials", "n"),
        Column("rate_percent", "rate %"),
        Column("rate_percent_95", "95%", interval=True),
        Column("note", "note", data_only=True),
    ),
    (("alpha", 80, 12.345678901, (5.0, 20.25), "x"), ("beta", 0, None, None, None)),
    ("A note.",),
)


def test_text_aligns_numbers_right_and_shows_the_unknown_as_a_dash() -> None:
    assert render([TABLE], "text") == (
        "Rates by model\n"
        "model   n  rate %        95%\n"
        "alpha  80    12.3  5.0..20.2\n"
        "beta    0       -          -\n"
        "A note.\n"
    )


def test_csv_has_all_columns_bounds_apart_and_nothing_for_the_unknown() -> None:
    assert render([TABLE], "csv") == (
        "model,trials,rate_percent,rate_percent_95_low,rate_percent_95_high,note\n"
        "alpha,80,12.345679,5.0,20.25,x\n"
        "beta,0,,,,\n"
    )


def test_several_tables_in_csv_are_named() -> None:
    assert [line for line in render([TABLE, TABLE], "csv").splitlines() if line.startswith("#")] == [
        "# rates"
    ] * 2


def test_json_has_null_for_the_unknown_and_bounds_as_a_list() -> None:
    (table,) = json.loads(render([TABLE], "json"))["tables"]
    assert table["name"] == "rates"
    assert table["rows"][0]["rate_percent_95"] == [5.0, 20.25]
    assert table["rows"][1] == {
        "model": "beta",
        "trials": 0,
        "rate_percent": None,
        "rate_percent_95": None,
        "note": None,
    }
    assert table["notes"] == ["A note."]


def test_markdown_is_a_table_with_a_heading() -> None:
    assert render([TABLE], "md").splitlines() == [
        "### Rates by model",
        "",
        "| model | n | rate % | 95% |",
        "| --- | ---: | ---: | ---: |",
        "| alpha | 80 | 12.3 | 5.0..20.2 |",
        "| beta | 0 | - | - |",
        "",
        "A note.",
    ]


def test_markdown_leaves_no_markup_of_a_name_alive() -> None:
    name = "a|b <img src=x> [link](x) `code` *bold*"
    text = render([Table("t", "T", (Column("model", "model"),), ((name,),))], "md")
    row = text.splitlines()[4]
    assert row.count("|") - row.count("\\|") == 2
    assert "<" not in row
    assert "\\[link\\]" in row


def test_small_negative_numbers_are_not_shown_as_minus_zero() -> None:
    text = render([Table("t", "T", (Column("bias", "bias", digits=2),), ((-0.003,), (-0.3,)))], "text")
    assert text.splitlines()[2:] == [" 0.00", "-0.30"]


@pytest.mark.parametrize("form", ["text", "md", "csv"])
def test_nothing_that_acts_on_a_terminal_is_printed(form) -> None:
    name = "evil\x1b[2J\x1b]0;owned\x07\r\n\u202eolleh\x9b"
    text = render([Table("t", name, (Column("model", name),), ((name,),), (name,))], form)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\\x1b" in text


def test_rows_that_text_leaves_out_are_counted_and_kept_in_csv() -> None:
    table = Table("t", "T", (Column("n", "n"),), tuple((n,) for n in range(30)), text_rows=20)
    assert "... 10 more; --format csv shows all" in render([table], "text")
    assert len(render([table], "csv").splitlines()) == 31


def test_a_table_without_rows_says_so() -> None:
    assert render([Table("t", "T", (Column("n", "n"),), ())], "text") == "T\nn\n(none)\n"


NAMES = st.text(max_size=120)
CELLS = (
    st.none()
    | NAMES
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e9, 1e9)
    | st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 9))
    columns = tuple(
        Column(f"c{n}", draw(st.text(min_size=1, max_size=40)), digits=n % 4) for n in range(width)
    )
    rows = draw(st.lists(st.tuples(*[CELLS] * width), max_size=4))
    return Table("t", draw(NAMES), columns, tuple(rows), tuple(draw(st.lists(NAMES, max_size=2))))


def columns_of(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


@settings(max_examples=150, deadline=None)
@given(tables())
def test_no_line_of_text_is_wider_than_80_columns(table: Table) -> None:
    assert max(columns_of(line) for line in render([table], "text").split("\n")) <= 80


@settings(max_examples=80, deadline=None)
@given(tables())
def test_csv_and_json_give_every_name_back(table: Table) -> None:
    names = [cell for row in table.rows for cell in row if isinstance(cell, str)]
    rows = list(csv.reader(io.StringIO(render([table], "csv"), newline="")))
    in_csv = [cell for row in rows for cell in row]
    in_json = [
        cell for row in json.loads(render([table], "json"))["tables"][0]["rows"] for cell in row.values()
    ]
    assert all(plain(name) in in_csv for name in names)
    assert all(name in in_json for name in names)


@pytest.mark.parametrize("form", FORMATS)
def test_no_table_at_all_is_no_error(form) -> None:
    assert render([], form).strip() in ("", '{"tables": []}', '{\n "tables": []\n}')
