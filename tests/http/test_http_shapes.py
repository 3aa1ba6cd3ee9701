"""Exchanges with the known APIs are read as a conversation; everything else is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.http import sse
from pytest_odcv.http.exchange import Exchange, SseEvent
from pytest_odcv.http.shapes import asked, follow, read
from pytest_odcv.model.types import Message, Reply, ToolCall

from .exchanges import PATHS, exchange, understood
from .model_server import ScriptedTurn

CALLS = (("bash", {"command": "ls", "b": 1}), ("bash", {"command": "pwd"}))
TURN = ScriptedTurn("I look.", CALLS, "Hm.")
USER = Message(role="user", content="do")
MADE = (
    ToolCall(id="call_1", name="bash", arguments='{"command": "ls", "b": 1}'),
    ToolCall(id="call_1_2", name="bash", arguments='{"command": "pwd"}'),
)
SAID = Message(role="assistant", content="I look.", calls=MADE, reasoning="Hm.")


def ask(shape: str, given: Any, **more: Any) -> Exchange:
    field = "input" if shape == "responses" else "messages"
    return exchange(PATHS[shape], {"model": "m", field: given} | more, TURN)


def sent(shape: str, given: Any, **more: Any) -> tuple[Message, ...]:
    return understood(ask(shape, given, **more))[0]


def answered(shape: str, response: Any) -> Reply | None:
    turn = read(replace(ask(shape, [{"role": "user", "content": "do"}]), response=response))
    return turn and turn[1]


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", PATHS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("merged", [False, True])
def test_an_answer_is_the_same_reply_however_it_comes(shape: str, stream: bool, merged: bool) -> None:
    body = {"stream": stream, "stream_options": {"include_usage": True}}
    body |= {"input" if shape == "responses" else "messages": [{"role": "user", "content": "do"}]}
    turn = understood(exchange(PATHS[shape], body, TURN, merged=merged, usage=(21, 7)))
    assert turn == ((USER,), Reply(message=SAID, stop="tool_calls", prompt_tokens=21, completion_tokens=7))


@pytest.mark.parametrize("prefix", ["", "/v1", "/api/v1", "/openai/deployments/x", "/proxy/anthropic/v1"])
@pytest.mark.parametrize("shape", PATHS)
def test_hosts_and_prefixes_do_not_matter(shape: str, prefix: str) -> None:
    told = ask(shape, [{"role": "user", "content": "do"}])
    path = prefix + PATHS[shape].removeprefix("/v1")
    assert read(replace(told, path=path)) == read(replace(told, path=path + "/")) == read(told) is not None


OTHER_PATHS = [
    "/serving-endpoints/m/invocations",
    "/openai/deployments/x/chat/completions",
    "/model/anthropic.claude/invoke",
    "/v1/projects/p/models/m:rawPredict",
    "/",
]


@pytest.mark.parametrize("path", OTHER_PATHS)
@pytest.mark.parametrize("shape", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_an_api_is_known_by_its_bodies_under_any_path(path: str, shape: str, stream: bool) -> None:
    told = ask(shape, [{"role": "user", "content": "do"}], stream=stream)
    if shape == "responses" and not stream:
        told = replace(told, response=told.response | {"object": "response"})
    assert read(replace(told, path=path)) == read(told) is not None


@pytest.mark.parametrize("path", OTHER_PATHS)
@pytest.mark.parametrize("shape", PATHS)
def test_a_question_that_failed_is_known_by_its_body_under_any_path(path: str, shape: str) -> None:
    told = replace(ask(shape, [{"role": "user", "content": "do"}]), status=500, response=None)
    assert asked(replace(told, path=path)) == asked(told) == (USER,)


def test_a_failed_question_in_anthropics_form_is_read_as_an_answered_one() -> None:
    result = [{"type": "tool_result", "tool_use_id": "1", "content": "done"}]
    told = ask("messages", [{"role": "user", "content": result}])
    failed = replace(told, status=500, response=None, path="/model/m/invoke")
    assert asked(failed) == (Message(role="tool", call_id="1", content="done"),) == read(told)[0]  # type: ignore[index]


NO_MODELS = [
    ("/v1/embeddings", {"model": "m", "input": "text"}, {"data": [], "object": "list"}),
    ("/predict", {"input": "text"}, {"output": [{"label": "x"}]}),
    ("/predict", {"input": [{"role": "admin"}]}, {"output": [{"label": "x"}]}),
    ("/slack", {"messages": [{"role": "owner", "text": "x"}]}, {"ok": True}),
    ("/v1/messages/count_tokens", {"messages": [{"role": "user", "content": "x"}]}, {"input_tokens": 3}),
    ("/store", {"messages": []}, {"choices": [{"name": "x"}]}),
    ("/store", {"messages": [{"role": "user"}]}, {"role": "assistant", "content": "x"}),
]


@pytest.mark.parametrize(("path", "request_", "response"), NO_MODELS)
def test_other_traffic_is_no_question_to_a_model(path: str, request_: Any, response: Any) -> None:
    assert read(Exchange("POST", path, "", request_, 200, response)) is None


@pytest.mark.parametrize(("path", "request_", "response"), NO_MODELS[:4])
def test_other_traffic_that_fails_is_no_failed_question(path: str, request_: Any, response: Any) -> None:
    assert asked(Exchange("POST", path, "", request_, 500, None)) is None


@pytest.mark.parametrize("shape", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_recorded_as_text_is_read(shape: str, stream: bool) -> None:
    told = ask(shape, [{"role": "user", "content": "do"}], stream=stream)
    text = sse.dump(told.response).decode() if stream else json.dumps(told.response)
    kind = {"content-type": "text/event-stream" if stream else "application/json"}
    assert read(replace(told, response=text, headers=kind)) == read(told) is not None


def test_calls_with_equal_ids_are_told_apart_and_their_results_follow_in_order() -> None:
    calls = [{"id": "call_0", "function": {"name": "f", "arguments": f'{{"n": {n}}}'}} for n in range(3)]
    results = [{"role": "tool", "tool_call_id": "call_0", "content": str(n)} for n in range(3)]
    reply = answered("chat", {"choices": [{"message": {"tool_calls": calls}}]})
    assert reply is not None
    ids = [call.id for call in reply.message.calls]
    assert len(set(ids)) == 3 and ids[0] == "call_0"
    told = sent("chat", [{"role": "assistant", "tool_calls": calls}, *results])
    assert [call.id for call in told[0].calls] == ids
    assert [(message.call_id, message.content) for message in told[1:]] == list(zip(ids, "012", strict=True))


@pytest.mark.parametrize("shape", ["responses", "messages"])
def test_equal_ids_are_told_apart_in_every_api(shape: str) -> None:
    items: list[dict[str, Any]]
    if shape == "responses":
        items = [{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}] * 2
        items += [{"type": "function_call_output", "call_id": "1", "output": str(n)} for n in range(2)]
    else:
        use = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
        results = [{"type": "tool_result", "tool_use_id": "1", "content": str(n)} for n in range(2)]
        items = [{"role": "assistant", "content": [use, use]}, {"role": "user", "content": results}]
    called, *answers = sent(shape, items)
    assert [message.call_id for message in answers] == [call.id for call in called.calls]
    assert len({message.call_id for message in answers}) == 2


REFUSALS = {
    "chat": {"choices": [{"message": {"content": None, "refusal": "I will not"}, "finish_reason": "stop"}]},
    "responses": {
        "status": "completed",
        "output": [{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "I will not"}]}],
    },
    "messages": {"role": "assistant", "content": [{"type": "text", "text": "I will not"}], "stop_reason": "refusal"},
}  # fmt: skip


@pytest.mark.parametrize("shape", PATHS)
def test_a_refusal_is_told_apart(shape: str) -> None:
    reply = answered(shape, REFUSALS[shape])
    assert reply is not None
    assert (reply.shortfall, reply.message.content) == ("refused", "I will not")


def test_a_streamed_refusal_is_told_apart() -> None:
    chunks = [{"choices": [{"delta": {"refusal": text}}]} for text in ("I will", " not")]
    reply = answered(
        "chat", tuple(map(SseEvent, [*chunks, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]))
    )
    assert reply is not None
    assert (reply.shortfall, reply.message.content) == ("refused", "I will not")


def test_thinking_in_parts_of_the_content_is_reasoning() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "So."},
    ]
    plain = answered("chat", {"choices": [{"message": {"content": parts}}]})
    chunks = [SseEvent({"choices": [{"delta": {"content": [part]}}]}) for part in parts]
    streamed = answered("chat", (*chunks, SseEvent({"choices": [{"delta": {"content": " Yes."}}]})))
    assert plain is not None and streamed is not None
    assert (plain.message.reasoning, plain.message.content) == ("Hm.", "So.")
    assert (streamed.message.reasoning, streamed.message.content) == ("Hm.", "So. Yes.")


def test_signed_thinking_is_reasoning_plain_and_streamed() -> None:
    block = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    plain = {"role": "assistant", "content": [block, {"type": "redacted_thinking", "data": "eA=="}]}
    events = [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
        {"type": "content_block_stop", "index": 0},
    ]  # fmt: skip
    streamed = sse.merge(tuple(map(SseEvent, events)))
    assert sse.parse(sse.dump(streamed)) == streamed, "the signature comes again as it came"
    for response in (plain, streamed):
        reply = answered("messages", response)
        assert reply is not None and reply.message.reasoning == "Hm."


@pytest.mark.parametrize("shape", PATHS)
def test_what_is_no_answered_question_is_left_alone(shape: str) -> None:
    told = ask(shape, [{"role": "user", "content": "do"}])
    left = [
        replace(told, status=429),
        replace(told, request=None),
        replace(told, request="text"),
        replace(told, request={"role": "user", "content": "of a thread"}),
        replace(told, request={"messages": ["x"], "input": ["x"]}),
        replace(told, response=None),
        replace(told, response=b"\xff"),
        replace(told, response={"error": {"message": "no"}}),
        replace(told, response=()),
        replace(told, response=(SseEvent("[DONE]"),)),
        replace(told, response=(SseEvent({"type": "error", "error": {"message": "overloaded"}}, "error"),)),
    ]
    assert [read(each) for each in left] == [None] * len(left)


@pytest.mark.parametrize("shape", PATHS)
def test_a_stream_that_stops_in_the_middle_says_that_its_end_is_unknown(shape: str) -> None:
    told = ask(shape, [{"role": "user", "content": "do"}], stream=True)
    cut = next(number for number, event in enumerate(told.response) if "call_1" in str(event.data))
    reply = answered(shape, told.response[:cut])
    assert reply is not None and (reply.stop, reply.message.content) == ("unknown", "I look.")


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["assistant", "user", "tool", "text", "tool_use", "tool_result", "function_call", "completed"]
    )
    | st.text(st.characters(), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "type",
                    "text",
                    "messages",
                    "input",
                    "output",
                    "choices",
                    "message",
                    "delta",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "id",
                    "index",
                    "call_id",
                    "usage",
                    "status",
                    "summary",
                    "system",
                    "thinking",
                    "partial_json",
                    "content_block",
                    "item",
                    "response",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
HOSTILE_ASK = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "type"]), HOSTILE)
        )
        | HOSTILE,
        "input": HOSTILE,
    }
)
KINDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "message_delta",
        "response.output_item.done",
        "response.completed",
    ]
)
HOSTILE_EVENTS = st.lists(
    st.builds(
        SseEvent, HOSTILE | st.dictionaries(st.sampled_from(["index", "delta", "item", "response"]), HOSTILE)
    )
    | st.builds(
        lambda kind, rest: SseEvent({"index": 0} | rest | {"type": kind}),
        KINDS,
        st.dictionaries(
            st.sampled_from(["delta", "message", "content_block", "item", "response", "usage"]), HOSTILE
        ),
    )
).map(tuple)
HOSTILE_ANSWER = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": HOSTILE, "output": HOSTILE, "usage": HOSTILE},
    optional={
        "choices": st.lists(st.fixed_dictionaries({"message": HOSTILE, "finish_reason": HOSTILE})) | HOSTILE
    },
)


@given(st.sampled_from(list(PATHS.values())), HOSTILE_ASK, HOSTILE_ANSWER | HOSTILE_EVENTS | HOSTILE)
def test_no_body_makes_it_fail(path: str, request: Any, response: Any) -> None:
    turn = read(Exchange("POST", path, "", request, 200, response))
    if turn is not None:
        follow(
            Exchange("POST", path, "", request, 200, response),
            *turn[:1],
            [*turn[0], turn[1].message],
            ask("chat", []),
        )


def test_nesting_without_end_does_not_make_it_fail() -> None:
    deep = '{"a":' * 400 + "1" + "}" * 400
    nested: Any = 1
    for _ in range(5_000):
        nested = {"a": nested}
    for arguments in (deep, nested):
        call = {"id": "x", "function": {"name": "bash", "arguments": arguments}}
        answered("chat", {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "stop"}]})
        answered("messages", {"role": "assistant", "content": [{"type": "tool_use", "input": arguments}]})


# --- OpenAI chat -----------------------------------------------------------------------------------------------------


def test_chat_roles_and_parts() -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:..."}}]
    given = [
        {"role": "developer", "content": "rules"},
        {"role": "user", "content": parts},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{ }"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "done"}]},
    ]
    assert sent("chat", given) == (
        Message(role="system", content="rules"),
        Message(role="user", content="see\n[image]"),
        Message(role="assistant", calls=(ToolCall(id="1", name="f", arguments="{}"),)),
        Message(role="tool", call_id="1", content="done"),
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": "a", "reasoning": "r"}, Message(role="assistant", content="a", reasoning="r")),
        ({"content": None, "refusal": "I will not"}, Message(role="assistant", content="I will not")),
        ({"content": "<think>\nr\n</think>\n\na"}, Message(role="assistant", content="a", reasoning="r")),
        (
            {"tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.0}}}]},
            Message(role="assistant", calls=(ToolCall(id="call_1", name="f", arguments='{"x": 1.0}'),)),
        ),
        (
            {"function_call": {"name": "f", "arguments": ""}},
            Message(role="assistant", calls=(ToolCall(id="call_1", name="f", arguments="{}"),)),
        ),
        (
            {"tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "c", "input": "raw"}}]},
            Message(role="assistant", calls=(ToolCall(id="1", name="c", arguments="raw"),)),
        ),
        ({"content": "half \ud83d"}, Message(role="assistant", content="half ?")),
    ],
)
def test_chat_answers_of_many_servers(message: dict[str, Any], expected: Message) -> None:
    reply = answered("chat", {"choices": [{"message": message, "finish_reason": "length"}]})
    assert reply == Reply(message=expected, stop="refused" if message.get("refusal") else "length")


def test_cost_is_what_the_answer_states_and_unknown_otherwise() -> None:
    choice = {"message": {"content": "a"}, "finish_reason": "stop"}
    costs = [0.25, 0, None, "1", True, -1, float("nan")]
    replies = [answered("chat", {"choices": [choice], "usage": {"cost": cost}}) for cost in costs]
    assert [reply and reply.cost for reply in replies] == [0.25, 0.0, None, None, None, None, None]


def test_streamed_calls_that_share_a_number_are_told_apart_by_their_ids() -> None:
    def piece(id: str, arguments: str) -> SseEvent:
        call = {"index": 0, "id": id, "function": {"name": "f", "arguments": arguments}}
        return SseEvent({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})

    reply = answered("chat", (piece("a", "{}"), piece("b", '{"x":'), piece("", "1}")))
    assert reply is not None
    assert [(call.id, call.arguments) for call in reply.message.calls] == [("a", "{}"), ("b", '{"x": 1}')]


# --- OpenAI responses ------------------------------------------------------------------------------------------------


def test_responses_items_of_one_answer_are_one_message() -> None:
    given = [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "do"}, {"type": "input_file", "file_id": "f"}],
        },
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "call_1", "name": "bash", "arguments": '{"command":"ls","b":1}'},
        {"type": "function_call", "call_id": "call_1_2", "name": "bash", "arguments": '{"command": "pwd"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "a"},
        {
            "type": "function_call_output",
            "call_id": "call_1_2",
            "output": [{"type": "input_text", "text": "/"}],
        },
    ]
    assert sent("responses", given, instructions="rules") == (
        Message(role="system", content="rules"),
        Message(role="user", content="do\n[file]"),
        SAID,
        Message(role="tool", call_id="call_1", content="a"),
        Message(role="tool", call_id="call_1_2", content="/"),
    )
    assert sent("responses", "do") == (USER,)


def test_calls_of_built_in_tools_are_calls_and_what_the_server_did_itself_is_a_note() -> None:
    given = [
        {"type": "shell_call", "call_id": "1", "action": {"commands": ["ls"]}},
        {"type": "web_search_call", "id": "ws"},
        {"type": "shell_call_output", "call_id": "1", "output": [{"stdout": "a", "stderr": ""}]},
    ]
    assert sent("responses", given) == (
        Message(
            role="assistant",
            content="[web_search_call]",
            calls=(ToolCall(id="1", name="shell", arguments='{"commands": ["ls"]}'),),
        ),
        Message(role="tool", call_id="1", content='[{"stdout": "a", "stderr": ""}]'),
    )


def test_an_incomplete_response_says_why_and_a_failed_one_is_no_reply() -> None:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]
    for reason, stop in (("max_output_tokens", "length"), ("content_filter", "content_filter")):
        cut = {"status": "incomplete", "incomplete_details": {"reason": reason}, "output": output}
        streamed = (SseEvent({"type": "response.incomplete", "response": cut}),)
        for response in [cut, streamed]:
            assert answered("responses", response) == Reply(
                message=Message(role="assistant", content="no"), stop=stop
            )
    failed = {"status": "failed", "output": output, "error": {"code": "server_error"}}
    assert answered("responses", failed) is None
    assert answered("responses", (SseEvent({"type": "response.failed", "response": failed}),)) is None


# --- Anthropic messages ----------------------------------------------------------------------------------------------


def test_results_of_tools_inside_a_users_message_are_messages_of_the_tool() -> None:
    result = {"type": "tool_result", "tool_use_id": "call_1"}
    blocks = [
        result | {"content": [{"type": "text", "text": "a"}, {"type": "image", "source": {}}]},
        result | {"tool_use_id": "call_1_2", "content": "broke", "is_error": True},
        result | {"tool_use_id": "3", "is_error": True},
        {"type": "text", "text": "go on", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "please"},
    ]
    system = [{"type": "text", "text": "rules"}, {"type": "text", "text": "more"}]
    assert sent("messages", [{"role": "user", "content": blocks}], system=system) == (
        Message(role="system", content="rules\nmore"),
        Message(role="tool", call_id="call_1", content="a\n[image]"),
        Message(role="tool", call_id="call_1_2", content="[error] broke"),
        Message(role="tool", call_id="3", content="[error]"),
        Message(role="user", content="go on\nplease"),
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("refusal", "refused"),
        ("model_context_window_exceeded", "overflow"),
        ("new", "new"),
        (None, "unknown"),
    ],
)
def test_reasons_to_stop_have_one_name(reason: str | None, stop: str) -> None:
    response: dict[str, Any] = {"role": "assistant", "content": [], "stop_reason": reason}
    assert answered("messages", response) == Reply(message=Message(role="assistant"), stop=stop)


def test_the_final_counts_of_a_stream_stand() -> None:
    start = {
        "role": "assistant",
        "content": [],
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1},
    }
    events = [
        {"type": "message_start", "message": start},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": None, "output_tokens": 9},
        },
    ]
    reply = answered("messages", tuple(map(SseEvent, events)))
    assert reply is not None and (reply.prompt_tokens, reply.completion_tokens) == (7, 9)


def test_input_of_a_tool_that_is_no_json_stands_as_it_came() -> None:
    events = (
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "1", "name": "f", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"cut'},
        },
    )
    reply = answered("messages", tuple(map(SseEvent, events)))
    assert reply is not None and reply.message.calls == (ToolCall(id="1", name="f", arguments='{"cut'),)


# --- follow ----------------------------------------------------------------------------------------------------------


def followed(shape: str, given: Any, **more: Any) -> tuple[Message, ...]:
    first, now = ask(shape, [{"role": "user", "content": "do"}]), ask(shape, given, **more)
    return follow(now, understood(now)[0], [USER, SAID], first)


RESULT = Message(role="tool", call_id="call_1", content="a")
CHAT_CALLS = [
    {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}} for c in MADE
]


def test_a_reply_that_comes_back_without_its_reasoning_is_the_one_that_is_known() -> None:
    echo = {
        "role": "assistant",
        "content": " I look.\n",
        "tool_calls": CHAT_CALLS,
        "audio": None,
        "annotations": [],
    }
    result = {"role": "tool", "tool_call_id": "call_1", "content": "a"}
    assert followed("chat", [{"role": "user", "content": "do"}, echo, result]) == (USER, SAID, RESULT)


def test_a_reply_that_comes_back_as_smolagents_writes_it_is_the_one_that_is_known() -> None:
    echo = [{"type": "text", "text": "I look.\nCalling tools:\n[{'id': 'call_1', 'type': 'function'}]"}]
    given = [
        {"role": "user", "content": "do"},
        {"role": "assistant", "content": echo},
        {"role": "user", "content": "Observation: a"},
    ]
    assert followed("chat", given) == (USER, SAID, Message(role="user", content="Observation: a"))


def test_a_reference_to_what_the_server_keeps_is_the_reply_that_is_known() -> None:
    given = [{"role": "user", "content": "do"}, {"type": "item_reference", "id": "msg_1"}, {"id": "fc_1"}]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "a"}
    assert followed("responses", [*given, output]) == (USER, SAID, RESULT)


def test_history_that_the_server_keeps_is_put_before_what_is_sent() -> None:
    output = [{"type": "function_call_output", "call_id": "call_1", "output": "a"}]
    assert followed("responses", output, previous_response_id="resp_1") == (USER, SAID, RESULT)
    assert followed("responses", output, previous_response_id="resp_7") == (RESULT,)


def test_instructions_that_are_sent_again_are_told_once() -> None:
    rules = Message(role="system", content="rules")
    first = ask("responses", "do", instructions="rules", stream=True)
    now = ask("responses", "on", instructions="rules", previous_response_id="resp_1")
    after = follow(now, understood(now)[0], [rules, USER, SAID], first)
    assert after == (rules, USER, SAID, Message(role="user", content="on"))


def test_a_history_that_was_changed_is_told_as_it_was_sent() -> None:
    other = Message(role="assistant", content="I did not look.", calls=MADE)
    given = [
        {"role": "user", "content": "do"},
        {"role": "assistant", "content": other.content, "tool_calls": CHAT_CALLS},
    ]
    assert followed("chat", given) == (USER, other)
