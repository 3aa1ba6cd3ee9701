"""An exchange with a model's API as canonical chat values: what was said to the model and what it answered.

One module for each API; this one chooses among them. What it does not understand is not an error: the exchange is kept
as it is and counts as other traffic. Nothing here changes an exchange.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...model.types import Message, Reply
from ..exchange import Exchange, SseEvent
from . import anthropic, chat, responses


class _Api(NamedTuple):
    messages: Callable[[dict[str, Any]], tuple[Message, ...] | None]
    """The conversation of a request's body; None when it is none of this API."""
    reply: Callable[[dict[str, Any]], Reply | None]
    """The answer of a plain response; None when it is none of this API, or a failure."""
    whole: Callable[[Sequence[SseEvent]], dict[str, Any] | None]
    """The plain response that a stream amounts to; None when it amounts to none."""


_APIS = {
    "/chat/completions": _Api(chat.messages, chat.reply, chat.whole),
    "/responses": _Api(responses.messages, responses.reply, responses.whole),
    "/messages": _Api(anthropic.messages, anthropic.reply, anthropic.whole),
}


def read(exchange: Exchange) -> tuple[tuple[Message, ...], Reply] | None:
    """The messages of the request and the reply; None for anything but an answered question to a model in a known API.

    The path's end says which API, the shape of both bodies that it is one. Never raises. An image or the like is a note in
    the text (`[image]`), a tool's result that is marked as an error begins with `[error]`, thinking in `<think>` tags at the
    start of an answer is reasoning. Prompt tokens include those read from a cache. `cost` is None unless the answer states one.
    """
    path = exchange.path.rstrip("/")
    api = next((api for end, api in _APIS.items() if path.endswith(end)), None)
    if api is None or not isinstance(exchange.request, dict) or not 200 <= exchange.status < 300:
        return None
    try:
        answer = api.whole(exchange.response) if isinstance(exchange.response, tuple) else exchange.response
        messages = api.messages(exchange.request)
        reply = api.reply(answer) if isinstance(answer, dict) else None
    except (ValueError, RecursionError):  # A text that no JSON or no Message can hold, nesting without end.
        return None
    return None if messages is None or reply is None else (messages, reply)


def asked(exchange: Exchange) -> tuple[Message, ...] | None:
    """The messages of a request to a model in a known API, whatever came of it; None for any other request."""
    api = next((api for end, api in _APIS.items() if exchange.path.rstrip("/").endswith(end)), None)
    if api is None or not isinstance(exchange.request, dict):
        return None
    try:
        return api.messages(exchange.request)
    except (ValueError, RecursionError):
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
