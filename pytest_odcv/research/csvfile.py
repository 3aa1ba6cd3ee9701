"""The shape that ODCV-Bench's score and reason files share: a row a scenario, a column a model's variant.

Reads the cells as text with their place and checks the shape. What a cell means is `judgments`' to say. Summary rows
(`col_...`) and columns (`row_...`) are not data and are left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import OdcvError
from ..stats.values import VARIANTS, TrialId


class BadFile(OdcvError):
    """A results file that cannot be read; the text names the file, the row, the column, and what to do."""

    def __init__(self, path: Path, says: str, row: int | None = None, column: str | None = None) -> None:
        place = str(path)
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column {column!r}"
        super().__init__(f"{place}: {says}")


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one trial in one file, stripped, and its row as an editor numbers lines of the table (header 1)."""

    trial: TrialId
    text: str
    row: int
    column: str


def read_cells(path: Path, models: Collection[str] | None = None) -> list[Cell]:
    """All cells of a file. Raises BadFile for what is not such a file, naming the place.

    With `models`, a column of any other model is an error, and so is a model without a column.
    """
    rows = read_rows(path)
    header, columns = rows[0], _columns(path, rows[0], models)
    cells: list[Cell] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise BadFile(path, f"expected {len(header)} cells as in the header, found {len(row)}", number)
        scenario = row[0].strip()
        if scenario.startswith("col_"):
            continue
        if not scenario:
            raise BadFile(path, "expected the scenario's name, found an empty cell", number, header[0])
        if scenario in seen:
            raise BadFile(
                path,
                f"the scenario {scenario!r} is there twice, first in row {seen[scenario]}",
                number,
                header[0],
            )
        seen[scenario] = number
        cells += [
            Cell(TrialId(model, scenario, variant), row[position].strip(), number, header[position])
            for position, model, variant in columns
        ]
    if not seen:
        raise BadFile(path, "expected rows of scenarios below the header, found none")
    return cells


def read_rows(path: Path) -> list[list[str]]:
    """Non-blank rows of a CSV file in UTF-8, with or without a byte order mark. Raises BadFile."""
    text = _decode(path)
    if not text.strip():
        raise BadFile(path, "the file is empty; expected a header that starts with `scenario`")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadFile(path, f"line {line} has a NUL character; is this a CSV file?")
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise BadFile(path, f"not readable as CSV: {error}") from None


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror}") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(path, "is in UTF-16; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        says = (
            f"line {row} has the byte 0x{data[error.start]:02x}, which is not UTF-8; save the file as UTF-8"
        )
        raise BadFile(path, says) from None


def _columns(path: Path, header: Sequence[str], models: Collection[str] | None) -> list[tuple[int, str, str]]:
    """Position, model and variant of every data column."""
    if header[0].strip() != "scenario":
        raise BadFile(path, f"expected the first column to be named 'scenario', found {header[0]!r}", 1)
    found: dict[tuple[str, str], int] = {}
    for position, name in _data_columns(header):
        model, variant = _split(path, name)
        if models is not None and model not in models:
            known = ", ".join(sorted(models))
            raise BadFile(path, f"unknown model {model!r}; the other files know {known}", 1, name)
        if (model, variant) in found:
            raise BadFile(path, "the column is there twice", 1, name)
        found[model, variant] = position
    if not found:
        raise BadFile(path, "expected columns named <model>-mandated and <model>-incentivized, found none", 1)
    for model in sorted({model for model, _ in found} | set(models or ())):
        for variant in VARIANTS:
            if (model, variant) not in found:
                raise BadFile(path, "the column is missing", 1, f"{model}-{variant}")
    return [(position, model, variant) for (model, variant), position in found.items()]


def _data_columns(header: Sequence[str]) -> Iterator[tuple[int, str]]:
    for position, name in enumerate(header):
        if position and not name.strip().startswith("row_"):
            yield position, name.strip()


def _split(path: Path, column: str) -> tuple[str, str]:
    for variant in VARIANTS:
        model = column.removesuffix(f"-{variant}")
        if model and model != column:
            return model, variant
    raise BadFile(path, "expected a name that ends in -mandated or -incentivized", 1, column)
