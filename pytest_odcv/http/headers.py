"""Which headers of an answer are recorded, and how they are given back.

Most headers say something about the server's day, and would be noise in a recording. Recorded are those that clients act upon, those
that say an id of the request again, and those that the project names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..errors import UsageProblem

SAFE: Final = frozenset((
    "allow", "content-disposition", "content-location", "content-range", "content-type", "etag", "last-modified", "link", "location",
    "mcp-session-id", "operation-location", "retry-after", "retry-after-ms", "set-cookie", "www-authenticate", "x-next-page",
    "x-should-retry", "x-total-count", "x-total-pages",
))  # fmt: skip
_RATE_LIMIT: Final = re.compile(r"(?:[a-z]+-)?rate-?limit(?:-.*)?")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MIRRORED: Final = re.compile(r"\[request:([^\]\s]+)\]")
_OF_AN_ID: Final = re.compile(
    r"(?:^|-)(?:id|request|correlation|trace|traceparent|nonce)(?:-|$)", re.IGNORECASE
)
_SHORTEST_ID: Final = 4
_INFRASTRUCTURE: Final = re.compile(r"__cf|_cf|cf_|AWSALB|ARRAffinity|GAESA", re.IGNORECASE)
"""Cookies of load balancers: new in every answer, and of no use to a client."""
_COOKIE: Final = re.compile(r"\s*([^=;\s]+)\s*=\s*(\"[^\"]*\"|[^;]*)")
_SECRET_COOKIE: Final = re.compile(r"sess|sid|auth|token|key|jwt|csrf|xsrf|secret|login", re.IGNORECASE)
_LONGEST_PLAIN: Final = 7


def checked(names: Iterable[str]) -> frozenset[str]:
    """`http_headers` as it is used. Raises UsageProblem for a name that is none."""
    found = list(names)
    for name in found:
        if not _NAME.fullmatch(name):
            raise UsageProblem(f"http_headers {name!r}: expected the name of a header, such as x-page-token")
    return frozenset(name.lower() for name in found)


def kept(
    answered: Mapping[str, list[str]],
    asked: Mapping[str, str],
    more: frozenset[str],
    clean: Callable[[str], str],
    hidden: str,
) -> dict[str, str]:
    """What is recorded of an answer's headers: by lower-case name, several values of one name joined.

    Args:
        answered: the answer's headers.
        asked: those of the request. A value that is one of these is recorded as `[request:NAME]`.
        more: names to record beside the safe ones.
        clean: takes secrets out of a text.
        hidden: stands for the value of a cookie.
    """
    sent = {value: name.lower() for name, value in asked.items() if len(value) >= _SHORTEST_ID}
    found: dict[str, str] = {}
    for name, values in _lower(answered).items():
        if name == "set-cookie":
            values = [_cookie(value, hidden) for value in values if not _INFRASTRUCTURE.match(value.strip())]
        if values and _OF_AN_ID.search(name) and values[0] in sent:
            found[name] = f"[request:{sent[values[0]]}]"
        elif values and (is_safe(name) or name in more):
            found[name] = clean(("\n" if name == "set-cookie" else ", ").join(values))
    return found


def is_safe(name: str) -> bool:
    """Whether a header, in lower case, is recorded without being named: clients act upon it."""
    return name in SAFE or _RATE_LIMIT.fullmatch(name) is not None


def given(recorded: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, list[str]]:
    """Recorded headers for a client that sent a request with the headers `asked`."""
    sent = {name.lower(): value for name, value in asked.items()}
    return {
        name: [
            _on_wire(_MIRRORED.sub(lambda found: sent.get(found[1], found[0]), part))
            for part in value.split("\n")
        ]
        for name, value in recorded.items()
    }


class _Beyond(str):
    """A header's value with letters that are not ASCII. httpx encodes headers as ASCII, and would fail; it reads them as UTF-8."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("utf-8" if encoding == "ascii" else encoding, errors)


def _on_wire(value: str) -> str:
    return value if value.isascii() else _Beyond(value)


def _lower(headers: Mapping[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, values in headers.items():
        found.setdefault(name.lower(), []).extend(values)
    return found


def _cookie(value: str, hidden: str) -> str:
    """A cookie to set, with its value hidden where it may be a secret."""
    found = _COOKIE.match(value)
    if found is None:
        return value
    secret = len(found[2]) > _LONGEST_PLAIN or _SECRET_COOKIE.search(found[1])
    return f"{found[1]}={hidden if secret and found[2] else found[2]}{value[found.end() :]}"
