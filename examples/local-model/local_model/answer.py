"""OpenAI's chat completion, whole or in streamed pieces, made of what the engine wrote. Pure functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from .engine import Completion
from .grammar import call_text
from .prompt import Tool
from .request import ApiError


def answer(
    completion: Completion, *, prompt: str, tools: Sequence[Tool], model: str, created: int
) -> dict[str, Any]:
    """The `chat.completion` object. Its ids are derived from prompt and answer: the same in every process.

    `created` is in seconds since 1970. Raises ApiError (500) when the engine left the grammar of calls that it was given.
    """
    identity = hashlib.sha256(f"{prompt}\0{completion.text}".encode()).hexdigest()[:24]
    message: dict[str, Any] = {"role": "assistant", "content": completion.text}
    finish: str = completion.stop
    call = _call(completion, tools) if tools else None
    if call is not None:
        name, arguments = call
        function = {"name": name, "arguments": arguments}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": f"call_{identity}", "type": "function", "function": function}],
        }
        finish = "length" if completion.stop == "length" else "tool_calls"
    return {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": completion.prompt_tokens,
            "completion_tokens": completion.completion_tokens,
            "total_tokens": completion.prompt_tokens + completion.completion_tokens,
        },
    }


def _call(completion: Completion, tools: Sequence[Tool]) -> tuple[str, str] | None:
    """Name and arguments of a call. One that was cut off by its length keeps the arguments it has, as OpenAI's do; None where
    not even the name is whole."""
    for tool in tools:
        before, after = call_text(tool.name, "\n").split("\n")
        if completion.text.startswith(before):
            arguments = completion.text.removeprefix(before)
            if completion.stop == "length":
                return tool.name, arguments
            arguments = arguments.removesuffix(after)
            if _is_object(arguments):
                return tool.name, arguments
    if completion.stop == "length":
        return None
    raise ApiError(500, f"The model was to call a tool and wrote {completion.text!r}. Please report this.")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def chunks(whole: dict[str, Any], *, usage: bool) -> Iterator[dict[str, Any]]:
    """The `chat.completion.chunk` objects that add up to a completion; a last one with the usage if asked for."""
    base = {key: whole[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    extra = {"usage": None} if usage else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {
            **base,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            **extra,
        }

    choice = whole["choices"][0]
    message = choice["message"]
    yield chunk({"role": "assistant", "content": None if message.get("tool_calls") else ""})
    for at, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        yield chunk(
            {"tool_calls": [{**call, "index": at, "function": {"name": function["name"], "arguments": ""}}]}
        )
        for piece in _pieces(function["arguments"]):
            yield chunk({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    for piece in _pieces(message["content"] or ""):
        yield chunk({"content": piece})
    yield chunk({}, choice["finish_reason"])
    if usage:
        yield {**base, "choices": [], "usage": whole["usage"]}


def _pieces(text: str) -> Iterator[str]:
    """Of some characters each: a client that mends pieces wrongly should be found out here."""
    return (text[at : at + 16] for at in range(0, len(text), 16))
