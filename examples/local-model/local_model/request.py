"""OpenAI's chat completion request, read into what the rest of the package works with, or refused as OpenAI refuses it.

Parameters that only concern OpenAI's service (user, store, metadata ...) are ignored. Those that would change the answer and
are not supported are errors: an answer to another question than the one asked would be worse. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .engine import Sampling
from .grammar import SchemaError, for_schema, for_tools
from .prompt import Call, Role, Tool, Turn

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class ApiError(Exception):
    """An answer other than 200. `status` is HTTP's; the rest is what OpenAI's clients expect to read."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, dict[str, Any]] = {
            "error": {
                "message": message,
                "type": "invalid_request_error" if status < 500 else "server_error",
                "param": param,
                "code": code,
            }
        }


@dataclass(frozen=True, slots=True)
class Request:
    """`tools` are those that may be called: none when the answer is to be text. `grammar` bounds the answer."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    grammar: str | None
    sampling: Sampling
    stream: bool
    stream_usage: bool


def parse(body: Any, *, model: str, max_tokens: int) -> Request:
    """The request in a decoded JSON body. `max_tokens` bounds what it may ask for. Raises ApiError."""
    if not isinstance(body, Mapping):
        raise ApiError(400, f"The body must be a JSON object, not {_kind(body)}.")
    asked = _get(body, "model", str, None)
    if asked is None:
        raise _bad("model", f"must be given: {model!r}")
    if asked != model:
        raise ApiError(
            404, f"There is no model {asked!r} here, only {model!r}.", param="model", code="model_not_found"
        )
    _refuse_unsupported(body)
    turns = _turns(body)
    tools = _offered(body)
    grammar = _grammar(body, tools)
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else (stop or [])
    if (
        not isinstance(stops, list)
        or len(stops) > 4
        or not all(isinstance(text, str) and text for text in stops)
    ):
        raise _bad("stop", "must be a text or a list of at most 4 texts")
    wanted = _number(body, "max_tokens", int, 1, 10**9, max_tokens)
    wanted = _number(body, "max_completion_tokens", int, 1, 10**9, wanted)
    sampling = Sampling(
        max_tokens=min(wanted, max_tokens),
        temperature=_number(body, "temperature", float, 0, 2, 0.0),
        top_p=_number(body, "top_p", float, 0, 1, 1.0),
        seed=_number(body, "seed", int, -(2**63), 2**63, 0) % 2**31,  # llama.cpp takes 2**32 - 1 as "any"
        stop=() if grammar else tuple(stops),  # within a call a stop would cut JSON
    )
    options = _get(body, "stream_options", Mapping, {})
    return Request(
        turns,
        tools,
        grammar,
        sampling,
        bool(_get(body, "stream", bool, False)),
        bool(options.get("include_usage")),
    )


def _refuse_unsupported(body: Mapping[str, Any]) -> None:
    if (body.get("n") or 1) != 1:
        raise _bad("n", "must be 1: this server gives one answer a request")
    for name in ("logprobs", "top_logprobs", "logit_bias", "functions", "function_call", "audio"):
        if body.get(name):
            raise _bad(name, "is not supported by this server; leave it out")


def _turns(body: Mapping[str, Any]) -> tuple[Turn, ...]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad("messages", "must be a list with at least one message")
    known: set[str] = set()
    turns = []
    for at, message in enumerate(messages):
        place = f"messages[{at}]"
        if not isinstance(message, Mapping):
            raise _bad(place, f"must be an object, not {_kind(message)}")
        role = ROLES.get(str(message.get("role")))
        if role is None:
            raise _bad(f"{place}.role", f"is {message.get('role')!r}; expected one of {', '.join(ROLES)}")
        if role == "tool" and message.get("tool_call_id") not in known:
            raise _bad(
                f"{place}.tool_call_id", "must be the id of a call that an earlier assistant message made"
            )
        calls = _calls(message, place, known) if role == "assistant" else ()
        turns.append(Turn(role, _content(message.get("content"), place), calls))
    return tuple(turns)


def _calls(message: Mapping[str, Any], place: str, known: set[str]) -> tuple[Call, ...]:
    calls = []
    for at, call in enumerate(_get(message, "tool_calls", list, [], place)):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not all(
            isinstance(function.get(k), str) for k in ("name", "arguments")
        ):
            raise _bad(
                f"{place}.tool_calls[{at}]", "must have a function with a name and arguments, both texts"
            )
        if not isinstance(call.get("id"), str):
            raise _bad(f"{place}.tool_calls[{at}].id", "must be a text")
        known.add(call["id"])
        calls.append(Call(function["name"], function["arguments"]))
    return tuple(calls)


def _content(content: Any, place: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [
        part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None
        for part in parts
    ]
    if not all(isinstance(text, str) for text in texts):
        raise _bad(
            f"{place}.content", "must be a text, or a list of parts of type text: this model only reads"
        )
    return "\n".join(str(text) for text in texts)


def _offered(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools of which one is to be called now.

    `auto` is taken as `required`: left to itself a model of this size writes about calls and never makes one.
    """
    tools: dict[str, Tool] = {}
    for at, item in enumerate(_get(body, "tools", list, [])):
        place = f"tools[{at}].function"
        function = (
            item.get("function") if isinstance(item, Mapping) and item.get("type") == "function" else None
        )
        if not isinstance(function, Mapping):
            raise _bad(f"tools[{at}]", "must be of type function and hold a function")
        name = function.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) or name in tools:
            raise _bad(
                f"{place}.name", "must be 1 to 64 letters, digits, _ or -, and not the name of another tool"
            )
        description = _get(function, "description", str, "", place)
        tools[name] = Tool(name, description, _get(function, "parameters", Mapping, {}, place))
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        named = choice.get("function")
        name = named.get("name") if isinstance(named, Mapping) else None
        if name not in tools:
            raise _bad("tool_choice", f"names {name!r}; the tools are: {', '.join(tools) or 'none'}")
        return (tools[name],)
    if choice not in (None, "auto", "required", "none"):
        raise _bad("tool_choice", f"is {choice!r}; expected auto, required, none or a function's name")
    if choice == "required" and not tools:
        raise _bad("tool_choice", "is required, but there are no tools")
    return () if choice == "none" else tuple(tools.values())


