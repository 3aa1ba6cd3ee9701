"""What of a request counts when it is compared with a recording, and what of an exchange may be written: one form for both.

Headers of requests never count and are never written. Bodies are compared as values: without fields that change from run to
run, without secrets, whatever the order of keys and the white space.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from ..cassette.redact import Redactor
from ..errors import UsageProblem
from . import sse
from .exchange import Exchange, SseEvent, WireRequest, WireResponse

IGNORED = "[ignored]"
ALWAYS = ("prompt_cache_key", "store", "stream_options")
"""Fields that never count: hints to a provider, which SDKs add or leave out by the address that they talk to."""
_REDACTED = "[redacted:value]"
_SECRET_HEADER = re.compile(r"^(?!idempotency-key$)(?:.*(?:key|token|secret|auth).*|cookie)$", re.IGNORECASE)
_TOKENS = r"access[-_]?token|refresh[-_]?token|id[-_]?token|client[-_]?secret"
_SECRET_FIELD = re.compile(
    rf"^(?:.*[-_])?(?:{_TOKENS}|auth[-_]?token|session[-_]?token|api[-_]?key|secret|password|passwd|authorization|private[-_]?key)$",
    re.IGNORECASE,
)
_SECRET_ANSWER = re.compile(rf"^(?:{_TOKENS})$", re.IGNORECASE)
"""Fewer: an answer is what the agent acts upon, and a model may call a tool with an argument of any name."""
_SECRET_QUERY = re.compile(
    rf"{_SECRET_FIELD.pattern}|^(?:key|token|auth|sig|.*signature|.*credential)$", re.IGNORECASE
)
_KEPT_HEADERS = ("content-type", "location", "mcp-session-id", "retry-after", "retry-after-ms")
_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)\"?")
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is compared: `key` is equal where two requests are the same one."""

    method: str
    path: str
    query: str
    body: Any
    key: str


