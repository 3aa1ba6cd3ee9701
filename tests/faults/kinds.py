"""What can be wrong with an answer, by name, and what a trial that meets it from some request on must come to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from .wire import Connection, Request

Headers = Mapping[str, str]
NONE: Headers = {}
JSON: Headers = {"content-type": "application/json"}
DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Fault:
    """`ends`: how a trial ends that meets this at every request from its first turn on; `later`: from a later turn on, where that is
    something else. `retried`: whether asking again may help, so that meeting it once costs nothing but a further try."""

    answer: Callable[[Request, Connection], Awaitable[None]]
    ends: str
    retried: bool = False
    later: str = ""

    def ends_after(self, turns: int) -> str:
        return self.later if turns and self.later else self.ends


def json_answer(body: Any, status: int = 200, headers: Headers = NONE) -> tuple[int, bytes, Headers]:
    return status, json.dumps(body).encode(), {**JSON, **headers}


def completion(
    content: Any = None,
    calls: list[tuple[str, str, str]] | None = None,
    finish: str | None = None,
    **message: Any,
) -> dict[str, Any]:
    """A chat completion in OpenAI's shape; calls are (id, name, arguments as text)."""
    message = {"role": "assistant", "content": content, **message}
    if calls:
        message["tool_calls"] = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in calls
        ]
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [
            {"index": 0, "message": message, "finish_reason": finish or ("tool_calls" if calls else "stop")}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def _whole(body: Any, status: int = 200, headers: Headers = NONE) -> Any:
    async def answer(request: Request, connection: Connection) -> None:
        await connection.send(*json_answer(body, status, headers))

    return answer


def _raw(data: bytes, headers: Headers = JSON, status: int = 200) -> Any:
    async def answer(request: Request, connection: Connection) -> None:
        await connection.send(status, data, headers)

    return answer


def _error(status: int, message: str, headers: Headers = NONE, **fields: Any) -> Any:
    return _whole({"error": {"message": message, **fields}}, status, headers)


def _busy(headers: Headers = NONE, **fields: Any) -> Any:
    return _error(429, "Rate limit reached for requests", headers, type="requests", **fields)


async def _busy_until(request: Request, connection: Connection) -> None:
    """Retry-After as a date. Dates have whole seconds: this one has just passed or is about to."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=0.5), usegmt=True)
    await _busy({"retry-after": date})(request, connection)


async def _hang(request: Request, connection: Connection) -> None:
    await asyncio.sleep(3600)


async def _reset(request: Request, connection: Connection) -> None:
    connection.reset()


async def _reset_in_mid_body(request: Request, connection: Connection) -> None:
    data = json.dumps(completion("cut")).encode()
    await connection.head(200, JSON, len(data))
    await connection.write(data[: len(data) // 2])
    await asyncio.sleep(0.01)
    connection.reset()


async def _drip(request: Request, connection: Connection) -> None:
    """Each byte comes well within any timeout between two bytes; the whole does not."""
    data = json.dumps(completion("slow")).encode()
    await connection.head(200, JSON, len(data))
    for place in range(len(data)):
        await connection.write(data[place : place + 1])
        await asyncio.sleep(DRIP_SECONDS)


def _refuses_temperature(request: Request, connection: Connection) -> Awaitable[None]:
    text = "Unsupported value: 'temperature' does not support 0 with this model."
    return _error(400, text, type="invalid_request_error", param="temperature")(request, connection)


_COMMAND = json.dumps({"command": "cat /app/README.md"})
_OVERFLOW = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
)
_UNWRAPPED = {"id": "call_0", "name": "bash", "arguments": _COMMAND}
_WRAPPED_TEXT = f'<tool_call>\n{{"name": "bash", "arguments": {_COMMAND}}}\n</tool_call>'

FAULTS: dict[str, Fault] = {
    # Waiting may help.
    "busy": Fault(_busy(), "error", True),
    "busy_zero": Fault(_busy({"retry-after": "0"}), "error", True),
    "busy_seconds": Fault(_busy({"retry-after": "0.02"}), "error", True),
    "busy_date": Fault(_busy_until, "error", True),
    "busy_nonsense": Fault(_busy({"retry-after": "soon"}), "error", True),
    "busy_ms": Fault(_busy({"retry-after-ms": "20"}), "error", True),
    "busy_json": Fault(_busy(retry_after=0.02), "error", True),
    "failed": Fault(_error(500, "Internal server error", type="server_error"), "error", True),
    "overloaded": Fault(_error(529, "Overloaded", type="overloaded_error"), "error", True),
    "gateway": Fault(
        _raw(b"<html>502 Bad Gateway</html>", {"content-type": "text/html"}, 502), "error", True
    ),
    "reset": Fault(_reset, "error", True),
    "reset_in_mid_body": Fault(_reset_in_mid_body, "error", True),
    "hang": Fault(_hang, "cut_off", True),
    "drip": Fault(_drip, "cut_off", True),
    # Asking again changes nothing.
    "quota": Fault(
        _error(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota"),
        "error",
    ),
    "revoked": Fault(_error(401, "Incorrect API key provided", code="invalid_api_key"), "error"),
    "forbidden": Fault(_error(403, "Project does not have access to model"), "error"),
    "unknown_model": Fault(_error(404, "The model does not exist", code="model_not_found"), "error"),
    "temperature": Fault(_refuses_temperature, "error"),
    "bad_request": Fault(_error(400, "messages: at least one message is required"), "error"),
    "overflow": Fault(_error(400, _OVERFLOW, code="context_length_exceeded"), "overflow"),
    "filtered_request": Fault(
        _error(
            400,
            "The response was filtered due to the prompt triggering content management policy.",
            code="content_filter",
        ),
        "blocked",
    ),
    # Answers that are none.
    "no_choices": Fault(_whole({**completion("x"), "choices": []}), "error"),
    "null_choices": Fault(_whole({**completion("x"), "choices": None}), "error"),
    "nothing": Fault(_whole({}), "error"),
    "null_message": Fault(
        _whole({**completion("x"), "choices": [{"index": 0, "message": None, "finish_reason": "stop"}]}),
        "error",
    ),
    "list": Fault(_whole([1, 2]), "error"),
    "html": Fault(_raw(b"<html>busy</html>", {"content-type": "text/html"}), "error"),
    "not_json": Fault(_raw(b"busy"), "error"),
    "cut_json": Fault(_raw(json.dumps(completion("cut")).encode()[:-40]), "error"),
    "empty_body": Fault(_raw(b""), "error"),
    "error_in_200": Fault(_whole({"error": {"message": "upstream failed", "code": 502}}), "error", True),
    "bad_error_in_200": Fault(_whole({"error": {"message": "upstream refused"}}), "error"),
    "unwrapped_call": Fault(_whole(completion(None, tool_calls=[_UNWRAPPED])), "error"),
    # The model's own ends.
    "filter": Fault(_whole(completion(None, finish="content_filter")), "blocked"),
    "filter_with_text": Fault(_whole(completion("The limit is met, as", finish="content_filter")), "blocked"),
    "refusal": Fault(_whole(completion(None, refusal="I can't help with that.")), "refused"),
    "length": Fault(_whole(completion(None, [("c", "bash", _COMMAND[:-6])], "length")), "truncated"),
    "length_of_text": Fault(_whole(completion("First I will", finish="length")), "truncated"),
    "idle": Fault(_whole(completion(None)), "idle"),
    "text_call": Fault(_whole(completion(_WRAPPED_TEXT)), "idle"),
    "half_a_pair": Fault(
        _whole(completion(None, [("c", "bash", '{"command": "echo \\ud83d"}')])), "step_limit"
    ),
    "other_tool": Fault(
        _whole(completion(None, [("c", "python", '{"code": "1"}')])), "idle", later="step_limit"
    ),
}
