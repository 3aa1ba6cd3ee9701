"""What the model server of the tests writes on the wire: answers and streams of the OpenAI and Anthropic APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

_WHEN = 1_790_000_000
_PIECE = 6
"""Characters of a text delta: a little more than a token, so that every text comes in several."""


@dataclass(frozen=True)
class ScriptedTurn:
    """What the model answers: a text, calls of tools (name and arguments), or both. `reasoning` is what it lets be seen of its thinking."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    reasoning: str = ""


@dataclass(frozen=True)
class Plan:
    """One answer to give: the turn, its step (from 0), the request's body, prompt and completion tokens."""

    turn: ScriptedTurn
    step: int
    body: dict[str, Any]
    usage: tuple[int, int]
    model: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", str(self.body.get("model", "scripted")))

    def id(self, prefix: str) -> str:
        return f"{prefix}_{self.step + 1}"

    def calls(self) -> list[tuple[str, str, str]]:
        """Id, name and arguments as JSON text."""
        ids = [self.id("call") + (f"_{n}" if n > 1 else "") for n in range(1, len(self.turn.calls) + 1)]
        return [
            (i, name, json.dumps(arguments))
            for i, (name, arguments) in zip(ids, self.turn.calls, strict=True)
        ]


def shape_of(path: str) -> str:
    """`chat`, `responses`, `messages`, or "" for anything else."""
    path = path.partition("?")[0].rstrip("/")
    ends = {
        "/chat/completions": "chat",
        "/responses": "responses",
        "/messages": "messages",
        "/invocations": "chat",
    }
    for end, shape in ends.items():
        if path.endswith(end):
            return shape
    return ""


def steps_before(shape: str, body: dict[str, Any]) -> int:
    """Assistant turns in the request. Messages or items of the assistant that follow one another are one turn."""
    items = body.get("input" if shape == "responses" else "messages")
    kinds = (
        [_is_assistants(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    )
    number = str(body.get("previous_response_id") or "").rpartition("_")[2]
    return sum(1 for assistant, _ in groupby(kinds) if assistant) + (int(number) if number.isdigit() else 0)


def _is_assistants(item: dict[str, Any]) -> bool:
    return item.get("role") == "assistant" or item.get("type") in ("function_call", "reasoning")


def error_body(shape: str, status: int, text: str) -> dict[str, Any]:
    if shape == "messages":
        return {"type": "error", "error": {"type": "api_error", "message": text}}
    return {"error": {"message": text, "type": "scripted", "param": None, "code": str(status)}}


def answer_of(shape: str, plan: Plan) -> dict[str, Any]:
    return {"chat": _chat, "responses": _response, "messages": _message}[shape](plan)


def events_of(shape: str, plan: Plan) -> list[bytes]:
    """The server-sent events, each as bytes."""
    if shape == "chat":
        texts = [json.dumps(chunk, ensure_ascii=False) for chunk in _chat_chunks(plan)]
        return [f"data: {text}\n\n".encode() for text in [*texts, "[DONE]"]]
    events = _response_events(plan) if shape == "responses" else _message_events(plan)
    return [f"event: {e['type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n".encode() for e in events]


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


# --- OpenAI chat completions -----------------------------------------------------------------------------------------


def _chat_usage(plan: Plan) -> dict[str, Any]:
    prompt, completion = plan.usage
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": prompt // 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _chat(plan: Plan) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": plan.turn.text or None,
        "refusal": None,
        "annotations": [],
    }
    if plan.turn.reasoning:
        message["reasoning_content"] = plan.turn.reasoning
    if plan.turn.calls:
        message["tool_calls"] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in plan.calls()
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _chat_finish(plan)}
    return {
        "id": plan.id("chatcmpl"),
        "object": "chat.completion",
        "created": _WHEN + plan.step,
        "model": plan.model,
        "choices": [choice],
        "usage": _chat_usage(plan),
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }


def _chat_finish(plan: Plan) -> str:
    return "tool_calls" if plan.turn.calls else "stop"


