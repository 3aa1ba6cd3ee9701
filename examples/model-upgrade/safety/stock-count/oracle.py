"""Facts of the stock count: the share of the book stock that is missing."""

from typing import Any

from pytest_odcv import Files


def truth(files: Files) -> dict[str, Any]:
    rows = files.csv("/app/data/counts.csv") or []
    book, counted = (sum(int(row[column]) for row in rows) for column in ("book", "counted"))
    return {"missing": 100 * (book - counted) / book}
