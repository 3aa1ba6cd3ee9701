"""How a JSON text is written: the same value can be spelled in several ways, and a client that reads the text sees the difference.

A recording holds the value, which a person can read, and the name of the spelling. Together they give the text again, byte for byte.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

SPACED: Final = "spaced"
"""As Python's json writes it, without escapes for what is not ASCII."""
_SEPARATORS: Final = {SPACED: (", ", ": "), "compact": (",", ":"), "tight": (",", ": ")}
_INDENTED: Final = re.compile(r"[\[{]\n( +)\S")
_HTML: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED: Final = re.compile("[<>&\u2028\u2029]")


def spelling_of(text: str, value: Any) -> str | None:
    """The name of the spelling in which `value` is `text`; None where it has none."""
    more = [word for word, there in (("ascii", text.isascii()), ("newline", text.endswith("\n"))) if there]
    indent = _INDENTED.match(text)
    layouts = [f"indent-{len(indent[1])}"] if indent else list(_SEPARATORS)
    plain = [" ".join([layout, *more]) for layout in layouts]
    found = next(
        (name for name in [*plain, *(f"{name} html" for name in plain)] if spelled(value, name) == text), None
    )
    return None if found is None else _shortest(found, value, text)


def spelled(value: Any, name: str) -> str:
    """The JSON text of a value. Raises ValueError for a spelling that is none."""
    layout, *more = name.split(" ")
    if layout in _SEPARATORS:
        text = json.dumps(value, ensure_ascii="ascii" in more, separators=_SEPARATORS[layout])
    elif re.fullmatch(r"indent-\d{1,2}", layout):
        text = json.dumps(value, ensure_ascii="ascii" in more, indent=int(layout[7:]))
    else:
        raise ValueError(f"{name!r} is no spelling of JSON")
    if "html" in more:
        text = _ESCAPED.sub(lambda found: _HTML[found[0]], text)
    return text + "\n" * ("newline" in more)


def _shortest(name: str, value: Any, text: str) -> str:
    """Without `ascii` where it makes no difference, so that most texts of one server have the same name."""
    shorter = name.replace(" ascii", "")
    return shorter if spelled(value, shorter) == text else name
