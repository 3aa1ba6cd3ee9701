"""Server-sent events: read from a body, joined where only a piece of text is new, and written again.

Not kept: comments, the field `retry`, and how lines end. What a strict reader leaves out and others do not is kept: events without data,
and a last one that no blank line ends.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from .exchange import SseEvent

_DEEPEST = 100
_LINE = re.compile(r"\r\n|\n|\r")
_KNOWN = re.compile(r":|(?:data|event|id|retry)(?::|$)")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse(body: bytes | str) -> tuple[SseEvent, ...]:
    """The events of a body, as the HTML standard ("Server-sent events", 9.2.6) reads them. `data` that is a JSON object or
    array is its value; everything else (`[DONE]`, a number, JSON that Python could not write again) is text."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    events: list[SseEvent] = []
    event = _Begun()
    *lines, rest = _LINE.split(text.removeprefix("\ufeff"))
    for line in lines:
        if line:
            event.add(line)
        elif event:
            events.append(event.ended())
            event = _Begun()
    event.add(rest)
    if event:
        events.append(event.ended(open=True))
    return tuple(events)


def is_stream(body: bytes) -> bool:
    """Whether a body has nothing in it that its events would not say: some servers send an error as JSON or HTML and call it a stream."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return all(not line or _KNOWN.match(line) for line in _LINE.split(text.removeprefix("\ufeff")))


class _Begun:
    """The lines of one event."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._data: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._fields or self._data)

    def add(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field in ("event", "id") and value:
            self._fields[field] = value

    def ended(self, open: bool = False) -> SseEvent:
        data = _value("\n".join(self._data)) if self._data else None
        return SseEvent(data, self._fields.get("event", ""), self._fields.get("id", ""), open)


def dump(events: Iterable[SseEvent]) -> bytes:
    """The body of a stream of these events. `parse` gives them back."""
    return b"".join(map(_wire, events))


def merge(events: Iterable[SseEvent]) -> tuple[SseEvent, ...]:
    """Consecutive deltas of one text joined into one, so that a person can read it and a secret in it is in one place.

    Known are the deltas of OpenAI's chat completions and responses and of Anthropic's messages. Sequence numbers that counted
    up by one do so again; OpenAI's `obfuscation`, padding against traffic analysis, and Anthropic's pings, which may come in
    the middle of a text, go; of several counts of tokens the last stands. Two things keep clients' accumulators at the same result: white space before the first visible word of a chat answer
    and a tag that is a delta of its own (`<think>`) are left alone, since clients look at such deltas by themselves.
    """
    given = [_unpadded(event) for event in events if event.data != {"type": "ping"}]
    return tuple(_renumbered(given, list(_merged(given))))


def _value(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json_value(text)
    except (ValueError, RecursionError):
        return text


def json_value(text: str, *, finite: bool = True) -> Any:
    """The JSON value of a text.

    Args:
        text: what was sent.
        finite: whether infinity is refused, which is no JSON; NaN always is, for it equals nothing.

    Raises:
        ValueError: where it is none, or one that could not be written again as it was, such as half of a surrogate pair.
        RecursionError: where it is nested more than 100 deep: no reader has to fear for its stack.
    """
    value = json.loads(
        text, parse_constant=_refuse if finite else _infinity, parse_float=_finite if finite else float
    )
    if _SURROGATE.search(text) and not _is_utf8(json.dumps(value, ensure_ascii=False)):
        raise ValueError("half of a surrogate pair")
    return _shallow(value)


def _shallow(value: Any) -> Any:
    level = [value]
    for _ in range(_DEEPEST):
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return value
        level = [one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer)]
    raise RecursionError


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _infinity(text: str) -> float:
    return _refuse(text) if text == "NaN" else float(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _wire(event: SseEvent) -> bytes:
    fields = [f"{name}: {value}\n" for name, value in (("event", event.name), ("id", event.id)) if value]
    fields += [f"data: {line}\n" for line in _lines(event.data)]
    return ("".join(fields) + ("" if event.open else "\n")).encode()


def _lines(data: Any) -> list[str]:
    if data is None:
        return []
    if isinstance(data, str):
        return data.split("\n")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair: JSON can say it, UTF-8 cannot.
    return [text if _is_utf8(text) else json.dumps(data)]


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- merging ---------------------------------------------------------------------------------------------------------

_Path = tuple[str | int, ...]
_CHAT_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_ANTHROPIC = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}
_RESPONSES = {
    f"response.{kind}.delta"
    for kind in (
        "output_text",
        "refusal",
        "function_call_arguments",
        "custom_tool_call_input",
        "mcp_call_arguments",
        "code_interpreter_call_code",
        "reasoning_text",
        "reasoning_summary_text",
    )
}
_VARIES = ("created", "usage", "sequence_number")
"""What may differ between two deltas of one text."""
_TAG = re.compile(r"</?\w+>")


def _unpadded(event: SseEvent) -> SseEvent:
    data = event.data
    if not isinstance(data, dict) or "obfuscation" not in data:
        return event
    if "choices" not in data and not str(data.get("type")).startswith("response."):
        return event
    return replace(event, data={name: value for name, value in data.items() if name != "obfuscation"})


def _renumbered(given: Sequence[SseEvent], merged: Sequence[SseEvent]) -> Iterator[SseEvent]:
    numbers = [e.data.get("sequence_number") if isinstance(e.data, dict) else None for e in given]
    first = numbers[0] if numbers else None
    if len(given) == len(merged) or type(first) is not int or numbers != [*range(first, first + len(given))]:
        yield from merged
        return
    for number, event in enumerate(merged, first):
        yield replace(event, data=event.data | {"sequence_number": number})


def _merged(events: Iterable[SseEvent]) -> Iterator[SseEvent]:
    run: list[SseEvent] = []
    frame: tuple[_Path, Any, str] | None = None
    for event in events:
        path = None if event.id or event.open else _leaf(event.data)
        now = None if path is None else (path, _without(event.data, path), event.name)
        if run and not (frame is not None and now == frame and _joins(run, event, frame[0])):
            yield _joined(run, frame)
            run = []
        run.append(event)
        frame = now
    if run:
        yield _joined(run, frame)


def _leaf(data: Any) -> _Path | None:
    """Where the piece of text is in an event that brings one and nothing else."""
    if not isinstance(data, dict) or data.get("logprobs"):
        return None
    kind = data.get("type")
    if kind in _RESPONSES and isinstance(kind, str):
        return ("delta",) if isinstance(data.get("delta"), str) else None
    if kind == "content_block_delta":
        return _anthropic_leaf(data.get("delta"))
    choices = data.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return None
    choice = choices[0]
    if choice.get("finish_reason") or choice.get("logprobs") or not isinstance(choice.get("delta"), dict):
        return None
    inner = _chat_leaf(choice["delta"])
    return None if inner is None else ("choices", 0, "delta", *inner)


def _anthropic_leaf(delta: Any) -> _Path | None:
    field = _ANTHROPIC.get(str(delta.get("type"))) if isinstance(delta, dict) else None
    return ("delta", field) if field and isinstance(delta.get(field), str) else None


def _chat_leaf(delta: dict[str, Any]) -> _Path | None:
    texts = [name for name in _CHAT_TEXTS if isinstance(delta.get(name), str)]
    said = [name for name in texts if delta[name]]
    calls = delta.get("tool_calls")
    if not calls:
        found = said or texts
        return (found[0],) if len(found) == 1 else None
    if said or not isinstance(calls, list) or len(calls) != 1 or not isinstance(calls[0], dict):
        return None
    call, function = calls[0], calls[0].get("function")
    if call.get("id") or not isinstance(function, dict) or function.get("name"):
        return None  # It begins a call.
    return ("tool_calls", 0, "function", "arguments") if isinstance(function.get("arguments"), str) else None


def _joins(run: Sequence[SseEvent], event: SseEvent, path: _Path) -> bool:
    if path[-1] != "content":
        return True
    first, last, text = (_at(e.data, path) for e in (run[0], run[-1], event))
    return bool(first.strip()) and not _TAG.fullmatch(last) and not _TAG.fullmatch(text)


def _joined(run: Sequence[SseEvent], frame: tuple[_Path, Any, str] | None) -> SseEvent:
    if len(run) == 1 or frame is None:
        return run[0]
    path, last = frame[0], run[-1].data
    text = "".join(_at(event.data, path) for event in run)
    data = run[0].data | ({"usage": last["usage"]} if "usage" in last else {})
    return replace(run[0], data=_put(data, path, text))


def _without(data: dict[str, Any], path: _Path) -> Any:
    return _put({name: value for name, value in data.items() if name not in _VARIES}, path, "")


def _at(value: Any, path: _Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _put(value: Any, path: _Path, leaf: str) -> Any:
    """A copy of `value` that has `leaf` at `path`."""
    if not path:
        return leaf
    copy = value.copy()
    copy[path[0]] = _put(value[path[0]], path[1:], leaf)
    return copy
