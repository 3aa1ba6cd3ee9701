"""Reads litellm's answers as our values, and writes our messages as litellm wants them.

What a provider says beside text and calls (signed thinking, reasoning, thought signatures) is kept as it came and goes back as it
came. litellm renames such fields; where the server speaks OpenAI's API, they are taken from what the server really said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from .types import Message, Reply, ToolCall, canonical_arguments

_OURS = (
    "role",
    "content",
    "tool_calls",
    "function_call",
    "refusal",
    "annotations",
    "audio",
    "images",
    "name",
)
"""Fields of a message that are read, or that no provider wants back."""
_CALL = ("id", "type", "function", "index")


class Unreadable(ValueError):
    """An answer that is none; the text says what is wrong with it."""


def reply_of(response: Any, raw: Any) -> Reply:
    """The reply in litellm's `response`; `raw` is the server's own JSON. Raises Unreadable."""
    choices = getattr(response, "choices", None)
    if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
        raise Unreadable(
            "its list of choices is empty" if choices == [] else "it holds no choice with a message"
        )
    choice, said = choices[0], _raw_choice(raw).get("message") or {}
    if isinstance(failed := _raw_choice(raw).get("error"), dict):
        raise Unreadable(f"its choice is an error: {failed.get('message')}")
    message, (asked, answered) = choice.message, _counts(getattr(response, "usage", None))
    refusal = _refusal(message, said)
    content = said.get("content") if isinstance(said.get("content"), list) else message.content
    calls = _calls(message, said)
    reply = Reply(
        message=Message(
            role="assistant",
            content=_text(content) or ("" if calls else refusal),
            calls=calls,
            reasoning=_text(getattr(message, "reasoning_content", None)) or _thinking(content),
            native=_native(message, said),
        ),
        stop=_stop(choice.finish_reason, raw, bool(refusal) and not calls),
        prompt_tokens=asked,
        completion_tokens=answered,
        # Computed from the counts: where nobody counted, nobody knows.
        cost=None
        if asked is None
        else (getattr(response, "_hidden_params", None) or {}).get("response_cost"),
        model=_model(raw),
    )
    try:
        reply.model_dump_json()
    except ValueError:
        return Reply.model_validate(_whole(reply.model_dump()))
    return reply


def _counts(usage: Any) -> tuple[int | None, int | None]:
    """Tokens of the question and of the answer; None where the server did not count, for which litellm puts zeros."""
    found = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    if any(type(count) is not int or count < 0 for count in found) or not any(found):
        return None, None
    return found[0], found[1]


def _model(raw: Any) -> str:
    """From the server's own JSON: litellm puts the requested name in the place of the returned one."""
    name = (raw.get("model") or raw.get("modelVersion")) if isinstance(raw, dict) else None
    return name if isinstance(name, str) else ""


def _whole(value: Any) -> Any:
    """The same with a replacement character for each half of a surrogate pair: no UTF-8 holds one, so it could be neither run nor kept."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, (list, tuple)):
        return [_whole(item) for item in value]
    return {_whole(k): _whole(v) for k, v in value.items()} if isinstance(value, dict) else value


def as_response(raw: Any) -> Any:
    """The server's own JSON, if it is of OpenAI's shape, as the object that litellm makes of it; None for any other. For answers that
    litellm cannot read: it knows fewer shapes of content than there are servers."""
    choice = _raw_choice(raw)
    said = choice.get("message")
    if not isinstance(said, dict):
        return None
    calls = said.get("tool_calls") if isinstance(said.get("tool_calls"), list) else []
    made = [
        SimpleNamespace(id=call.get("id"), function=_function(call))
        for call in calls or ()
        if isinstance(call, dict)
    ]
    reasoning = said.get("reasoning_content") or said.get("reasoning")
    message = SimpleNamespace(content=said.get("content"), tool_calls=made, reasoning_content=reasoning)
    usage = raw.get("usage") if isinstance(raw.get("usage"), dict) else {}
    counts = SimpleNamespace(
        prompt_tokens=usage.get("prompt_tokens"), completion_tokens=usage.get("completion_tokens")
    )
    return SimpleNamespace(
        choices=[SimpleNamespace(message=message, finish_reason=choice.get("finish_reason"))], usage=counts
    )


def _function(call: dict[str, Any]) -> Any:
    function = call.get("function")
    if not isinstance(function, dict):
        return None
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    return SimpleNamespace(name=function.get("name"), arguments=text)


def wire(message: Message, openais: bool = True) -> dict[str, Any]:
    """OpenAI's shape. Where the server speaks it too (`openais`) content is never None: some answer 500 to its absence. For the others
    litellm writes a sentence of its own in the place of content that is empty beside calls."""
    empty = None if message.calls and not openais else ""
    sent: dict[str, Any] = {"role": message.role, "content": message.content or empty, **message.native}
    if message.calls:
        sent["tool_calls"] = [
            {
                **call.native,
                "id": call.id,
                "type": "function",
                "function": {
                    **call.native.get("function", {}),
                    "name": call.name,
                    "arguments": call.arguments,
                },
            }
            for call in message.calls
        ]
    if message.role == "tool":
        sent["tool_call_id"] = message.call_id
    return sent


# --- what the answer says ---------------------------------------------------------------------------------------------


def _raw_choice(raw: Any) -> dict[str, Any]:
    """The first choice as an OpenAI-compatible server wrote it; empty for any other API."""
    try:
        choice = raw["choices"][0]
    except (KeyError, IndexError, TypeError):
        return {}
    return choice if isinstance(choice, dict) else {}


def _text(content: Any) -> str:
    """Content is a text or a list of parts; the parts are pieces of one text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part if isinstance(part, str) else _part(part, ("text", "refusal")) for part in parts)