class Canonical:
    """The rules of one trial. `ignore` are fields (`metadata.run_id`, `messages.*.id`, `query.ts`) and, between slashes,
    regular expressions for text (`/\\d{4}-\\d\\d-\\d\\d/`). Raises UsageProblem for one that cannot be used."""

    def __init__(self, redactor: Redactor, ignore: Iterable[str] = ()) -> None:
        self._redactor = redactor
        self._fields: list[list[str]] = [[name] for name in ALWAYS]
        self._patterns: list[re.Pattern[str]] = []
        self._cleaned: dict[str, str] = {}
        for rule in ignore:
            if len(rule) > 2 and rule[0] == rule[-1] == "/":
                try:
                    self._patterns.append(re.compile(rule[1:-1]))
                except re.error as error:
                    raise UsageProblem(f"http_ignore {rule!r}: not a regular expression: {error}") from None
            else:
                self._fields.append(rule.split("."))

    def _learn(self, request: WireRequest, body: Any) -> None:
        """Keys that a request carries where keys belong are secrets wherever else they turn up."""
        values = []
        for name, value in request.headers.items():
            if _SECRET_HEADER.match(name):
                values += [part for part in str(value).split() if len(part) >= _SHORTEST_SECRET]
        for name, value in parse_qsl(urlsplit(request.url).query):
            if _SECRET_QUERY.match(name) and len(value) >= _SHORTEST_SECRET:
                values.append(value)
        values += _secrets(body)
        if self._redactor.learn(values):
            self._cleaned.clear()

    def again(self, exchange: Exchange) -> Exchange:
        """An exchange without the secrets that were learned since it was kept."""
        return replace(
            exchange,
            query=self._query(exchange.query),
            path=self._text(exchange.path),
            request=self._clean(exchange.request, self._text, _SECRET_FIELD),
            response=self._clean(exchange.response, self._redacted, _SECRET_ANSWER),
        )

    def compared(self, exchange: Exchange) -> Exchange:
        """A recorded exchange by today's rules of what to ignore, which may be more than when it was recorded."""
        if len(self._fields) == len(ALWAYS) and not self._patterns:
            return exchange
        body = self._without(self._clean(exchange.request, self._text, _SECRET_FIELD), self._fields)
        return replace(
            exchange, request=body, query=self._query(exchange.query), path=self._text(exchange.path)
        )

    def asked(self, request: WireRequest) -> Asked:
        parts = urlsplit(request.url)
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        sent = _value(_decoded(request.body, headers), headers)
        self._learn(request, sent)
        body = self._clean(sent, self._text, _SECRET_FIELD)
        body = self._without(body, self._fields)
        query = self._query(parts.query)
        path = self._text(parts.path)
        return Asked(request.method, path, query, body, fingerprint(request.method, path, query, body))

    def exchange(self, asked: Asked, response: WireResponse) -> Exchange:
        """What is kept of a request and its response."""
        headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
        kept = {name: self._redacted(headers[name]) for name in _KEPT_HEADERS if name in headers}
        body = _answer(_decoded(response.body, headers), headers.get("content-type", ""))
        body = self._clean(body, self._redacted, _SECRET_ANSWER)
        return Exchange(asked.method, asked.path, asked.query, asked.body, response.status, body, kept)

    def has_secret(self, text: str) -> bool:
        return self._redactor.text(text) != text

    def _query(self, query: str) -> str:
        ignored = {field[1] for field in self._fields if len(field) == 2 and field[0] == "query"}
        pairs = [
            (name, _REDACTED if _SECRET_QUERY.match(name) else self._text(value))
            for name, value in parse_qsl(query, keep_blank_values=True)
            if name not in ignored
        ]
        return "&".join(f"{quote(name)}={quote(value, safe='/:,[]')}" for name, value in sorted(pairs))

    def _redacted(self, text: str) -> str:
        clean = self._cleaned.get(text)
        if clean is None:
            clean = self._cleaned[text] = self._redactor.text(text)
        return clean

    def _text(self, text: str) -> str:
        clean = self._redacted(text)
        for pattern in self._patterns:
            clean = pattern.sub(IGNORED, clean)
        return clean

    def _clean(self, value: Any, text: Callable[[str], str], secret: re.Pattern[str]) -> Any:
        """`value` with every text in it cleaned, and the texts of fields with a secret's name gone."""
        if isinstance(value, str):
            return text(value)
        if isinstance(value, dict):
            return {
                text(name): _REDACTED
                if isinstance(inner, str) and secret.match(name)
                else self._clean(inner, text, secret)
                for name, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return type(value)(self._clean(inner, text, secret) for inner in value)
        if isinstance(value, SseEvent):
            return SseEvent(self._clean(value.data, text, secret), text(value.name))
        return self._redactor.data(value) if isinstance(value, bytes) else value

    def _without(self, value: Any, fields: list[list[str]]) -> Any:
        """`value` less the fields named, which are paths from here."""
        if not fields or not isinstance(value, (dict, list)):
            return value
        pairs = value.items() if isinstance(value, dict) else [(str(n), v) for n, v in enumerate(value)]
        kept = []
        for name, inner in pairs:
            deeper = [field[1:] for field in fields if field[0] in (name, "*")]
            if [] not in deeper:
                kept.append((name, self._without(inner, deeper)))
        return dict(kept) if isinstance(value, dict) else [inner for _, inner in kept]


def fingerprint(method: str, path: str, query: str, body: Any) -> str:
    text = json.dumps([method, path, query, body], sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def wire(exchange: Exchange) -> WireResponse:
    """The recorded response as a client gets it: decoded and whole."""
    body = exchange.response
    if isinstance(body, tuple):
        data = sse.dump(body)
    elif isinstance(body, bytes):
        data = body
    elif isinstance(body, str) and not _is_json(exchange.headers.get("content-type", "")):
        data = body.encode()
    else:
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = {name: [value] for name, value in exchange.headers.items()}
    headers["content-length"] = [str(len(data))]
    return WireResponse(exchange.status, "", headers, data)


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _decoded(body: bytes, headers: dict[str, str]) -> bytes:
    """Without its compression, where it has one that is known and holds."""
    kind = headers.get("content-encoding", "").strip().lower()
    try:
        if kind in ("gzip", "x-gzip"):
            return gzip.decompress(body)
        if kind == "deflate":
            return zlib.decompress(body)
    except (OSError, EOFError, zlib.error):
        pass  # The client had it decoded already, and left the header as it was.
    return body


def _secrets(value: Any) -> list[str]:
    """The texts of fields with a secret's name."""
    if isinstance(value, list):
        return [secret for inner in value for secret in _secrets(inner)]
    if not isinstance(value, dict):
        return []
    found = []
    for name, inner in value.items():
        if not isinstance(inner, str):
            found += _secrets(inner)
        elif (
            _SECRET_FIELD.match(name)
            and len(inner) >= _SHORTEST_SECRET
            and not inner.startswith("[redacted:")
        ):
            found.append(inner)
    return found


def _value(body: bytes, headers: dict[str, str]) -> Any:
    """A request's body: JSON's value, a form as text whose boundary is always the same, other text, or bytes."""
    if not body:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    boundary = _BOUNDARY.search(headers.get("content-type", ""))
    if boundary is not None:
        return text.replace(boundary[1], "boundary")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _answer(body: bytes, content_type: str) -> Any:
    if "text/event-stream" in content_type:
        return sse.merge(sse.parse(body))
    if _is_json(content_type):
        try:
            return json.loads(body) if body else None
        except (ValueError, RecursionError):
            pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
