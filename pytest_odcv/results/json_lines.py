"""Files of one JSON object a line, read strictly: what is not exactly as it was written is an error that names its line."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import OdcvError

T = TypeVar("T", bound=BaseModel)


def read(path: Path, model: type[T], hint: str) -> list[T]:
    """The values of a file, in order, see `numbered`."""
    return [value for _, value in numbered(path, model, hint)]


def numbered(path: Path, model: type[T], hint: str) -> list[tuple[int, T]]:
    """The values of a file with the numbers of their lines, from 1, in order; blank lines are passed over.

    Args:
        path: Of the file.
        model: What each line holds.
        hint: What to do about a line that holds something else, as a sentence without its dot.

    Raises:
        OdcvError: The file cannot be read, or a line is no such value; names file, line and field.
    """
    try:
        # Not splitlines: it ends a line at U+2028 and U+0085 too, which JSON leaves as they are in a name or an agent's text.
        lines = _text(path.read_bytes()).split("\n")
    except OSError as error:
        raise OdcvError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise OdcvError(f"{path}: cannot be read: {error}") from None
    return [
        (number, _value(f"{path}:{number}", line, model, hint))
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def _text(data: bytes) -> str:
    """As UTF-8, or what the byte order mark says: Windows' shells write one, as UTF-16 too. Files put together have several."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8")
    return "\n".join(line.removeprefix("\ufeff") for line in text.split("\n"))


def _value(place: str, line: str, model: type[T], hint: str) -> T:
    try:
        json.loads(line, object_pairs_hook=_without_doubles)
        return model.model_validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        found = "" if first["type"] in ("missing", "json_invalid") else f", found {_short(first['input'])}"
        raise OdcvError(f"{place}: {where}: {first['msg']}{found}. {hint}") from None
    except (ValueError, RecursionError) as error:
        raise OdcvError(f"{place}: {error}. {hint}") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} comes twice")
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
