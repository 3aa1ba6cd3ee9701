"""What of a request counts when it is compared with a recording, and what of an exchange may be written: one form for both.

Headers of requests never count and are never written. Bodies are compared as values: without fields that change from run to
run, without secrets, whatever the order of keys and the white space.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from ..errors import UsageProblem
from ..redaction.names import is_ordinary
from ..redaction.redactor import Redactor
from . import bodies, coding, headers, sse
from .exchange import Exchange, Failure, SseEvent, WireRequest, WireResponse, phrase
from .spelling import SPACED, spelled, spelling_of

IGNORED = "[ignored]"
ALWAYS = ("prompt_cache_key", "store", "stream_options")
"""Fields that never count: hints to a provider, which SDKs add or leave out by the address that they talk to."""
REDACTED = "[redacted:value]"
_SECRET_HEADER = re.compile(r"^(?!idempotency-key$)(?:.*(?:key|token|secret|auth).*|cookie)$", re.IGNORECASE)
_TOKENS = r"access[-_]?token|refresh[-_]?token|id[-_]?token|client[-_]?secret"
_SECRET_FIELD = re.compile(
    rf"^(?:.*[-_])?(?:{_TOKENS}|auth[-_]?token|session[-_]?token|api[-_]?key|secret|password|passwd|authorization|private[-_]?key|assertion|code[-_]?verifier)$",
    re.IGNORECASE,
)
_SECRET_ANSWER = re.compile(rf"^(?:{_TOKENS})$", re.IGNORECASE)
"""Fewer: an answer is what the agent acts upon, and a model may call a tool with an argument of any name."""
_SECRET_QUERY = re.compile(
    rf"{_SECRET_FIELD.pattern}|^(?:key|token|auth|sig|.*signature|.*credential|x-[a-z]+-(?:date|security-token))$",
    re.IGNORECASE,
)
_MARK = re.compile(r"\[ignored\]|\[redacted:[a-z-]+\]")
_ESCAPED_MARK = re.compile(r"%5B(redacted)(?::|%3A)([a-z0-9-]+)%5D", re.IGNORECASE)
"""A mark in an address that an answer gave, as clients send it."""
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is compared: `key` is equal where two requests are the same one. `headers` are the client's own, and never count."""

    method: str
    path: str
    query: str
    body: Any
    key: str
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    began: int = field(default_factory=time.time_ns, compare=False, repr=False)
    """When, in nanoseconds since 1970."""


