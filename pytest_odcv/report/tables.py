"""Tables as text of 80 columns, CSV, JSON or Markdown. What the tables say is their makers' business.

Names in a table may come from a model or a stranger's file: control characters are shown escaped, never sent to the terminal.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Cell = str | int | float | tuple[float, float] | None
"""A tuple is an interval; None is unknown or undefined, shown as `-`, in CSV as nothing, in JSON as null."""

Format = Literal["text", "csv", "json", "md"]
FORMATS: tuple[Format, ...] = ("text", "csv", "json", "md")

WIDTH = 80
_GAP, _NARROWEST, _WIDEST_HEAD = "  ", 8, 24


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names the column in CSV and JSON, `head` in text and Markdown. `digits` after the point apply to floats.
    `data_only` columns are left out of text and Markdown. An interval column has bounds `<key>_low` and `<key>_high` in CSV."""

    key: str
    head: str
    digits: int = 1
    interval: bool = False
    data_only: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows have a cell for each column. `text_rows` bounds the rows that text shows; the rest is said to be left out."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    text_rows: int | None = None


def render(tables: Sequence[Table], form: Format) -> str:
    """All tables in one of the formats, ending in a newline."""
    if form == "json":
        return (
            json.dumps({"tables": [_as_json(table) for table in tables]}, indent=1, ensure_ascii=False) + "\n"
        )
    if form == "csv":
        named = len(tables) > 1
        return "\n".join((f"# {table.name}\n" if named else "") + _as_csv(table) for table in tables)
    if form == "md":
        return "\n".join(_as_markdown(table) for table in tables)
    return "\n".join(_as_text(table) for table in tables)


def _as_json(table: Table) -> dict[str, Any]:
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, map(_rounded, row), strict=True)) for row in table.rows]
    return {"name": table.name, "title": table.title, "rows": rows, "notes": list(table.notes)}


def _as_csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(key for column in table.columns for key in _csv_keys(column))
    for row in table.rows:
        writer.writerow(
            value
            for column, cell in zip(table.columns, row, strict=True)
            for value in _csv_cells(column, cell)
        )
    return out.getvalue()


def _csv_keys(column: Column) -> tuple[str, ...]:
    return (f"{column.key}_low", f"{column.key}_high") if column.interval else (column.key,)


def _csv_cells(column: Column, cell: Cell) -> tuple[Any, ...]:
    if column.interval:
        return tuple(map(_rounded, cell)) if isinstance(cell, tuple) else ("", "")
    return ("" if cell is None else plain(cell) if isinstance(cell, str) else _rounded(cell),)


def _rounded(cell: Any) -> Any:
    """Six digits are more than any of these numbers knows."""
    if isinstance(cell, tuple):
        return [_rounded(bound) for bound in cell]
    return round(cell, 6) if isinstance(cell, float) else cell


def _as_markdown(table: Table) -> str:
    heads, rows, columns = _shown(table)
    marks = ["---:" if _numeric(table, column) else "---" for column in columns]
    lines = [f"### {_escaped(table.title)}", "", _markdown_row(map(_escaped, heads)), _markdown_row(marks)]
    lines += [_markdown_row(map(_escaped, row)) for row in rows]
    lines += [line for note in table.notes for line in ("", _escaped(note))]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    """Plain text with the markup of Markdown and HTML made harmless, so that a name stays a name."""
    text = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text)


def _as_text(table: Table) -> str:
    heads, rows, columns = _shown(table)
    left_out = 0 if table.text_rows is None else max(0, len(rows) - table.text_rows)
    rows = rows[: len(rows) - left_out]
    right = [_numeric(table, column) for column in columns]
    lines = _wrapped(table.title)
    for block in _blocks(_fitted(heads, rows, right), right):
        lines += [*block, ""]
    lines.pop()
    if not rows:
        lines.append("(none)")
    if left_out:
        lines.append(f"... {left_out} more; --format csv shows all")
    lines += [line for note in table.notes for line in _wrapped(note)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _shown(table: Table) -> tuple[list[str], list[list[str]], list[int]]:
    """Heads and cells as people see them, and the positions of their columns."""
    columns = [position for position, column in enumerate(table.columns) if not column.data_only]
    heads = [_cut(plain(table.columns[position].head), _WIDEST_HEAD) for position in columns]
    rows = [[_cell(table.columns[position], row[position]) for position in columns] for row in table.rows]
    return heads, rows, columns


def _cell(column: Column, cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, tuple):
        return f"{_fixed(cell[0], column.digits)}..{_fixed(cell[1], column.digits)}"
    if isinstance(cell, float):
        return _fixed(cell, column.digits)
    return plain(str(cell))


def _fixed(value: float, digits: int) -> str:
    """Fixed point, without a minus before zero."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def plain(text: str) -> str:
    """The text on one line without anything that acts on a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _numeric(table: Table, position: int) -> bool:
    return all(not isinstance(row[position], str) for row in table.rows) and bool(table.rows)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str) -> list[str]:
    """The text in lines of at most 80 columns; a word that is longer is broken."""
    lines = [""]
    for word in plain(text).split():
        if lines[-1] and _width(lines[-1]) + 1 + _width(word) <= WIDTH:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for character in word:
            if _width(lines[-1] + character) > WIDTH:
                lines.append("")
            lines[-1] += character
    return [line for line in lines if line]


def _fitted(heads: list[str], rows: list[list[str]], right: Sequence[bool]) -> list[list[str]]:
    """Head and rows, with the widest columns of text cut in the middle until a line fits or nothing is left to cut."""
    lines = [heads, *rows]
    widths = [max(_width(line[position]) for line in lines) for position in range(len(heads))]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > WIDTH:
        wide = [
            position for position, width in enumerate(widths) if not right[position] and width > _NARROWEST
        ]
        if not wide:
            break
        widths[max(wide, key=lambda position: widths[position])] -= 1
    return [[_cut(cell, width) for cell, width in zip(line, widths, strict=True)] for line in lines]


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    head, tail = text, ""
    keep = width - 2
    while _width(head) > (keep + 1) // 2:
        head = head[:-1]
    for character in reversed(text):
        if _width(character + tail) > keep // 2:
            break
        tail = character + tail
    return f"{head}..{tail}"


def _blocks(lines: list[list[str]], right: Sequence[bool]) -> list[list[str]]:
    """The lines, aligned; a table too wide for a line continues below with its first column repeated."""
    widths = [max(_width(line[position]) for line in lines) for position in range(len(lines[0]))]
    groups: list[list[int]] = [[0]]
    for position in range(1, len(widths)):
        if sum(widths[p] + len(_GAP) for p in groups[-1]) + widths[position] > WIDTH and len(groups[-1]) > 1:
            groups.append([0])
        groups[-1].append(position)
    return [
        [_GAP.join(_aligned(line[p], widths[p], right[p]) for p in group) for line in lines]
        for group in groups
    ]


def _aligned(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