def _grammar(body: Mapping[str, Any], tools: Sequence[Tool]) -> str | None:
    wanted = _get(body, "response_format", Mapping, {"type": "text"})
    kind = wanted.get("type")
    if kind not in ("text", "json_schema"):
        raise _bad("response_format.type", f"is {kind!r}; this server knows text and json_schema")
    try:
        if tools:
            return for_tools([(tool.name, tool.parameters) for tool in tools])
        if kind == "text":
            return None
        holder = _get(wanted, "json_schema", Mapping, {}, "response_format")
        return for_schema(_get(holder, "schema", Mapping, {}, "response_format.json_schema"))
    except SchemaError as error:
        raise _bad("tools" if tools else "response_format", str(error)) from error


def _get(
    body: Mapping[str, Any], name: str, kind: type | tuple[type, ...], default: Any, place: str = ""
) -> Any:
    """A member of a type, or the default where it is absent or null."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise _bad(f"{place}.{name}" if place else name, f"has the wrong type: {_kind(value)}")
    return value


def _number(body: Mapping[str, Any], name: str, kind: type, low: float, high: float, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    right = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not right or not low <= value <= high:
        raise _bad(
            name,
            f"is {value!r}; expected {'a whole number' if kind is int else 'a number'} from {low} to {high}",
        )
    return value


def _kind(value: Any) -> str:
    names: dict[type, str] = {
        str: "a text",
        list: "a list",
        dict: "an object",
        bool: "a boolean",
        type(None): "null",
    }
    return names.get(type(value), "a number")


def _bad(param: str, problem: str) -> ApiError:
    return ApiError(400, f"{param} {problem}.", param=param)
