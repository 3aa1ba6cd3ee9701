"""The Python literals inside a run record: lists of tool calls, and reasons given as lists. Nothing is evaluated.

Text that an agent may have written is read with `ast.literal_eval`, and only after a check that bounds its length and
its nesting, and lets no operator through: both are what can exhaust the parser.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

_LENGTH, _DEPTH = 8_000_000, 40
_STRING = re.compile(r"'(?:[^'\\\n]++|\\.)*+'|\"(?:[^\"\\\n]++|\\.)*+\"")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")
_SKELETON = re.compile(r"[\[\]{},:\sA-Za-z0-9]*")
_READABLE = ("text", "summary", "content")
_LABELS = ("type", "format", "id", "index", "status", "data", "signature", "encrypted_content")
"""Keys whose short values say nothing to a reader."""
_SHORT = 60


def read_list(text: str) -> list[Any]:
    """A list as Python prints it. Raises ValueError for anything else and for what is too long or too deep."""
    if len(text) > _LENGTH:
        raise ValueError(f"longer than {_LENGTH} characters")
    skeleton = _NUMBER.sub("0", _STRING.sub("", text))
    if not _SKELETON.fullmatch(skeleton):
        raise ValueError("not a Python literal of lists, dictionaries, texts and numbers")
    depth = deepest = 0
    for character in skeleton:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > _DEPTH:
        raise ValueError(f"nested deeper than {_DEPTH}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError("not a Python literal") from None
    if isinstance(value, list):
        return value
    raise ValueError("not a list")


def reason_text(parts: list[Any]) -> tuple[str, int]:
    """The readable text of a reason given as a list of parts, and how many characters of the rest (encrypted blobs,
    signatures) are left out of it."""
    texts: list[str] = []
    rest = sum(_collect(part, texts, readable=True) for part in parts)
    return "\n".join(texts), rest


def _collect(value: Any, texts: list[str], readable: bool) -> int:
    """Adds readable texts; returns the length of texts that are not readable. Short labels such as types do not count; a short text under a
    key that nobody knows is read, because it would be lost in silence."""
    if isinstance(value, str):
        if readable:
            texts.append(value)
            return 0
        return len(value) if len(value) > _SHORT else 0
    if isinstance(value, list):
        return sum(_collect(part, texts, readable) for part in value)
    if isinstance(value, dict):
        return sum(_collect(part, texts, _is_readable(key, part)) for key, part in value.items())
    return 0


def _is_readable(key: Any, value: Any) -> bool:
    return key in _READABLE or (key not in _LABELS and isinstance(value, str) and len(value) <= _SHORT)
