"""What a request may hold, and how what it may not hold is refused."""

from __future__ import annotations

from typing import Any

import pytest
from local_model.engine import Sampling
from local_model.prompt import Call, Turn
from local_model.request import ApiError, Request, parse

from .helpers import BASH, DONE, tool

HELLO = [{"role": "user", "content": "Hello"}]
CALL = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
TWO = [tool("bash", BASH), tool("task_complete", DONE)]


def read(**body: Any) -> Request:
    return parse({"model": "fake", "messages": HELLO, **body}, model="fake", max_tokens=100)


def test_a_plain_question_is_answered_greedily_in_free_text() -> None:
    request = read()
    assert request.turns == (Turn("user", "Hello"),)
    assert request.tools == () and request.grammar is None and not request.stream
    assert request.sampling == Sampling(max_tokens=100, temperature=0.0, top_p=1.0, seed=0)


def test_a_conversation_with_tools_is_read_whole() -> None:
    messages = [
        {
            "role": "developer",
            "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}],
        },
        {"role": "user", "content": "Look.", "name": "anna"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "a.txt"},
    ]
    assert read(messages=messages, tools=TWO).turns == (
        Turn("system", "Be\nbrief."),
        Turn("user", "Look."),
        Turn("assistant", "", (Call("bash", '{"command": "ls"}'),)),
        Turn("tool", "a.txt"),
    )


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (None, ["bash", "task_complete"]),
        ("auto", ["bash", "task_complete"]),
        ("required", ["bash", "task_complete"]),
        ("none", []),
        ({"type": "function", "function": {"name": "task_complete"}}, ["task_complete"]),
    ],
)
def test_tool_choice_says_which_tools_the_grammar_allows(choice: Any, offered: list[str]) -> None:
    request = read(tools=TWO, tool_choice=choice)
    assert [tool.name for tool in request.tools] == offered
    assert (request.grammar is None) == (not offered)
    for name in ("bash", "task_complete"):
        assert (name in (request.grammar or "")) == (name in offered)


def test_a_request_may_ask_for_fewer_tokens_than_the_server_allows_but_not_for_more() -> None:
    assert read(max_tokens=7).sampling.max_tokens == 7
    assert read(max_tokens=70, max_completion_tokens=8).sampling.max_tokens == 8
    assert read(max_tokens=10**6).sampling.max_tokens == 100


def test_sampling_is_taken_from_the_request_and_no_seed_is_a_random_one() -> None:
    sampling = read(temperature=1, top_p=0, seed=2**32 - 1, stop=["."]).sampling
    assert (sampling.temperature, sampling.top_p, sampling.stop) == (1, 0, (".",))
    assert 0 <= sampling.seed < 2**31


def test_a_stop_text_does_not_cut_a_call() -> None:
    assert read(tools=TWO, stop="}").sampling.stop == ()


def test_a_json_schema_for_the_answer_becomes_a_grammar() -> None:
    schema = {"type": "object", "properties": {"score": {"enum": [0, 5]}}, "required": ["score"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}}
    request = read(response_format=wanted)
    assert request.tools == () and '"\\"score\\": "' in (request.grammar or "")


def test_what_concerns_only_the_service_of_openai_is_ignored() -> None:
    given = {"user": "u", "store": False, "metadata": {}, "parallel_tool_calls": True, "stream_options": None}
    assert read(**given) == read()


def message(**changes: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Hello", **changes}]}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": ["Hello"]}, "messages[0]"),
        (message(role="function"), "messages[0].role"),
        (message(content=3), "messages[0].content"),
        (message(content=[{"type": "image_url", "image_url": {}}]), "messages[0].content"),
        (message(role="tool", tool_call_id="c1"), "messages[0].tool_call_id"),
        (message(role="assistant", tool_calls=[{"id": "c1"}]), "messages[0].tool_calls[0]"),
        (message(role="assistant", tool_calls=[{**CALL, "id": None}]), "messages[0].tool_calls[0].id"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0]"),
        ({"tools": [tool("a b")]}, "tools[0].function.name"),
        ({"tools": [tool("bash"), tool("bash")]}, "tools[1].function.name"),
        ({"tools": [tool("bash", {"type": "object", "properties": {"x": {"type": "text"}}})]}, "tools"),
        ({"tools": TWO, "tool_choice": "always"}, "tool_choice"),
        ({"tools": TWO, "tool_choice": {"type": "function", "function": {"name": "python"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"seed": True}, "seed"),
        ({"stop": ["a", ""]}, "stop"),
        ({"stop": list("abcde")}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"functions": [{}]}, "functions"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}},
            "response_format",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_place(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as refusal:
        read(**changes)
    error = refusal.value.body["error"]
    assert refusal.value.status == 400
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"].endswith(".")


def test_another_model_is_not_found() -> None:
    with pytest.raises(ApiError) as refusal:
        read(model="gpt-5.5")
    assert refusal.value.status == 404
    assert refusal.value.body["error"]["code"] == "model_not_found"
    assert "'fake'" in refusal.value.body["error"]["message"]


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(ApiError, match="must be a JSON object"):
        parse(body, model="fake", max_tokens=10)
