"""OpenAI's responses API. Items of the assistant that follow one another are one message, as they are in a reply."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ...model.types import Message, Reply, ToolCall
from ..exchange import SseEvent
from .values import assistant, call, count, dicts, dollars, inner, joined, note, text

_CUT = {"max_output_tokens": "length"}


def messages(body: dict[str, Any]) -> tuple[Message, ...] | None:
    """Where the server keeps the history, only what is sent."""
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        return None
    instructions = joined(body.get("instructions"))
    head = [Message(role="system", content=instructions)] if instructions else []
    return (*head, *_told(given))


def reply(body: dict[str, Any]) -> Reply | None:
    output, status = body.get("output"), body.get("status", "completed")
    if (
        not isinstance(output, list)
        or body.get("error")
        or status not in ("completed", "incomplete", "unknown")
    ):
        return None
    message = _assistant(dicts(output))
    cut = text(inner(body, "incomplete_details").get("reason"))
    stop = {"completed": "tool_calls" if message.calls else "stop", "incomplete": _CUT.get(cut, cut)}.get(
        status
    )
    if status == "completed" and not message.calls and _declines(output):
        stop = "refused"
    usage = inner(body, "usage")
    return Reply(
        message=message,
        stop=stop or "unknown",
        prompt_tokens=count(usage.get("input_tokens")),
        completion_tokens=count(usage.get("output_tokens")),
        cost=dollars(usage),
    )


def _declines(output: list[Any]) -> bool:
    """Whether all that is said is a refusal."""
    parts = [
        part
        for item in dicts(output)
        for part in dicts(item.get("content"))
        if item.get("type") != "reasoning"
    ]
    return bool(parts) and all(part.get("type") == "refusal" for part in parts)


def whole(events: Sequence[SseEvent]) -> dict[str, Any] | None:
    """The response that the last event holds; of a stream that has no such event, the items that are done."""
    done: list[Any] = []
    for data in (event.data for event in events):
        kind = data.get("type") if isinstance(data, dict) else None
        if kind in ("error", "response.failed"):
            return None
        if kind == "response.output_item.done":
            done.append(data.get("item"))
        elif kind in ("response.completed", "response.incomplete"):
            last = inner(data, "response")
            return last if last.get("output") or not done else last | {"output": done}
    return {"output": done, "status": "unknown"} if done else None


def _told(items: Iterable[dict[str, Any]]) -> list[Message]:
    told: list[Message] = []
    own: list[dict[str, Any]] = []
    for item in items:
        if _is_assistants(item):
            own.append(item)
            continue
        if own:
            told.append(_assistant(own))
            own = []
        told.append(_others(item))
    return [*told, _assistant(own)] if own else told


def _is_assistants(item: dict[str, Any]) -> bool:
    if "role" in item:
        return bool(item["role"] == "assistant")
    return not text(item.get("type")).endswith(("_output", "_response"))


def _others(item: dict[str, Any]) -> Message:
    if "role" not in item:
        answered = text(item.get("call_id") or item.get("approval_request_id"))
        content = _output(item["output"]) if "output" in item else note(item.get("type"))
        return Message(role="tool", content=content, call_id=answered)
    system = item["role"] in ("system", "developer")
    return Message(role="system" if system else "user", content=joined(item.get("content")))


def _output(output: Any) -> str:
    """Of a function a text or its parts; of a built-in tool any object."""
    parts = output if isinstance(output, list) else [output]
    if isinstance(output, str) or all(isinstance(part, dict) and "type" in part for part in parts):
        return joined(parts)
    return text(json.dumps(output, ensure_ascii=False))


def _assistant(items: Iterable[dict[str, Any]]) -> Message:
    texts: list[str] = []
    calls: list[ToolCall] = []
    thoughts: list[str] = []
    for item in items:
        kind = text(item.get("type"))
        if item.get("role") == "assistant" or kind == "message":
            _speak(joined(item.get("content"), ""), texts, thoughts)
        elif kind == "reasoning":
            thoughts += [
                text(part.get("text")) for name in ("summary", "content") for part in dicts(item.get(name))
            ]
        elif kind.endswith("_call") and isinstance(item.get("call_id"), str):
            calls.append(_call(kind, item, len(calls) + 1))
        else:
            texts.append(
                note(kind or "item_reference", item.get("id") if kind in ("", "item_reference") else None)
            )
    return assistant("\n".join(texts), calls, "\n".join(filter(None, thoughts)))


def _speak(said: str, texts: list[str], thoughts: list[str]) -> None:
    """PydanticAI sends reasoning that it cannot refer to back as a message of its own."""
    message = assistant(said, [], "")
    thoughts.append(message.reasoning)
    if message.content or not message.reasoning:
        texts.append(message.content)


def _call(kind: str, item: dict[str, Any], number: int) -> ToolCall:
    """A function's call, or that of a built-in tool (`shell_call`), which has its arguments under another name."""
    given = next((item[name] for name in ("arguments", "input", "action", "operation") if name in item), None)
    return call(item["call_id"], item.get("name") or kind.removesuffix("_call"), given, number)
