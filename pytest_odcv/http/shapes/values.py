"""What the APIs have in common: texts made of parts, calls, counts. Takes any JSON and returns what is of use in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ...model.native import distinct
from ...model.types import Message, ToolCall, canonical_arguments

_NOTES = {
    "image_url": "image",
    "input_image": "image",
    "input_audio": "audio",
    "input_file": "file",
    "document": "file",
}
_LONGEST_NOTE = 60
_THINKING = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)


def text(value: object) -> str:
    """`value` if it is text, "" otherwise. Halves of surrogate pairs, which no UTF-8 can hold, become question marks."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def dicts(value: object) -> Iterator[dict[str, Any]]:
    """The objects in a list; nothing where it is no list."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under `name`; an empty one where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def note(kind: object, detail: object = None) -> str:
    """What stands for a part that is no text."""
    name = text(kind) or "part"
    said = " ".join([_NOTES.get(name, name), text(detail)]).strip()
    return f"[{said[:_LONGEST_NOTE]}]"


def joined(content: object, glue: str = "\n") -> str:
    """Content that is a text or a list of parts. The parts of an answer are glued with "": they are pieces of one text."""
    if not isinstance(content, list):
        return text(content)
    parts = [
        part if isinstance(part, str) else _part(part) for part in content if isinstance(part, (str, dict))
    ]
    return glue.join(text(part) for part in parts)


def _part(part: dict[str, Any]) -> str:
    for name in ("text", "refusal"):
        if isinstance(part.get(name), str):
            return text(part[name])
    return note(part.get("type"))


def call(id: object, name: object, arguments: object, number: int) -> ToolCall:
    """`arguments` is JSON text, or the object itself as some servers send it. `number` makes an id where there is none."""
    raw = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    return ToolCall(
        id=text(id) or f"call_{number}",
        name=text(name),
        arguments=text(canonical_arguments(raw.strip() or "{}")),
    )


def assistant(content: str, calls: list[ToolCall], reasoning: str) -> Message:
    """An assistant message. Thinking that a server left in the text is taken out of it."""
    thought = _THINKING.match(content)
    if thought:
        content = content[thought.end() :]
        reasoning = "\n".join(filter(None, [reasoning, thought[1].strip()]))
    return Message(role="assistant", content=content, calls=tuple(calls), reasoning=reasoning)


def without_thoughts(content: object) -> tuple[object, str]:
    """Content without the parts of a list that are thinking, and these as text: Mistral's models think so."""
    if not isinstance(content, list):
        return content, ""
    thoughts = [part for part in dicts(content) if part.get("type") in ("thinking", "reasoning")]
    said = [part for part in content if part not in thoughts]
    texts = [joined(part.get("thinking", part.get("text")), "") for part in thoughts]
    return said, "".join(texts)


def told_apart(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The same with an id of its own for each call of a message: some servers give parallel calls one id, and results are matched to
    calls by it, in their order."""
    told: list[Message] = []
    renamed: dict[str, list[str]] = {}
    for message in messages:
        if len({call.id for call in message.calls}) < len(message.calls):
            renamed = {}
            calls: list[ToolCall] = []
            for call in message.calls:
                id = distinct(call.id, {known.id for known in calls})
                renamed.setdefault(call.id, []).append(id)
                calls.append(call.model_copy(update={"id": id}))
            message = message.model_copy(update={"calls": tuple(calls)})
        elif message.calls:
            renamed = {}
        elif renamed.get(message.call_id):
            message = message.model_copy(update={"call_id": renamed[message.call_id].pop(0)})
        told.append(message)
    return tuple(told)


def count(value: object) -> int | None:
    """Tokens, where `value` is a count."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def dollars(usage: dict[str, Any]) -> float | None:
    """What OpenRouter and others state as `usage.cost`."""
    cost = usage.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, (int, float)):
        return None
    return float(cost) if 0 <= cost < 1e9 and math.isfinite(cost) else None
