"""What stands in the place of a secret, and how a text with such marks is compared with one that has something else there."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

FAR_FUTURE = 4102444800
"""2100-01-01, in seconds since 1970: a client that looks at a token's `exp` must not find it expired in a replay years later."""
_SIGNATURE = "redacted"
_SEGMENT = "[A-Za-z0-9_-]"
_BEGINS = rf"(?:(?<!{_SEGMENT})|(?<=\\[nrtbfav0])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
"""Where a token may begin, after an escaped or percent-encoded character too. Not anywhere: that would be quadratic."""
MARK = re.compile(
    rf"\[redacted:[a-z0-9-]+\]|{_BEGINS}eyJ{_SEGMENT}+\.eyJ{_SEGMENT}+\.{_SIGNATURE}(?!{_SEGMENT})"
)
"""Both forms of a mark: text in brackets, and a JSON Web Token whose signature is the word `redacted`."""
_TIMES = {"exp": FAR_FUTURE, "nbf": 0, "iat": 0, "auth_time": 0}


def mark(kind: str) -> str:
    """The mark for a secret of this kind.

    Args:
        kind: Small letters, digits and hyphens, such as `github-token`.
    """
    return f"[redacted:{kind}]"


@lru_cache(maxsize=256)
def token_mark(token: str) -> str | None:
    """A JSON Web Token (RFC 7519) with the same claims, whose values say nothing; None where `token` is none.

    Clients decode tokens and read `exp` or an account's id before they send anything. A mark in brackets would break them in a replay.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    if header is None or claims is None:
        return None
    kept = {"alg": "none"} | {name: value for name, value in header.items() if name in ("alg", "typ")}
    return f"{_encoded(kept)}.{_encoded(_emptied(claims))}.{_SIGNATURE}"


def has_mark(value: Any) -> bool:
    """Whether any text in a JSON-like value has a mark in it."""
    if isinstance(value, str):
        return ("[redacted:" in value or "eyJ" in value) and MARK.search(value) is not None
    if isinstance(value, Mapping):
        return any(has_mark(key) or has_mark(inner) for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return any(map(has_mark, value))
    return False


def same(recorded: Any, now: Any) -> bool:
    """Whether two JSON-like values are equal, where a mark stands for any text.

    A secret differs from machine to machine, and is absent on most of those that replay. `now` has a mark of its own where an agent
    says in other surroundings what was masked in those that it was recorded in.
    """
    if isinstance(recorded, str) and isinstance(now, str):
        return recorded == now or _fits(recorded, now) or _fits(now, recorded)
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        return recorded.keys() == now.keys() and all(same(recorded[key], now[key]) for key in recorded)
    if isinstance(recorded, (list, tuple)) and isinstance(now, (list, tuple)):
        return len(recorded) == len(now) and all(map(same, recorded, now))
    return type(recorded) is type(now) and bool(recorded == now)


def _fits(pattern: str, text: str) -> bool:
    """The parts between the pattern's marks must follow each other in `text`. Taking each at its first place is enough, and linear."""
    first, *rest = MARK.split(pattern)
    if not rest or not text.startswith(first):
        return False
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - len(last) >= at and text.endswith(last)


def _decoded(segment: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _encoded(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _emptied(value: Any, name: str = "") -> Any:
    if name in _TIMES and isinstance(value, (int, float)):
        return _TIMES[name]
    if isinstance(value, str):
        return _SIGNATURE
    if isinstance(value, list):
        return [_emptied(item) for item in value]
    if isinstance(value, dict):
        return {key: _emptied(inner, key) for key, inner in value.items()}
    return value if isinstance(value, bool) or value is None else 0
