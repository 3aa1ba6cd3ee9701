"""Server-sent events are read, joined and written so that a client cannot tell the difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.http.exchange import SseEvent
from pytest_odcv.http.sse import dump, merge, parse

from .model_wire import Plan, ScriptedTurn, events_of

LONG = ScriptedTurn(
    "First the <b>ünusual</b> text, then\nmore of it.",
    (("bash", {"command": "cat 'a file' | wc -l"}), ("bash", {"command": 'echo "x"'})),
    "Thinking about it for a while.",
)


def stream(shape: str, turn: ScriptedTurn = LONG) -> bytes:
    body = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    return b"".join(events_of(shape, Plan(turn, 0, body, (20, 10))))


def chat(delta: dict[str, Any], **more: Any) -> SseEvent:
    return SseEvent({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more})


def argument(index: int, text: str) -> SseEvent:
    return chat({"tool_calls": [{"index": index, "function": {"arguments": text}}]})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


# --- parse and dump --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_of_three_ways(end: str) -> None:
    body = end.join(
        [": hello", "event: note", 'data: {"a":', "data:1}", "id: 7", "retry: 10", "", "data: x", "", ""]
    )
    assert parse(body) == (SseEvent({"a": 1}, "note", "7"), SseEvent("x"))


def test_a_body_of_bytes_may_begin_with_a_byte_order_mark() -> None:
    assert parse(b"\xef\xbb\xbfdata: \xc3\xbc\n\n") == (SseEvent("ü"),)


@pytest.mark.parametrize(
    ("tail", "event"),
    [
        ("data: 2\n", SseEvent("2", open=True)),
        ("data: 2", SseEvent("2", open=True)),
        ('data: {"a": 1}', SseEvent({"a": 1}, open=True)),
        ('data: {"cut": ', SseEvent('{"cut": ', open=True)),
        ("event: done\r\n", SseEvent(None, "done", open=True)),
        ("event: x\ndata: 1\ndata: 2\n", SseEvent("1\n2", "x", open=True)),
    ],
)
def test_an_event_that_no_blank_line_ends_is_kept_for_clients_that_read_it(
    tail: str, event: SseEvent
) -> None:
    events = parse(f"data: 1\n\n{tail}")
    assert events == (SseEvent("1"), event)
    assert parse(dump(events)) == events
    assert not dump(events).endswith(b"\n\n")


def test_only_one_space_after_the_colon_is_taken_away() -> None:
    assert parse("data:  two\n\n") == (SseEvent(" two"),)


def test_an_event_without_data_is_kept_and_is_none_with_empty_data() -> None:
    events = parse("event: ping\n\ndata\n\ndata:\n\nid: 4\n\n: comment\n\nretry: 5\n\n\n\n")
    assert events == (SseEvent(None, "ping"), SseEvent(""), SseEvent(""), SseEvent(None, id="4"))
    assert parse(dump(events)) == events


@pytest.mark.parametrize(
    "text", ["[DONE]", "12", '"quoted"', "null", '{"a": NaN}', '{"a": 1e999}', "{broken"]
)
def test_what_is_no_json_object_or_array_stays_as_it_was_sent(text: str) -> None:
    (event,) = parse(f"data: {text}\n\n")
    assert event.data == text
    assert dump([event]) == f"data: {text}\n\n".encode()


def test_half_of_a_surrogate_pair_survives_as_it_was_sent() -> None:
    event = SseEvent({"delta": "\ud83d"})
    assert parse(dump([event])) == (SseEvent('{"delta": "\\ud83d"}'),)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


LINES = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])).filter(
    lambda t: not _is_json(t)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DATA = LINES | st.lists(JSON, max_size=3) | st.dictionaries(st.text(), JSON, max_size=3)
NAMES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=5)


@given(st.lists(st.builds(SseEvent, DATA, NAMES)))
def test_what_is_written_is_read_back(events: list[SseEvent]) -> None:
    assert parse(dump(events)) == tuple(events)


@given(st.text() | st.binary())
def test_any_body_is_read(body: str | bytes) -> None:
    events = parse(body)
    assert parse(dump(events)) == events


# --- merge -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["chat", "responses", "messages"])
def test_each_text_of_an_answer_is_in_one_event(shape: str) -> None:
    merged = merge(parse(stream(shape)))
    deltas = [e.data for e in merged if shape != "responses" or e.name.endswith(".delta")]
    said = set(_strings(deltas))
    assert {LONG.text, LONG.reasoning, *(json.dumps(arguments) for _, arguments in LONG.calls)} <= said


@pytest.mark.parametrize("shape", ["chat", "responses", "messages"])
def test_merging_again_changes_nothing(shape: str) -> None:
    merged = merge(parse(stream(shape)))
    assert merge(merged) == merged


def test_sequence_numbers_still_count_up_by_one() -> None:
    numbers = [event.data["sequence_number"] for event in merge(parse(stream("responses")))]
    assert numbers == list(range(len(numbers)))


def test_sequence_numbers_that_had_gaps_keep_their_order() -> None:
    deltas = [
        SseEvent({"type": "response.output_text.delta", "delta": piece, "sequence_number": number})
        for piece, number in (("a", 3), ("b", 7), ("c", 8))
    ]
    end = SseEvent({"type": "response.output_text.done", "text": "abc", "sequence_number": 9})
    assert [(e.data["sequence_number"], e.data.get("delta")) for e in merge([*deltas, end])] == [
        (3, "abc"),
        (9, None),
    ]


def test_padding_against_traffic_analysis_goes() -> None:
    for shape in ("chat", "responses"):
        assert b"obfuscation" in stream(shape)
        assert b"obfuscation" not in dump(merge(parse(stream(shape))))


def test_arguments_of_two_calls_that_come_in_turns_are_not_mixed() -> None:
    events = [argument(0, "a"), argument(0, "b"), argument(1, "x"), argument(0, "c"), argument(0, "d")]
    assert merge(events) == (argument(0, "ab"), argument(1, "x"), argument(0, "cd"))


def test_whole_calls_that_share_a_number_stay_apart() -> None:
    call = {"index": 0, "id": "", "function": {"name": "bash", "arguments": "{}"}}
    events = (chat({"tool_calls": [call]}), chat({"tool_calls": [call]}))
    assert merge(events) == events


def test_choices_and_blocks_are_not_mixed() -> None:
    two = [SseEvent({"choices": [{"index": n, "delta": {"content": "x"}}]}) for n in (0, 1)]
    assert merge(two) == tuple(two)
    blocks = [
        SseEvent({"type": "content_block_delta", "index": n, "delta": {"type": "text_delta", "text": "x"}})
        for n in (0, 1)
    ]
    assert merge(blocks) == tuple(blocks)


def test_a_ping_does_not_cut_a_text_in_two() -> None:
    def piece(text: str) -> SseEvent:
        return SseEvent(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        )

    ping = SseEvent({"type": "ping"}, "ping")
    assert merge([ping, piece("a"), ping, piece("b")]) == (piece("ab"),)


def test_an_event_that_says_more_than_text_is_left_alone() -> None:
    last = SseEvent({"choices": [{"index": 0, "delta": {"content": "!"}, "finish_reason": "stop"}]})
    odds = chat(
        {"content": "a"}, choices=[{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [1]}}]
    )
    for events in ([chat({"content": "a"}), last], [odds, odds]):
        assert merge(events) == tuple(events)


def test_the_last_count_of_tokens_stands() -> None:
    events = [
        chat({"content": "a"}, usage={"total_tokens": 1}),
        chat({"content": "b"}, usage={"total_tokens": 2}),
    ]
    assert merge(events) == (chat({"content": "ab"}, usage={"total_tokens": 2}),)


def test_space_before_the_first_word_and_tags_stay_deltas_of_their_own() -> None:
    texts = ["", "\n\n", "<think>", "so", " be it", "</think>", "\n", "Yes", " ", "it is"]
    merged = merge([chat({"content": text}) for text in texts])
    said = [event.data["choices"][0]["delta"]["content"] for event in merged]
    assert said == ["", "\n\n", "<think>", "so be it", "</think>", "\n", "Yes it is"]


@given(st.lists(st.builds(SseEvent, DATA, NAMES)))
def test_events_of_no_known_stream_stay_as_they_are(events: list[SseEvent]) -> None:
    assert merge(events) == tuple(events)


PIECES = st.text(max_size=4)
CHAT = st.one_of(
    PIECES.map(lambda t: chat({"content": t})),
    PIECES.map(lambda t: chat({"reasoning_content": t, "content": None})),
    st.builds(argument, st.integers(0, 1), PIECES),
    st.just(chat({})),
    st.just(SseEvent("[DONE]")),
)


@given(st.lists(CHAT))
def test_no_text_is_lost_or_moved(events: list[SseEvent]) -> None:
    assert _texts(merge(events)) == _texts(events)


def _texts(events: Any) -> dict[str, str]:
    texts: dict[str, str] = {}
    for event in events:
        delta = event.data["choices"][0]["delta"] if isinstance(event.data, dict) else {}
        for name, value in delta.items():
            if name == "tool_calls":
                key, piece = f"call {value[0]['index']}", value[0]["function"]["arguments"]
            else:
                key, piece = name, value or ""
            texts[key] = texts.get(key, "") + piece
    return texts
