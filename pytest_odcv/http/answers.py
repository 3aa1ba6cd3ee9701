"""A response as a cassette file has it: plain data that a reviewer can read, without what is there already. Exact.

A stream of OpenAI's responses API says everything up to six times: in pieces, whole when a part is done, and with all
settings in the response that begins and ends it. It is told by that last response, and by where the stream differs from
the one that such a response usually has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import CassetteError
from . import body_delta
from .exchange import SseEvent


def encode(response: Any, earlier: Sequence[Any]) -> dict[str, Any]:
    """What an `Exchange` has as its response, with one of these names: `text`; `bytes`; `events`, a list of `data` with its
    `event` name; `json`, told as `body_delta.encode` does by the `earlier` responses (one for each request before, as they were
    given); `stream_of`, the same for a stream's last response, and beside it `parts` (`body_delta.parts_of`) where the stream is
    not the usual one. None has no name at all."""
    if response is None:
        return {}
    if isinstance(response, (str, bytes)):
        return {"text" if isinstance(response, str) else "bytes": response}
    bases = _Finals(earlier)
    if not isinstance(response, tuple):
        return {"json": body_delta.encode(response, bases)}
    events = [_entry(event) for event in response]
    final = _final(response)
    if not isinstance(final, dict) or not isinstance(final.get("output"), list):
        return {"events": events}
    usual = _usual(final)
    parts = body_delta.parts_of(events, usual)
    told: dict[str, Any] = {"stream_of": body_delta.encode(final, bases)}
    return told if parts == [{"keep": [0, len(usual)]}] else told | {"parts": parts}


def decode(entry: dict[str, Any], earlier: Sequence[Any]) -> Any:
    """The response that was encoded. Raises CassetteError when the entry is none, or does not fit the responses before."""
    bases = _Finals(earlier)
    try:
        if "stream_of" in entry:
            usual = _usual(body_delta.decode(entry["stream_of"], bases))
            return _events(body_delta.rebuilt(usual, entry["parts"]) if "parts" in entry else usual)
        if "events" in entry:
            return _events(entry["events"])
        if "json" in entry:
            return body_delta.decode(entry["json"], bases)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(f"a response that cannot be read: {type(error).__name__}: {error}") from None
    return entry.get("text", entry.get("bytes"))


_ENDS = ("response.completed", "response.incomplete")


class _Finals(Sequence[Any]):
    """Of each response what later ones are told by, found when it is asked for."""

    def __init__(self, responses: Sequence[Any]) -> None:
        self._responses = responses

    def __len__(self) -> int:
        return len(self._responses)

    def __getitem__(self, number: Any) -> Any:
        response = self._responses[number]
        return _final(response) if isinstance(response, tuple) else response


def _final(events: Sequence[SseEvent]) -> Any:
    """The response that a stream ends with; some servers say `[DONE]` after it."""
    for data in (event.data for event in reversed(events[-2:])):
        if isinstance(data, dict) and data.get("type") in _ENDS:
            return data.get("response")
    return None


def _entry(event: SseEvent) -> dict[str, Any]:
    fields = {"event": event.name, "id": event.id, "data": event.data, "open": event.open}
    usual = {"event": "", "id": "", "data": None, "open": False}
    return {name: value for name, value in fields.items() if value != usual[name]} or {"data": None}


def _events(entries: Sequence[dict[str, Any]]) -> tuple[SseEvent, ...]:
    if not all(entry.keys() & {"data", "event", "id"} for entry in entries):
        raise ValueError("an event with neither data nor a name")
    return tuple(
        SseEvent(entry.get("data"), entry.get("event", ""), entry.get("id", ""), entry.get("open", False))
        for entry in entries
    )


# --- the usual stream of a response ----------------------------------------------------------------------------------


def _usual(final: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"event": data["type"], "data": data | {"sequence_number": number}}
        for number, data in enumerate(_unnumbered(final))
    ]


def _unnumbered(final: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = final | {"status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(final["output"]):
        if isinstance(item, dict):
            yield from _item(index, item)
    yield {"type": _ENDS[final.get("status") == "incomplete"], "response": final}


_BLANK = {"arguments": str, "content": list, "summary": list}


def _item(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind = item.get("type")
    at: dict[str, Any] = {"item_id": item.get("id"), "output_index": index}
    empty: dict[str, Any] = {name: kind() for name, kind in _BLANK.items() if name in item}
    status: dict[str, Any] = {"status": "in_progress"} if "status" in item else {}
    yield {"type": "response.output_item.added", "output_index": index, "item": item | status | empty}
    if kind == "function_call":
        arguments = item.get("arguments")
        yield {"type": "response.function_call_arguments.delta", **at, "delta": arguments}
        named = {"arguments": arguments, "name": item.get("name")}
        yield {"type": "response.function_call_arguments.done", **at, **named}
    elif kind == "message":
        yield from _parts(item, at, "content", "content_part", "output_text", {"logprobs": []})
    elif kind == "reasoning":
        yield from _parts(item, at, "summary", "reasoning_summary_part", "reasoning_summary_text", {})
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _parts(
    item: dict[str, Any], at: dict[str, Any], field: str, part_kind: str, text_kind: str, more: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    parts = item.get(field)
    for number, part in enumerate(parts if isinstance(parts, list) else []):
        if not isinstance(part, dict):
            continue
        here, text = at | {f"{field}_index": number}, part.get("text")
        yield {"type": f"response.{part_kind}.added", **here, "part": part | {"text": ""}}
        yield {"type": f"response.{text_kind}.delta", **here, "delta": text, **more}
        yield {"type": f"response.{text_kind}.done", **here, "text": text, **more}
        yield {"type": f"response.{part_kind}.done", **here, "part": part}
