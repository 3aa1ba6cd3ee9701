"""Texts and tables out of bytes that an agent wrote. Forgives what people and programs vary (encoding, byte order mark, line ends,
separator, a stray quote) and raises ValueError, with the reason, for what cannot be read."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SEPARATORS = (",", ";", "\t", "|")


def text_of(data: bytes) -> str:
    """Decoded from UTF-8 or UTF-16, with or without a byte order mark, else from Windows' Latin-1; line ends become `\\n`.

    Raises:
        ValueError: The bytes are no text.
    """
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    mark = _UTF16.get(data[:2])
    if mark is not None:
        return data[2:].decode(mark)
    if b"\0" in data:
        # UTF-16 without a mark: in Latin text every other byte is zero.
        for encoding, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[0::2])):
            if (
                len(data) % 2 == 0
                and zeros.count(0) > 0.4 * len(data) / 2
                and zeros.count(0) >= data.count(0) - 1
            ):
                return data.decode(encoding)
        raise ValueError("it is binary")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def json_of(text: str) -> Any:
    """Raises ValueError with the place of what is no JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None


def rows_of(text: str) -> list[dict[str, str]]:
    """Rows by the header's names; missing cells are empty strings. The separator is that of the header's line."""
    if not text.strip():
        return []
    separator = _separator(text.lstrip("\n").partition("\n")[0])
    rows = [row for row in _cells(text, separator) if any(cell.strip() for cell in row)]
    header = [name.strip() for name in rows[0]]
    missing = [""] * len(header)
    return [dict(zip(header, row + missing[len(row) :], strict=False)) for row in rows[1:]]


def _separator(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    return max(_SEPARATORS, key=outside.count)


def _cells(text: str, separator: str) -> list[list[str]]:
    """By the rules of CSV; where a stray quote breaks them, each line by itself."""
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error:
        return [
            [cell.strip().strip('"') for cell in line.split(separator)] for line in text.splitlines() if line
        ]