class Canonical:
    """The rules of one trial. `ignore` are fields (`metadata.run_id`, `messages.*.id`, `query.ts`) and, between slashes,
    regular expressions for text (`/\\d{4}-\\d\\d-\\d\\d/`); `names` are headers of answers to record beside the usual ones. Raises
    UsageProblem for one that cannot be used."""

    def __init__(self, redactor: Redactor, ignore: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        self._redactor = redactor
        self._names = headers.checked(names)
        self._fields: list[list[str]] = [[name] for name in ALWAYS]
        self._patterns: list[re.Pattern[str]] = []
        self._cleaned: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._known = redactor.learned
        for rule in ignore:
            if len(rule) > 2 and rule[0] == rule[-1] == "/":
                self._patterns.append(_pattern(rule))
            elif rule.rpartition(".")[2].isdigit():
                raise UsageProblem(
                    f"http_ignore {rule!r}: an item of a list cannot be left out, since others would take its place\n"
                    f"  to fix: name a field of it, as in {rule}.content, or the whole list"
                )
            else:
                self._fields.append(rule.split("."))

    def _learn(self, request: WireRequest, body: Any) -> None:
        """Keys that a request carries where keys belong are secrets wherever else they turn up."""
        self._redactor.learn(_long_enough([*_keys_beside_the_body(request), *_secrets(body)]))
        if self._known != self._redactor.learned:  # Here, or by another trial.
            self._known = self._redactor.learned
            self._cleaned.clear()
            self._texts.clear()

    def again(self, exchange: Exchange) -> Exchange:
        """An exchange without the secrets that were learned since it was kept. What is ignored is out of it already."""
        return replace(
            exchange,
            query=self._query(exchange.query, self._redacted),
            path=self._redacted(exchange.path),
            request=self._clean(exchange.request, self._redacted, _is_secret),
            response=self._clean(exchange.response, self._redacted, _is_secret_answer),
            headers={name: self._redacted(value) for name, value in exchange.headers.items()},
            failure=self._failure(exchange.failure),
        )

    def compared(self, exchange: Exchange) -> Exchange:
        """A recorded exchange by today's rules of what to ignore, which may be more than when it was recorded."""
        if len(self._fields) == len(ALWAYS) and not self._patterns:
            return exchange
        return self.compared_clean(exchange)

    def compared_clean(self, exchange: Exchange) -> Exchange:
        """The same, and without what is a secret by today's rules."""
        body = self._without(self._clean(exchange.request, self._text, _is_secret), self._fields)
        query = self._query(exchange.query, self._text)
        return replace(exchange, request=body, query=query, path=self._text(exchange.path))

    def asked(self, request: WireRequest, learn: bool = True) -> Asked:
        """A request as it counts. A strict replay has nothing to `learn`: its key is any word, and secrets are out of the recording."""
        parts = urlsplit(request.url)
        sent = bodies.request(
            coding.decoded(request.body, _header(request.headers, "content-encoding")), _type(request.headers)
        )
        if learn:
            self._learn(request, sent)
        body = self._clean(sent, self._text, _is_secret)
        body = self._without(body, self._fields)
        query = self._query(parts.query, self._text)
        path = self._text(_ESCAPED_MARK.sub(r"[\1:\2]", parts.path))
        key = fingerprint(request.method, path, query, body)
        return Asked(request.method, path, query, body, key, request.headers)

    def exchange(self, asked: Asked, response: WireResponse) -> Exchange:
        """What is kept of a request and its response. Raises CassetteError for a body that cannot be read as the client read it."""
        kept = headers.kept(response.headers, asked.headers, self._names, self._redacted, REDACTED)
        joined = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
        kind = joined.get("content-encoding", "")
        coding.check_accepted(kind, _header(asked.headers, "accept-encoding"))
        sent = coding.decoded(response.body, kind, joined.get("content-length", ""))
        body = bodies.answer(sent, joined.get("content-type", ""))
        clean = self._clean(body, self._redacted, _is_secret_answer)
        spelling = SPACED
        if isinstance(body, (dict, list)):
            spelling = spelling_of(sent.decode(), body) or SPACED
            if clean == body and spelled(body, spelling).encode() != sent:
                clean = sent.decode()  # Spelled in a way of its own, which a client that reads the text sees.
        failure = self._failure(response.failure)
        return Exchange(
            asked.method,
            asked.path,
            asked.query,
            asked.body,
            response.status,
            clean,
            kept,
            failure,
            spelling=spelling,
            reason=None if response.reason == phrase(response.status) else self._redacted(response.reason),
        )

    def failed(self, asked: Asked, failure: Failure) -> Exchange:
        """What is kept of a request that got no answer."""
        kept = self._failure(failure)
        return Exchange(
            asked.method, asked.path, asked.query, asked.body, 0, None, {}, kept, began=asked.began
        )

    def _failure(self, failure: Failure | None) -> Failure | None:
        return None if failure is None else replace(failure, text=self._redacted(failure.text))

    def has_secret(self, text: str) -> bool:
        return self._redactor.text(text) != text

    def _query(self, query: str, text: Callable[[str], str]) -> str:
        ignored = {field[1] for field in self._fields if len(field) == 2 and field[0] == "query"}
        pairs = [
            (text(name), REDACTED if _SECRET_QUERY.match(name) else text(value))
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
        clean = self._texts.get(text)
        if clean is None:
            clean = self._redacted(text)
            for pattern in self._patterns:
                clean = _ignore(pattern, clean)
            self._texts[text] = clean
        return clean

    def _clean(self, value: Any, text: Callable[[str], str], secret: Callable[[str], bool]) -> Any:
        """`value` with every text in it cleaned, and the texts of fields with a secret's name gone."""
        if isinstance(value, str):
            return text(value)
        if isinstance(value, dict):
            cleaned = {}
            for name, inner in value.items():
                if isinstance(inner, str):
                    cleaned[text(name)] = REDACTED if secret(name) else text(inner)
                elif isinstance(inner, list) and secret(name):
                    cleaned[text(name)] = self._clean(inner, _redact, secret)
                else:
                    cleaned[text(name)] = self._clean(inner, text, secret)
            return cleaned
        if isinstance(value, (list, tuple)):
            return type(value)(self._clean(inner, text, secret) for inner in value)
        if isinstance(value, SseEvent):
            return replace(value, data=self._clean(value.data, text, secret), name=text(value.name))
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


def _pattern(rule: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(rule[1:-1])
    except re.error as error:
        raise UsageProblem(f"http_ignore {rule!r}: not a regular expression: {error}") from None
    if pattern.search(""):
        raise UsageProblem(
            f"http_ignore {rule!r}: matches nothing at all, which is everywhere\n  to fix: make it match some text"
        )
    return pattern


def _ignore(pattern: re.Pattern[str], text: str) -> str:
    """Matches within a mark that is there already stay: what was cleaned once is the same when it is cleaned again."""
    marks = [mark.span() for mark in _MARK.finditer(text)] if "[" in text else []

    def mark(found: re.Match[str]) -> str:
        inside = any(start <= found.start() and found.end() <= end for start, end in marks)
        return found[0] if inside else IGNORED

    return pattern.sub(mark if marks else IGNORED, text)


def _is_mark(value: str) -> bool:
    """Whether a value has a mark in it, or is a part of one, such as a placeholder `redacted` for a key."""
    return _MARK.search(value) is not None or value in IGNORED + REDACTED


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return _SECRET_FIELD.match(name) is not None


@lru_cache(maxsize=4096)
def _is_secret_answer(name: str) -> bool:
    return _SECRET_ANSWER.match(name) is not None


def _redact(text: str) -> str:
    return REDACTED


def secrets_of(request: WireRequest) -> list[str]:
    """The keys in a request's headers and query."""
    return _long_enough(_keys_beside_the_body(request))


def _keys_beside_the_body(request: WireRequest) -> list[str]:
    values: list[str] = []
    for name, value in request.headers.items():
        if _SECRET_HEADER.match(name):
            parts = re.split(r"[;\s]+", str(value))
            values += [part.partition("=")[2] for part in parts] if name.lower() == "cookie" else parts
    for name, value in parse_qsl(urlsplit(request.url).query):
        if _SECRET_QUERY.match(name):
            values.append(value)
    return values


def _long_enough(values: list[str]) -> list[str]:
    return [v for v in values if len(v) >= _SHORTEST_SECRET and not _is_mark(v) and not is_ordinary(v)]


def fingerprint(method: str, path: str, query: str, body: Any) -> str:
    text = json.dumps([method, path, query, body], sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def wire(exchange: Exchange, asked: Mapping[str, str] | None = None) -> WireResponse:
    """The recorded response as a client gets it that sent the headers `asked`: decoded and whole."""
    body = exchange.response
    if isinstance(body, tuple):
        data = sse.dump(body)
    elif isinstance(body, bytes):
        data = body
    elif isinstance(body, str):
        data = body.encode()
    else:
        data = b"" if body is None else spelled(body, exchange.spelling).encode()
    found = headers.given(exchange.headers, asked or {})
    found["content-length"] = [str(len(data))]
    reason = phrase(exchange.status) if exchange.reason is None else exchange.reason
    return WireResponse(exchange.status, reason, found, data, exchange.failure)


def _header(sent: Mapping[str, str], name: str) -> str:
    return next((str(value) for key, value in sent.items() if key.lower() == name), "")


def _type(sent: Mapping[str, str]) -> str:
    return _header(sent, "content-type")


def _secrets(value: Any) -> list[str]:
    """The texts of fields with a secret's name."""
    if isinstance(value, list):
        return [secret for inner in value for secret in _secrets(inner)]
    if not isinstance(value, dict):
        return []
    found = []
    for name, inner in value.items():
        if isinstance(inner, str):
            if _is_secret(name):
                found.append(inner)
        elif isinstance(inner, list) and _is_secret(name):
            found += [secret for secret in inner if isinstance(secret, str)]
        elif isinstance(inner, (dict, list)):
            found += _secrets(inner)
    return found
