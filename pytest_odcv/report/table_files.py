"""Results as files of a table: CSV by the standard library, Parquet by pyarrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from ..errors import UsageProblem
from ..results.rows import COLUMNS, row
from ..results.trial_result import TrialResult

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet takes for a formula."""


def csv_of(results: Iterable[TrialResult]) -> bytes:
    """UTF-8 with a head line. What is unknown is empty; truth values are true and false. A text that a spreadsheet would take for a formula
    has an apostrophe before it, because agents and models wrote some of them."""
    written = io.StringIO(newline="")
    table = csv.writer(written, lineterminator="\n")
    table.writerow(column.name for column in COLUMNS)
    for result in results:
        table.writerow(map(_cell, row(result).values()))
    return written.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if value is None else repr(value)


def parquet_of(results: Iterable[TrialResult]) -> bytes:
    """Typed columns; what is unknown is null. Raises UsageProblem without the extra."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageProblem("Parquet needs the extra parquet: pip install 'pytest-odcv[parquet]'") from None
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(column.name, types[column.type]) for column in COLUMNS])
    rows = [row(result) for result in results]
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), sink, compression="zstd")
    return sink.getvalue()
