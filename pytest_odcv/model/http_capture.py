"""What a client library really sends and what really comes, seen where it leaves httpx.

Libraries translate on both sides: they drop parameters that a model refuses, fill in others, and turn whatever goes wrong into
errors of their own, a malformed answer into "HTTP 500" among them. Only here the two can be told apart.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ..shared_context import SharedContext


@dataclass
class Seen:
    """One call of the library: its last request, and the answer to it. `status` is None where no answer came."""

    requests: int = 0
    request: Any = None
    """The request's body where it is JSON."""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Of the answer, with names in small letters."""
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The answer's body; None where it is no JSON."""
        return _json(self.body)


_current: ContextVar[Seen | None] = ContextVar("odcv_seen", default=None)


@contextmanager
def watch() -> Iterator[Seen]:
    """Within it, what this context's httpx clients send and get is noted, and warnings of libraries stay warnings: with `-W error`
    they would end the call before a request is sent."""
    with _capture():
        seen = Seen()
        token = _current.set(seen)
        try:
            yield seen
        finally:
            _current.reset(token)


@contextmanager
def no_warning_is_an_error() -> Iterator[None]:
    """For imports and calls of libraries whose warnings are none of the project's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _install() -> ExitStack:
    """Wrap httpx's one way out, once for all calls that are under way."""
    import httpx

    original = httpx.AsyncClient.send

    async def send(self: Any, request: Any, **options: Any) -> Any:
        seen = _current.get()
        if seen is None:
            return await original(self, request, **options)
        seen.requests += 1
        seen.request, seen.status = _json(_content(request)), None
        response = await original(self, request, **options)
        seen.status = response.status_code
        seen.headers = {name.lower(): value for name, value in response.headers.items()}
        seen.body = _content(response)
        return response

    undoing = ExitStack()
    undoing.enter_context(no_warning_is_an_error())
    httpx.AsyncClient.send = send  # type: ignore[method-assign]
    undoing.callback(setattr, httpx.AsyncClient, "send", original)
    _leave_plain_requests(undoing)
    return undoing


def _leave_plain_requests(undoing: ExitStack) -> None:
    """Keep the openai library from walking through every message of every request to rename fields of typed dictionaries: ours are the JSON
    that is sent. That walk grows with the conversation, and was half of a call's CPU."""
    try:
        from openai.resources.chat.completions import completions
    except ImportError:
        return
    original = getattr(completions, "async_maybe_transform", None)
    if original is None:
        return

    async def transform(data: Any, expected: Any) -> Any:
        if _current.get() is None or not isinstance(data, dict):
            return await original(data, expected)
        # What was not given is marked by an object of the library's own, which its walk leaves out.
        return {name: value for name, value in data.items() if type(value).__module__ == "builtins"}

    setattr(completions, "async_maybe_transform", transform)  # noqa: B010  (the name is not exported)
    undoing.callback(setattr, completions, "async_maybe_transform", original)


_capture = SharedContext(_install)


def _content(message: Any) -> bytes:
    """Of a request or an answer, as far as it was read: a stream has no content yet."""
    content = getattr(message, "_content", b"")
    return content if isinstance(content, bytes) else b""


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "maxTokens": "max_tokens",
    "num_predict": "max_tokens",
}
_HOLDERS = ("generationConfig", "generation_config", "inferenceConfig", "parameters", "options")


def sampling(request: Any) -> dict[str, float]:
    """Temperature, top_p and max_tokens of a request in any provider's words; what is not in it was not sent."""
    if not isinstance(request, dict):
        return {}
    found: dict[str, float] = {}
    for part in (request, *(request.get(name) for name in _HOLDERS)):
        for name, value in part.items() if isinstance(part, dict) else ():
            if name in _SAMPLING and isinstance(value, (int, float)) and not isinstance(value, bool):
                found[_SAMPLING[name]] = value
    return dict(sorted(found.items()))
