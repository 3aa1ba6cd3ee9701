"""One HTTP request and its response as plain values: on the wire, and as a cassette keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from .spelling import SPACED

ABANDONED: Final = "abandoned"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request got no answer.

    `kind` is the exception that the client got, with its module (`httpx.ConnectError`), or `ABANDONED` where the client did not wait for
    an answer, by its own timeout or because the trial was over. `text` is what the exception says, `number` its errno.
    """

    kind: str
    text: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as a client sends it; header names as given, the body decoded from its transfer but not its content encoding."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class WireResponse:
    """A response as a client gets it. A header may come several times. With a `failure` there is none."""

    status: int
    reason: str
    headers: dict[str, list[str]]
    body: bytes
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One server-sent event. `data` is a JSON value where it is one, else its text, None where there is no `data:` line; `name` and `id`
    are "" without `event:` and `id:` lines. `open` is the last one of a stream that ended before the blank line after it."""

    data: Any
    name: str = ""
    id: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a cassette keeps of a request and its response. Secrets are out, and volatile fields of the request as well.

    `request` is a JSON value where the body is JSON, its text where it is other text, None where there is none.
    `response` is a JSON value, a tuple of `SseEvent` for a stream, other text, or bytes. `headers` are those of the
    response that a client may need, lower case (`content-type` among them), see `headers`. Without any response `status` is 0, and
    `failure` says why.
    """

    method: str
    path: str
    query: str
    request: Any
    status: int
    response: Any
    headers: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    spelling: str = SPACED
    """How the response's JSON is written, see `spelling`."""
    reason: str | None = None
    """The words beside the status, which libraries put into their errors; None for the usual ones, `phrase`."""
    retried: bool | None = field(default=None, compare=False)
    """Whether the client's library says that it asked this by itself, after a failure; None where that is unknown. Not recorded."""
    began: int | None = field(default=None, compare=False)
    """When it was asked, in nanoseconds since 1970; None where it was not now. Not recorded."""

    @property
    def failed(self) -> bool:
        """Whether there is no answer, or an error for one."""
        return self.failure is not None or self.status >= 400


_RENAMED: Final = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
"""Python 3.13 has other words for these. A recording means the same with every Python."""


def phrase(status: int) -> str:
    """The words that usually stand beside a status; "" for one that has none."""
    if status in _RENAMED:
        return _RENAMED[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
