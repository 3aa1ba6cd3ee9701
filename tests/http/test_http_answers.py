"""Responses are kept exactly, and what a stream repeats is kept once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.errors import CassetteError
from pytest_odcv.http import sse
from pytest_odcv.http.answers import decode, encode
from pytest_odcv.http.exchange import SseEvent

from .exchanges import PATHS, exchange
from .model_server import ScriptedTurn

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([1.0, 2.5]) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "output", "a"]), inner)
    ),
    max_leaves=8,
)
EVENTS = st.builds(SseEvent, JSON, st.sampled_from(["", "response.created"]))
ENDS = st.builds(
    lambda response, name: SseEvent({"type": name, "response": response}, name),
    st.fixed_dictionaries({"output": st.lists(JSON, max_size=2)}, optional={"id": JSON, "status": JSON})
    | JSON,
    st.sampled_from(["response.completed", "response.incomplete", "response.failed"]),
)
STREAMS = st.tuples(st.lists(EVENTS, max_size=4), st.lists(ENDS, max_size=1)).map(
    lambda two: (*two[0], *two[1])
)
RESPONSES = JSON | STREAMS | st.binary(max_size=4) | st.text(max_size=4)


def body(step: int, stream: bool, field: str = "input") -> dict[str, Any]:
    history = [{"role": ("user", "assistant")[n % 2], "content": f"message {n}"} for n in range(2 * step + 1)]
    tools = [{"type": "function", "name": "bash", "description": "Run a command. " * 20, "parameters": {}}]
    return {
        "model": "m",
        "instructions": "The rules. " * 40,
        field: history,
        "tools": tools,
        "stream": stream,
    }


def answer(step: int, stream: bool, path: str = PATHS["responses"]) -> Any:
    turn = ScriptedTurn(f"Step {step}", (("bash", {"command": f"ls {step}"}),), f"Thought {step}")
    field = "input" if path.endswith("responses") else "messages"
    return exchange(path, body(step, stream, field), turn).response


@given(st.lists(RESPONSES, max_size=4))
def test_what_is_encoded_is_decoded_to_the_same(responses: list[Any]) -> None:
    decoded: list[Any] = []
    for number, response in enumerate(responses):
        decoded.append(decode(encode(response, responses[:number]), decoded))
    assert repr(decoded) == repr(responses) or decoded == responses
    assert [type(one) for one in decoded] == [type(one) for one in responses]


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize("stream", [False, True])
def test_answers_of_every_api_survive_a_yaml_file(path: str, stream: bool) -> None:
    responses = [answer(step, stream, path) for step in range(3)]
    entries = [encode(response, responses[:number]) for number, response in enumerate(responses)]
    decoded: list[Any] = []
    for entry in yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(entries)))):
        decoded.append(decode(entry, decoded))
    assert decoded == responses


def test_a_stream_of_the_responses_api_is_told_by_the_response_it_ends_with() -> None:
    first = encode(answer(0, True), [])
    assert first.keys() == {"stream_of"} and first["stream_of"].keys() == {"body"}
    second = encode(answer(1, True), [answer(0, True)])
    assert second.keys() == {"stream_of"}
    assert second["stream_of"]["set"].keys() == {"id", "created_at", "output"}
    assert "The rules." not in str(second)


def test_a_stream_that_is_a_little_unusual_is_told_by_where_it_differs() -> None:
    events = []
    for event in answer(0, True):
        data = dict(event.data)
        if "response" in data and data["type"] != "response.completed":
            data["response"] = data["response"] | {"service_tier": "auto"}
        if data["type"] == "response.function_call_arguments.done":
            del data["name"]
        events.append(SseEvent(data, event.name))
    events.append(SseEvent("[DONE]"))
    entry = encode(tuple(events), [])
    assert decode(entry, []) == tuple(events)
    assert len(json.dumps(entry["parts"])) < len(json.dumps(entry["stream_of"])) / 2


def test_a_stream_that_was_broken_off_is_kept_as_it_came() -> None:
    events = answer(0, True)[:5]
    assert encode(events, [])["events"][0] == {"event": "response.created", "data": events[0].data}
    assert decode(encode(events, []), []) == events


def test_other_streams_are_lists_of_events() -> None:
    events = sse.parse("event: note\ndata: {}\n\ndata: [DONE]\n\n")
    assert encode(events, []) == {"events": [{"event": "note", "data": {}}, {"data": "[DONE]"}]}


def test_text_bytes_and_nothing_are_told_apart() -> None:
    assert [encode(value, []) for value in ("", b"", None)] == [{"text": ""}, {"bytes": b""}, {}]
    assert [decode(entry, []) for entry in ({"text": ""}, {"bytes": b""}, {})] == ["", b"", None]


@pytest.mark.parametrize(
    "entry",
    [{"json": {"after": 3}}, {"events": [{}]}, {"stream_of": {"body": {}}}, {"stream_of": 5}, {"events": 5}],
)
def test_an_entry_that_does_not_fit_is_a_damaged_cassette(entry: dict[str, Any]) -> None:
    with pytest.raises(CassetteError):
        decode(entry, [])
