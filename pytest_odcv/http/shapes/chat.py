"""OpenAI's chat completions, as OpenAI and the many servers with the same API speak them. Of several choices the first counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.types import Message, Reply, ToolCall
from ..exchange import SseEvent
from .values import assistant, call, count, dicts, dollars, inner, joined, text, without_thoughts

_ROLES = {"system": "system", "developer": "system", "tool": "tool", "function": "tool"}


def messages(body: dict[str, Any]) -> tuple[Message, ...] | None:
    sent = body.get("messages")
    if not isinstance(sent, list) or not all(
        isinstance(m, dict) and isinstance(m.get("role"), str) for m in sent
    ):
        return None
    return tuple(map(_message, sent))


def reply(body: dict[str, Any]) -> Reply | None:
    choice = next(dicts(body.get("choices")), None)
    if choice is None or not isinstance(choice.get("message"), dict):
        return None
    usage = inner(body, "usage")
    message = _assistant(choice["message"])
    declined = bool(text(choice["message"].get("refusal"))) and not message.calls
    return Reply(
        message=message,
        stop="refused" if declined else text(choice.get("finish_reason")) or "unknown",
        prompt_tokens=count(usage.get("prompt_tokens")),
        completion_tokens=count(usage.get("completion_tokens")),
        cost=dollars(usage),
    )


def whole(events: Sequence[SseEvent]) -> dict[str, Any] | None:
    message: dict[str, Any] = {"role": "assistant"}
    calls: list[dict[str, Any]] = []
    finish, usage, seen = None, None, False
    for chunk in (event.data for event in events):
        if not isinstance(chunk, dict):
            continue
        if chunk.get("error"):
            return None
        usage = chunk.get("usage") or usage
        for choice in dicts(chunk.get("choices")):
            if choice.get("index"):
                continue
            seen = True
            finish = choice.get("finish_reason") or finish
            _add(message, calls, inner(choice, "delta"))
    if not seen:
        return None
    message["tool_calls"] = calls
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def _add(message: dict[str, Any], calls: list[dict[str, Any]], delta: dict[str, Any]) -> None:
    for name in ("content", "refusal", "reasoning_content", "reasoning"):
        if isinstance(delta.get(name), str):
            message[name] = text(message.get(name)) + delta[name]
    if isinstance(delta.get("content"), list):
        said, thought = without_thoughts(delta["content"])
        message["content"] = text(message.get("content")) + joined(said, "")
        message["reasoning"] = text(message.get("reasoning")) + thought
    if isinstance(delta.get("function_call"), dict):
        _grow(message.setdefault("function_call", {"name": "", "arguments": ""}), delta["function_call"])
    for piece in dicts(delta.get("tool_calls")):
        _grow(_slot(calls, piece)["function"], inner(piece, "function"))


def _slot(calls: list[dict[str, Any]], piece: dict[str, Any]) -> dict[str, Any]:
    """The call that a piece belongs to. Some servers number every call 0: another id is then another call."""
    index, id = piece.get("index", len(calls)), text(piece.get("id"))
    known: dict[str, Any]
    for known in reversed(calls):
        if known["index"] == index and (not id or known["id"] in ("", id)):
            known["id"] = known["id"] or id
            return known
    begun: dict[str, Any] = {"index": index, "id": id, "function": {"name": "", "arguments": ""}}
    calls.append(begun)
    return begun


def _grow(function: dict[str, Any], piece: dict[str, Any]) -> None:
    function["name"] = function["name"] or text(piece.get("name"))
    arguments = piece.get("arguments")
    if isinstance(arguments, str):
        function["arguments"] += arguments


def _message(sent: dict[str, Any]) -> Message:
    if sent["role"] == "assistant":
        return _assistant(sent)
    role = _ROLES.get(sent["role"], "user")
    content = joined(sent.get("content"))
    if role == "tool":
        return Message(
            role="tool", content=content, call_id=text(sent.get("tool_call_id") or sent.get("name"))
        )
    return Message(role="system" if role == "system" else "user", content=content)


def _assistant(message: dict[str, Any]) -> Message:
    calls = [_call(sent, number) for number, sent in enumerate(dicts(message.get("tool_calls")), 1)]
    single = inner(message, "function_call")
    if single:
        calls.append(call(None, single.get("name"), single.get("arguments"), len(calls) + 1))
    said, thought = without_thoughts(message.get("content"))
    content = joined(said, "") + text(message.get("refusal"))
    reasoning = text(message.get("reasoning_content")) or text(message.get("reasoning")) or thought
    return assistant(content, calls, reasoning)


def _call(sent: dict[str, Any], number: int) -> ToolCall:
    custom = inner(sent, "custom")
    if custom:
        return call(sent.get("id"), custom.get("name"), custom.get("input"), number)
    function = inner(sent, "function")
    return call(sent.get("id"), function.get("name"), function.get("arguments"), number)
