"""One HTTP request and its response as plain values: on the wire, and as a cassette keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as a client sends it; header names as given, the body decoded from its transfer but not its content encoding."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class WireResponse:
    """A response as a client gets it. A header may come several times."""

    status: int
    reason: str
    headers: dict[str, list[str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One server-sent event. `data` is a JSON value where it is one, else its text; `name` is "" where there is no `event:` line."""

    data: Any
    name: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a cassette keeps of a request and its response. Secrets are out, and volatile fields of the request as well.

    `request` is a JSON value where the body is JSON, its text where it is other text, None where there is none.
    `response` is a JSON value, a tuple of `SseEvent` for a stream, other text, or bytes. `headers` are those of the
    response that a client may need, lower case (`content-type` among them).
    """

    method: str
    path: str
    query: str
    request: Any
    status: int
    response: Any
    headers: dict[str, str] = field(default_factory=dict)


def phrase(status: int) -> str:
    """The words that usually stand beside a status; "" for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
