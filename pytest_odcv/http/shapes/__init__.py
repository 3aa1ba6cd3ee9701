"""An exchange with a model's API as canonical chat values: what was said to the model and what it answered.

One module for each API; this one chooses among them, by what the bodies look like. What it does not understand is not an error: the exchange is kept
as it is and counts as other traffic. Nothing here changes an exchange.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...model.types import Message, Reply
from .. import sse
from ..exchange import Exchange, SseEvent
from . import anthropic, chat, responses
from .values import dicts, told_apart


class _Api(NamedTuple):
    end: str
    """How its paths end, where a server keeps to them."""
    messages: Callable[[dict[str, Any]], tuple[Message, ...] | None]
    """The conversation of a request's body; None when it is none of this API."""
    reply: Callable[[dict[str, Any]], Reply | None]
    """The answer of a plain response; None when it is none of this API, or a failure."""
    whole: Callable[[Sequence[SseEvent]], dict[str, Any] | None]
    """The plain response that a stream amounts to; None when it amounts to none."""


_CHAT = _Api("/chat/completions", chat.messages, chat.reply, chat.whole)
_RESPONSES = _Api("/responses", responses.messages, responses.reply, responses.whole)
_MESSAGES = _Api("/messages", anthropic.messages, anthropic.reply, anthropic.whole)
_APIS = (_CHAT, _RESPONSES, _MESSAGES)
_ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
_ANTHROPICS = ("system", "anthropic_version", "anthropic_beta")
_BLOCKS = frozenset(("tool_use", "tool_result", "thinking", "redacted_thinking"))


def read(exchange: Exchange) -> tuple[tuple[Message, ...], Reply] | None:
    """The messages of the request and the reply; None for anything but an answered question to a model in a known API.

    The shape of both bodies says which API: gateways and clouds serve OpenAI's under any path. Never raises. An image or the like is a
    note in the text (`[image]`), a tool's result that is marked as an error begins with `[error]`, thinking in `<think>` tags at the
    start of an answer is reasoning. Prompt tokens include those read from a cache. `cost` is None unless the answer states one.
    """
    if not isinstance(exchange.request, dict) or not 200 <= exchange.status < 300:
        return None
    answer = _answer(exchange)
    for api in sorted(_APIS, key=lambda api: not _ends(exchange, api)):
        found = _read(api, exchange, answer)
        if found is not None:
            return found
    return None


def _read(api: _Api, exchange: Exchange, answer: Any) -> tuple[tuple[Message, ...], Reply] | None:
    try:
        body = api.whole(answer) if isinstance(answer, tuple) else answer
        if not isinstance(body, dict) or not (_ends(exchange, api) or _says(api, answer, body)):
            return None
        messages, reply = api.messages(exchange.request), api.reply(body)
        if messages is None or reply is None:
            return None
        *told, said = told_apart((*messages, reply.message))
    except (ValueError, RecursionError):  # A text that no JSON or no Message can hold, nesting without end.
        return None
    return tuple(told), reply.model_copy(update={"message": said})


def _ends(exchange: Exchange, api: _Api) -> bool:
    return exchange.path.rstrip("/").endswith(api.end)


def _says(api: _Api, answer: Any, body: dict[str, Any]) -> bool:
    """Whether an answer under another path is of this API beyond doubt: a list called `output` is in many an answer."""
    return api is not _RESPONSES or isinstance(answer, tuple) or body.get("object") == "response"


def _answer(exchange: Exchange) -> Any:
    """The response as a value; some are recorded as the text that they came as."""
    if not isinstance(exchange.response, str):
        return exchange.response
    try:
        if "text/event-stream" in exchange.headers.get("content-type", ""):
            return sse.parse(exchange.response)
        return sse.json_value(exchange.response)
    except (ValueError, RecursionError):
        return None


def asked(exchange: Exchange) -> tuple[Message, ...] | None:
    """The messages of a request to a model in a known API, whatever came of it; None for any other request."""
    if not isinstance(exchange.request, dict):
        return None
    apis = [*(api for api in _APIS if _ends(exchange, api)), _asked(exchange.request)]
    try:
        found = (api.messages(exchange.request) for api in apis if api is not None)
        messages = next((messages for messages in found if messages is not None), None)
        return None if messages is None else told_apart(messages)
    except (ValueError, RecursionError):
        return None


def _asked(body: dict[str, Any]) -> _Api | None:
    """The API of a question under a path that does not say it. A text as `input` may be one for anything, and is none."""
    for name in ("messages", "input"):
        sent = body.get(name)
        if not isinstance(sent, list) or not sent or not all(isinstance(one, dict) for one in sent):
            continue
        if name == "input":
            return _RESPONSES if sent[0].get("role") in _ROLES else None
        if not all(one.get("role") in _ROLES for one in sent):
            continue
        blocks = (block for one in sent for block in dicts(one.get("content")))
        theirs = any(field in body for field in _ANTHROPICS) or any(b.get("type") in _BLOCKS for b in blocks)
        return _MESSAGES if theirs else _CHAT
    return None


def follow(
    exchange: Exchange, messages: Sequence[Message], conversation: Sequence[Message], before: Exchange
) -> tuple[Message, ...]:
    """`messages` of `exchange` told as a continuation of `conversation` (the messages and the reply of `before`), where it is one.

    A reply comes back without its reasoning, or as a reference to what the server keeps, or as text in smolagents' form: it
    is then the message that is known. Where the request says that it goes on from the response of `before`
    (`previous_response_id`), the server adds the history, and so does this.
    """
    request = exchange.request if isinstance(exchange.request, dict) else {}
    previous = request.get("previous_response_id")
    if previous:
        if previous != _response_id(before):
            return tuple(messages)
        again = bool(
            messages and conversation and messages[0] == conversation[0] and messages[0].role == "system"
        )
        return (*conversation, *messages[1 if again else 0 :])
    known: list[Message] = []
    for old, new in zip(conversation, messages, strict=False):
        if old != new and not _comes_back(old, new):
            break
        known.append(old)
    return (*known, *messages[len(known) :])


def _response_id(exchange: Exchange) -> object:
    answer = exchange.response
    if isinstance(answer, tuple):
        answer = responses.whole(answer)
    return answer.get("id") if isinstance(answer, dict) else None


_REFERENCES = re.compile(r"(?:\[item_reference[^\]\n]*\]\n?)+")
_SMOLAGENTS = re.compile(r"(?:\n|^)Calling tools:\n\[.*\]\Z", re.DOTALL)


def _comes_back(old: Message, new: Message) -> bool:
    if old.role != "assistant" or new.role != "assistant":
        return False
    if new.calls == old.calls and new.content.strip() == old.content.strip():
        return True
    if new.calls:
        return False
    return bool(_REFERENCES.fullmatch(new.content)) or (
        _SMOLAGENTS.search(new.content) is not None
        and _SMOLAGENTS.sub("", new.content).strip() == old.content.strip()
    )