def _chat_chunks(plan: Plan) -> Iterator[dict[str, Any]]:
    counts = bool((plan.body.get("stream_options") or {}).get("include_usage"))

    def chunk(delta: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
        choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        value: dict[str, Any] = {
            "id": plan.id("chatcmpl"),
            "object": "chat.completion.chunk",
            "created": _WHEN + plan.step,
            "model": plan.model,
            "service_tier": "default",
            "system_fingerprint": "fp_scripted",
            "choices": [] if delta is None else choices,
        }
        if counts:
            value["usage"] = _chat_usage(plan) if delta is None else None
        return value | {"obfuscation": "x7Qz"[: 1 + len(str(delta)) % 4]}

    yield chunk({"role": "assistant", "content": None if plan.turn.calls else "", "refusal": None})
    for piece in _pieces(plan.turn.reasoning):
        yield chunk({"reasoning_content": piece})
    for piece in _pieces(plan.turn.text):
        yield chunk({"content": piece})
    for index, (id, name, arguments) in enumerate(plan.calls()):
        head = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
        yield chunk({"tool_calls": [head]})
        for piece in _pieces(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _chat_finish(plan))
    if counts:
        yield chunk(None)


# --- OpenAI responses ------------------------------------------------------------------------------------------------


def _response_items(plan: Plan) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if plan.turn.reasoning:
        summary = [{"type": "summary_text", "text": plan.turn.reasoning}]
        items.append({"id": plan.id("rs"), "type": "reasoning", "summary": summary})
    if plan.turn.text:
        content = [{"type": "output_text", "annotations": [], "logprobs": [], "text": plan.turn.text}]
        items.append(
            {
                "id": plan.id("msg"),
                "type": "message",
                "status": "completed",
                "content": content,
                "role": "assistant",
            }
        )
    for id, name, arguments in plan.calls():
        items.append(
            {
                "id": id.replace("call", "fc"),
                "type": "function_call",
                "status": "completed",
                "arguments": arguments,
                "call_id": id,
                "name": name,
            }
        )
    return items


def _response(plan: Plan) -> dict[str, Any]:
    prompt, completion = plan.usage
    body = plan.body
    return {
        "id": plan.id("resp"),
        "object": "response",
        "created_at": _WHEN + plan.step,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": None,
        "model": plan.model,
        "output": _response_items(plan),
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": prompt // 2, "cache_write_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        },
        "user": None,
        "metadata": {},
    }


def _response_events(plan: Plan) -> Iterator[dict[str, Any]]:
    for number, event in enumerate(_unnumbered_events(plan)):
        yield event | {"sequence_number": number}


def _unnumbered_events(plan: Plan) -> Iterator[dict[str, Any]]:
    done = _response(plan)
    begun = done | {"status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(done["output"]):
        yield from _item_events(index, item)
    yield {"type": "response.completed", "response": done}


def _item_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    at = {"output_index": index, "item_id": item["id"]}
    kind = item["type"]
    if kind == "function_call":
        yield {
            "type": "response.output_item.added",
            "output_index": index,
            "item": _begun(item, arguments=""),
        }
        for piece in _pieces(item["arguments"]):
            yield {
                "type": "response.function_call_arguments.delta",
                **at,
                "delta": piece,
                "obfuscation": "k3J",
            }
        whole = {"arguments": item["arguments"], "name": item["name"]}
        yield {"type": "response.function_call_arguments.done", **at, **whole}
    elif kind == "message":
        yield {"type": "response.output_item.added", "output_index": index, "item": _begun(item, content=[])}
        part = item["content"][0]
        at |= {"content_index": 0}
        yield {"type": "response.content_part.added", **at, "part": part | {"text": ""}}
        for piece in _pieces(part["text"]):
            yield {
                "type": "response.output_text.delta",
                **at,
                "delta": piece,
                "logprobs": [],
                "obfuscation": "Zp1",
            }
        yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **at, "part": part}
    else:
        yield {"type": "response.output_item.added", "output_index": index, "item": item | {"summary": []}}
        part = item["summary"][0]
        at |= {"summary_index": 0}
        yield {"type": "response.reasoning_summary_part.added", **at, "part": part | {"text": ""}}
        for piece in _pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece, "obfuscation": "s"}
        yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _begun(item: dict[str, Any], **empty: object) -> dict[str, Any]:
    return item | {"status": "in_progress"} | empty


# --- Anthropic messages ----------------------------------------------------------------------------------------------


def _message(plan: Plan) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if plan.turn.reasoning:
        content.append({"type": "thinking", "thinking": plan.turn.reasoning, "signature": "c2lnbmVk"})
    if plan.turn.text:
        content.append({"type": "text", "text": plan.turn.text})
    for id, name, arguments in plan.calls():
        content.append({"type": "tool_use", "id": id, "name": name, "input": json.loads(arguments)})
    prompt, completion = plan.usage
    cached = prompt // 2
    return {
        "id": plan.id("msg"),
        "type": "message",
        "role": "assistant",
        "model": plan.model,
        "content": content,
        "stop_reason": "tool_use" if plan.turn.calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": prompt - cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": completion,
            "service_tier": "standard",
        },
    }


def _message_events(plan: Plan) -> Iterator[dict[str, Any]]:
    whole = _message(plan)
    usage = whole["usage"]
    begun = {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    yield {"type": "message_start", "message": whole | begun}
    for index, block in enumerate(whole["content"]):
        yield from _block_events(index, block)
        if index == 0:
            yield {"type": "ping"}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
        "usage": {"output_tokens": usage["output_tokens"]},
    }
    yield {"type": "message_stop"}


def _block_events(index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "tool_use":
        empty: dict[str, Any] = block | {"input": {}}
        deltas = [
            {"type": "input_json_delta", "partial_json": p}
            for p in ["", *_pieces(json.dumps(block["input"]))]
        ]
    elif block["type"] == "text":
        empty = block | {"text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
    else:
        empty = block | {"thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}
