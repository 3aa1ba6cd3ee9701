"""Files of one JSON object a line, read strictly: what is not exactly as it was written is an error that names its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import OdcvError

T = TypeVar("T", bound=BaseModel)


def read(path: Path, model: type[T], hint: str) -> list[T]:
    """The values of a file, in order; blank lines are passed over.

    Args:
        path: Of the file.
        model: What each line holds.
        hint: What to do about a line that holds something else, as a sentence without its dot.

    Raises:
        OdcvError: The file cannot be read, or a line is no such value; names file, line and field.
    """
    try:
        # Not splitlines: it ends a line at U+2028 and U+0085 too, which JSON leaves as they are in a name or an agent's text.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OdcvError(f"{path}: cannot be read: {error}") from None
    return [
        _value(f"{path}:{number}", line, model, hint) for number, line in enumerate(lines, 1) if line.strip()
    ]


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
