"""What the span of a model call says, by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import spans
from .types import Message, Reply


class Call:
    """The call under way; `answered` says what came. `mask` takes the trial's secrets out of contents."""

    def __init__(self, span: spans.Span | None, mask: Callable[[Message], Message]) -> None:
        self._span, self._mask = span, mask

    def answered(self, messages: Sequence[Message], reply: Reply) -> None:
        if self._span is None:
            return
        self._span.set(of_reply(reply))
        if self._span.content:
            self._span.set(contents(messages, reply, self._mask))


@contextmanager
def call(
    model: str,
    over: spans.Span | None,
    mask: Callable[[Message], Message],
    sent: spans.Attributes | None = None,
) -> Iterator[Call]:
    """Around a question to a model and its further tries. `over` is what it is a part of; `sent` are its parameters."""
    with spans.part(f"chat {model}", of_request(model, sent), client=True, over=over) as span:
        yield Call(span, mask)


def of_request(model: str, sent: spans.Attributes | None = None) -> dict[str, Any]:
    provider, mark, name = model.partition("/")
    found: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": name or model or None}
    found["gen_ai.provider.name"] = provider if mark and provider else None
    return found | {f"gen_ai.request.{key}": value for key, value in (sent or {}).items()}


def of_reply(reply: Reply) -> dict[str, Any]:
    return {
        "gen_ai.response.model": reply.model or None,
        "gen_ai.response.finish_reasons": [reply.stop],
        "gen_ai.usage.input_tokens": reply.prompt_tokens,
        "gen_ai.usage.output_tokens": reply.completion_tokens,
        "odcv.cost_usd": reply.cost,
    }


def contents(messages: Sequence[Message], reply: Reply, mask: Callable[[Message], Message]) -> dict[str, Any]:
    """What was said, as the conventions spell it."""
    clean = [mask(message) for message in messages]
    system = [{"type": "text", "content": m.content} for m in clean if m.role == "system"]
    return {
        "gen_ai.system_instructions": system or None,
        "gen_ai.input.messages": [_spelled(message) for message in clean if message.role != "system"],
        "gen_ai.output.messages": [_spelled(mask(reply.message)) | {"finish_reason": reply.stop}],
    }


def _spelled(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        part = {"type": "tool_call_response", "id": message.call_id, "response": message.content}
        return {"role": "tool", "parts": [part]}
    parts: list[dict[str, Any]] = []
    if message.reasoning:
        parts.append({"type": "reasoning", "content": message.reasoning})
    if message.content:
        parts.append({"type": "text", "content": message.content})
    for made in message.calls:
        arguments = made.parsed() or made.arguments
        parts.append({"type": "tool_call", "id": made.id, "name": made.name, "arguments": arguments})
    return {"role": message.role, "parts": parts}
