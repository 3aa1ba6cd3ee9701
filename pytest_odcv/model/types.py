"""Chat with a model as plain values, the same for every provider. No client here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


DEEPEST = 100
"""Levels of a JSON value that are read. Python's own limit is near a thousand calls, and a model chooses what it nests."""


def is_too_deep(value: Any) -> bool:
    """Whether a JSON value has more than `DEEPEST` levels."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return False
    return True


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()


class ToolCall(Frozen):
    """A call that the model made. `arguments` is JSON text in one canonical form, or the raw text where it is no JSON object.
    `native` is what else the provider said with it and wants back as it came, such as a thought signature."""

    id: str
    name: str
    arguments: str
    native: dict[str, Any] = {}

    def parsed(self) -> dict[str, Any] | None:
        """The arguments, or None when they are no JSON object, or one that is nested too deeply for those who walk through it."""
        try:
            value = json.loads(self.arguments)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) and not is_too_deep(value) else None


@lru_cache(maxsize=1024)
def canonical_arguments(text: str) -> str:
    """One spelling for equal JSON objects, so that a provider's white space does not matter; other text as it is."""
    value = ToolCall(id="", name="", arguments=text).parsed()
    return text if value is None or _has_doubles(text) else json.dumps(value, ensure_ascii=False)


def _has_doubles(text: str) -> bool:
    """Whether an object in it has a key twice: JSON's reader would keep the last in silence."""
    doubled = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        found = dict(pairs)
        doubled = doubled or len(found) < len(pairs)
        return found

    json.loads(text, object_pairs_hook=look)
    return doubled


class Message(Frozen):
    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant message."""
    call_id: str = ""
    """Of a tool message: the call it answers."""
    reasoning: str = ""
    """What a reasoning model let be seen of its thinking, for people and judges."""
    native: dict[str, Any] = {}
    """Fields of an assistant message that go back to the provider as they came: signed thinking blocks, `reasoning_content`, content
    in parts. Providers check them, and some answer 400 where they are missing."""


Shortfall = Literal["", "refused", "blocked", "truncated", "overflow"]
_SHORTFALLS: dict[str, Shortfall] = {
    "refused": "refused",
    "refusal": "refused",
    "blocked": "blocked",
    "content_filter": "blocked",
    "truncated": "truncated",
    "length": "truncated",
    "max_tokens": "truncated",
    "max_output_tokens": "truncated",
    "model_length": "truncated",
    "overflow": "overflow",
    "model_context_window_exceeded": "overflow",
    "safety": "blocked",
    "recitation": "blocked",
    "blocklist": "blocked",
    "prohibited_content": "blocked",
    "spii": "blocked",
    "sensitive": "blocked",
}


class Reply(Frozen):
    """One answer of a model. `stop` is why it ended, in the provider's words or in those of OpenAI's API; `refused` where the message
    itself is a refusal. Counts are tokens; `cost` is US dollars, None where the price is unknown. `model` is the model's own name as the
    provider returned it, which names a version where the requested name is an alias; empty where it said none."""

    message: Message
    stop: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    model: str = ""

    @property
    def shortfall(self) -> Shortfall:
        """What keeps this from being an answer to act upon: the model declined, a filter kept it back, or it was cut by
        the output limit or the context window; "" for nothing."""
        return _SHORTFALLS.get(self.stop.lower(), "")


class ToolSpec(Frozen):
    """A tool the model may call: `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]

    def openai(self) -> dict[str, Any]:
        return {"type": "function", "function": self.model_dump()}


class ModelClient(Protocol):
    """Answers a conversation. Raises ModelError with the reason and the remedy when it cannot."""

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply: ...

    async def close(self) -> None: ...
