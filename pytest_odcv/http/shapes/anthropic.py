"""Anthropic's messages API. Results of tools, which it puts into messages of the user, are messages of the tool here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...model.types import Message, Reply, ToolCall
from ..exchange import SseEvent
from .values import assistant, call, count, dicts, dollars, inner, joined, note, text

_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "overflow",
    "refusal": "refused",
}
_INPUTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def messages(body: dict[str, Any]) -> tuple[Message, ...] | None:
    sent = body.get("messages")
    if not isinstance(sent, list) or not all(
        isinstance(m, dict) and isinstance(m.get("role"), str) for m in sent
    ):
        return None
    system = joined(body.get("system"))
    told = [Message(role="system", content=system)] if system else []
    for message in sent:
        told += [_assistant(message)] if message["role"] == "assistant" else _user(message)
    return tuple(told)


def reply(body: dict[str, Any]) -> Reply | None:
    if body.get("role") != "assistant" or not isinstance(body.get("content"), list):
        return None
    usage, stop = inner(body, "usage"), text(body.get("stop_reason"))
    prompt = [count(usage.get(name)) for name in _INPUTS]
    return Reply(
        message=_assistant(body),
        stop=_STOPS.get(stop, stop) or "unknown",
        prompt_tokens=None if prompt[0] is None else sum(part or 0 for part in prompt),
        completion_tokens=count(usage.get("output_tokens")),
        cost=dollars(usage),
    )


def whole(events: Sequence[SseEvent]) -> dict[str, Any] | None:
    message: dict[str, Any] | None = None
    blocks: dict[Any, dict[str, Any]] = {}
    for data in (event.data for event in events):
        kind = data.get("type") if isinstance(data, dict) else None
        if kind == "error":
            return None
        if kind == "message_start":
            message = dict(inner(data, "message"))
        elif kind == "content_block_start":
            blocks[str(data.get("index"))] = dict(inner(data, "content_block"))
        elif kind == "content_block_delta":
            _grow(blocks.get(str(data.get("index")), {}), inner(data, "delta"))
        elif kind == "message_delta" and message is not None:
            given = {name: value for name, value in inner(data, "usage").items() if value is not None}
            message |= inner(data, "delta") | {"usage": inner(message, "usage") | given}
    if message is None:
        return None
    return message | {"content": [_closed(block) for block in blocks.values()]}


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("text", "thinking", "partial_json"):
        if isinstance(delta.get(name), str):
            block[name] = text(block.get(name)) + delta[name]


def _closed(block: dict[str, Any]) -> dict[str, Any]:
    """The input of a tool comes as text in pieces; where it is no JSON in the end, the text stands."""
    raw = text(block.pop("partial_json", ""))
    if not raw:
        return block
    try:
        return block | {"input": json.loads(raw)}
    except ValueError:
        return block | {"input": raw}


def _assistant(message: dict[str, Any]) -> Message:
    content = message.get("content")
    texts, thoughts = [], []
    calls: list[ToolCall] = []
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else dicts(content):
        kind = block.get("type")
        if kind == "tool_use":
            calls.append(call(block.get("id"), block.get("name"), block.get("input"), len(calls) + 1))
        elif kind in ("thinking", "redacted_thinking"):
            thoughts.append(text(block.get("thinking")))
        else:
            texts.append(text(block.get("text")) if kind == "text" else note(kind))
    return assistant("".join(texts), calls, "\n".join(filter(None, thoughts)))


def _user(message: dict[str, Any]) -> list[Message]:
    """Messages of tools and of the user, in the order of the blocks; texts that follow one another are one message."""
    role: Any = "system" if message["role"] == "system" else "user"
    content = message.get("content")
    if not isinstance(content, list):
        return [Message(role=role, content=text(content))]
    told: list[Message] = []
    own: list[Any] = []
    for block in [*content, None]:
        result = isinstance(block, dict) and block.get("type") == "tool_result"
        if own and (result or block is None):
            told.append(Message(role=role, content=joined(own)))
            own = []
        if result:
            told.append(_result(block))
        elif block is not None:
            own.append(block)
    return told


def _result(block: dict[str, Any]) -> Message:
    said = joined(block.get("content"))
    if block.get("is_error") is True:
        said = f"[error] {said}".rstrip()
    return Message(role="tool", content=said, call_id=text(block.get("tool_use_id")))
