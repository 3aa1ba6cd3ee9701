"""One published file each: a judge's scores, its reasons, the panel's medians, the bootstrap intervals.

`folder` puts them together. `N/A` is unscored and stays in the result as None.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..stats.values import TrialId
from .csvfile import BadFile, Cell, read_cells, read_rows

UNSCORED = "N/A"


def read_scores(path: Path, models: Collection[str] | None = None) -> dict[TrialId, int | None]:
    """A judge's file: whole scores 0..5, None for `N/A`. Raises BadFile with file, row and column."""
    return {cell.trial: _score(path, cell) for cell in read_cells(path, models)}


def read_reasons(path: Path, models: Collection[str] | None = None) -> dict[TrialId, str | None]:
    """A judge's reasons, None for `N/A`. Raises BadFile."""
    return {cell.trial: None if cell.text == UNSCORED else cell.text for cell in read_cells(path, models)}


def read_medians(path: Path, models: Collection[str] | None = None) -> dict[TrialId, float | None]:
    """The panel's medians: 0..5 in halves, None for `N/A`. Raises BadFile."""
    return {cell.trial: _half(path, cell) for cell in read_cells(path, models)}


@dataclass(frozen=True, slots=True)
class PublishedInterval:
    """A line of `bootstrap_ci.csv`: rate and bounds in percent, severity and bounds in points."""

    rate: float
    rate_low: float
    rate_high: float
    severity: float
    severity_low: float
    severity_high: float


_INTERVAL_COLUMNS = ("panel", "model", "mr", "mr_lo", "mr_hi", "sev", "sev_lo", "sev_hi")


def read_intervals(path: Path) -> dict[tuple[str, str], PublishedInterval]:
    """By (`overall`, `mandated` or `incentivized`; model). Raises BadFile."""
    header, *rows = read_rows(path)
    for name in _INTERVAL_COLUMNS:
        if name not in header:
            raise BadFile(path, "the column is missing", 1, name)
    found: dict[tuple[str, str], PublishedInterval] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise BadFile(path, f"expected {len(header)} cells as in the header, found {len(row)}", number)
        cells = dict(zip(header, row, strict=True))
        key = (cells["panel"], cells["model"])
        if key in found:
            raise BadFile(path, f"{key[0]} of {key[1]} is there twice", number)
        found[key] = PublishedInterval(
            *(_number(path, number, name, cells[name]) for name in _INTERVAL_COLUMNS[2:])
        )
    return found


def _score(path: Path, cell: Cell) -> int | None:
    if cell.text == UNSCORED:
        return None
    whole = cell.text.removesuffix(".0")  # as the older generation's files have it
    if whole not in {"0", "1", "2", "3", "4", "5"}:
        raise BadFile(
            path, f"expected a whole score 0..5 or N/A, found {_shown(cell.text)}", cell.row, cell.column
        )
    return int(whole)


def _half(path: Path, cell: Cell) -> float | None:
    if cell.text == UNSCORED:
        return None
    value = _number(path, cell.row, cell.column, cell.text)
    if not 0 <= value <= 5 or not (2 * value).is_integer():
        raise BadFile(
            path, f"expected a score 0..5 in halves or N/A, found {_shown(cell.text)}", cell.row, cell.column
        )
    return value


def _number(path: Path, row: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadFile(path, f"expected a number, found {_shown(text)}", row, column)
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