def _thinking(content: Any) -> str:
    """Of content in parts, what the model thought: Mistral's servers send it so."""
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    thoughts = (part.get("thinking") for part in parts if part.get("type") == "thinking")
    return "".join(thought if isinstance(thought, str) else _text(thought) for thought in thoughts)


def _part(part: Any, names: tuple[str, ...]) -> str:
    found = (part.get(name) for name in names) if isinstance(part, dict) else ()
    return next((text for text in found if isinstance(text, str)), "")


def _refusal(message: Any, said: dict[str, Any]) -> str:
    fields = getattr(message, "provider_specific_fields", None) or {}
    parts = said["content"] if isinstance(said.get("content"), list) else []
    found = [said.get("refusal"), fields.get("refusal"), *(_part(part, ("refusal",)) for part in parts)]
    return next((text for text in found if isinstance(text, str) and text.strip()), "")


def _stop(finish: Any, raw: Any, refused: bool) -> str:
    """Why it ended. litellm writes Anthropic's `refusal` as a filter, and makes `stop` of what it does not know."""
    own = raw.get("stop_reason") if isinstance(raw, dict) else None
    if refused or own == "refusal":
        return "refused"
    if own == "model_context_window_exceeded":
        return "overflow"
    told = _raw_choice(raw).get("finish_reason")
    if finish == "stop" and isinstance(told, str) and told:
        return told
    return finish if isinstance(finish, str) and finish else "unknown"


def _calls(message: Any, said: dict[str, Any]) -> tuple[ToolCall, ...]:
    sent = said.get("tool_calls")
    raw = sent if isinstance(sent, list) else []
    calls: list[ToolCall] = []
    for number, call in enumerate(message.tool_calls or [], 1):
        function = getattr(call, "function", None)
        if function is None:
            raise Unreadable("a call has no function")
        calls.append(
            ToolCall(
                id=distinct(call.id or f"call_{number}", {known.id for known in calls}),
                name=function.name or "",
                arguments=canonical_arguments(function.arguments or ""),
                native=_call_native(call, raw[number - 1] if number <= len(raw) else None),
            )
        )
    return tuple(calls)


def distinct(id: str, taken: set[str]) -> str:
    """Some servers give parallel calls one id, and answers are matched to calls by it. Length and letters stay, because Mistral wants
    nine letters or digits, and a signature that litellm put behind the id stays whole."""
    if id not in taken:
        return id
    stem, mark, signature = id.partition("__thought__")
    ends: Iterator[str] = map(str, range(2, len(taken) + 3))
    names = (f"{stem[: max(len(stem) - len(end), 1)]}{end}{mark}{signature}" for end in ends)
    return next(name for name in names if name not in taken)


def _native(message: Any, said: dict[str, Any]) -> dict[str, Any]:
    found = said if said else _dumped(message)
    kept = {
        name: value for name, value in found.items() if name not in _OURS and value not in (None, [], {}, "")
    }
    specific = kept.pop("provider_specific_fields", None)
    if isinstance(specific, dict) and (specific := _without_empty(specific)):
        kept["provider_specific_fields"] = specific
    if isinstance(said.get("content"), list):
        kept["content"] = said["content"]
    return kept


def _call_native(call: Any, raw: Any) -> dict[str, Any]:
    found = raw if isinstance(raw, dict) else _dumped(call)
    kept = {name: value for name, value in found.items() if name not in _CALL and value is not None}
    function = found.get("function")
    more = (
        {n: v for n, v in function.items() if n not in ("name", "arguments") and v is not None}
        if isinstance(function, dict)
        else {}
    )
    return {**kept, "function": more} if more else kept


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in fields.items() if name != "refusal" and value not in (None, [], {}, "")
    }


def _dumped(value: Any) -> dict[str, Any]:
    dump = getattr(value, "model_dump", None)
    found = dump(exclude_none=True) if dump is not None else {}
    return found if isinstance(found, dict) else {}
