"""Texts that are JSON are cleaned string by string, as values: escaped, a line end is two characters, and a rule would read on across it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from .values import spelled

_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*+:)?')


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or list."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def in_strings(
    text: str, clean: Callable[[str], str], is_keyed: Callable[[str, str], bool], mark: str
) -> str:
    """A JSON text with its strings cleaned and everything else as it was written.

    Args:
        text: An object or a list.
        clean: What becomes of a string, keys among them.
        is_keyed: Whether the string that follows a key is a secret for the key's name.
        mark: What then stands for it.
    """
    key = ""

    def cleaned(match: re.Match[str]) -> str:
        nonlocal key
        value = json.loads(f'"{match[1]}"')
        new = (
            mark if key and not match[2] and is_keyed(key, value) and clean(value) == value else clean(value)
        )
        key = value if match[2] else ""
        # A lone surrogate is an escape in JSON and must become one again: no file can hold it.
        return match[0] if new == value else spelled(json.dumps(new, ensure_ascii=False)) + (match[2] or "")

    return _STRING.sub(cleaned, text)
