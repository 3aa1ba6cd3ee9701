"""What providers say beside text and calls goes back to them as it came, by every route of the client, and is in no other's way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_odcv.agent.bash import TOOLS
from pytest_odcv.cassette import format as cassette
from pytest_odcv.cassette.format import Recording
from pytest_odcv.model.litellm_client import LiveClient, LiveSettings
from pytest_odcv.model.traffic import Patience
from pytest_odcv.model.types import Message, Reply
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.trajectory import Journal, Trajectory

from ..conftest import needs_litellm
from ..faults.kinds import completion
from ..faults.server import FaultServer, healthy

pytestmark = needs_litellm

ARGUMENTS = json.dumps({"command": "ls"})
CALL = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": ARGUMENTS}}
THINKING = [
    {"type": "thinking", "thinking": "hm", "signature": "SIG=="},
    {"type": "redacted_thinking", "data": "RED"},
]
CLAUDE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [
        *THINKING,
        {"type": "text", "text": "look"},
        {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 3, "output_tokens": 4},
}
GEMINI = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "bash", "args": {"command": "ls"}}, "thoughtSignature": "TS=="},
                    {"functionCall": {"name": "bash", "args": {"command": "pwd"}}},
                ],
            },
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
}
KEYS = ("ANTHROPIC", "DEEPSEEK", "MOONSHOT", "GEMINI", "OPENROUTER", "OPENAI", "MISTRAL")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in KEYS:
        monkeypatch.setenv(f"{name}_API_KEY", "k")
    yield


def kept(reply: Reply) -> Reply:
    """The reply as a cassette gives it back: a resumed trial asks with what stands there."""
    journal = Journal()
    journal.turn([Message(role="user", content="x")], Redactor(environ={}).reply(reply))
    trial = {"suite": "s", "scenario": "s", "variant": "mandated", "model": "m", "epoch": 1}
    made_with = dict.fromkeys(("prompts", "environment", "agent", "sandbox"), "x")
    text = cassette.text_to_keep(Recording(trial, made_with, Trajectory(tuple(journal.events)), []), "x")
    return cassette.load(text, "x").trajectory.turns[0].reply


def exchange(model: str, body: Any, **settings: Any) -> tuple[Reply, Any]:
    """The reply to a first question, and the request of the second, in which it goes back."""

    async def ask() -> tuple[Reply, Any]:
        with FaultServer(healthy, lambda request: body) as server:
            base = (
                server.base.removesuffix("/v1") if model.startswith(("anthropic", "gemini")) else server.base
            )
            client = LiveClient(model, LiveSettings(api_base=base, patience=Patience(0), **settings))
            told = [Message(role="system", content="s"), Message(role="user", content="x")]
            reply = kept(await client.complete(told, TOOLS))
            results = [Message(role="tool", call_id=call.id, content="out") for call in reply.message.calls]
            await client.complete([*told, reply.message, *results], TOOLS)
            return reply, server.requests[-1].body

    return asyncio.run(ask())


@pytest.mark.parametrize("model", ["deepseek/deepseek-reasoner", "moonshot/kimi-k2-thinking", "openai/m"])
def test_reasoning_content_goes_back(model: str) -> None:
    reply, sent = exchange(model, completion(None, reasoning_content="First the files.", tool_calls=[CALL]))
    assert reply.message.reasoning == "First the files."
    assert sent["messages"][2]["reasoning_content"] == "First the files."
    assert sent["messages"][2]["tool_calls"] == [CALL]


def test_fields_of_openrouter_and_others_go_back_under_their_own_names() -> None:
    details = [{"type": "reasoning.encrypted", "data": "ENC"}]
    body = completion(None, reasoning="First", reasoning_details=details, tool_calls=[CALL])
    _, sent = exchange("openrouter/x/y", body)
    assert (sent["messages"][2]["reasoning"], sent["messages"][2]["reasoning_details"]) == ("First", details)


def test_signed_thinking_goes_back_byte_for_byte() -> None:
    reply, sent = exchange("anthropic/claude-opus-4-7", CLAUDE)
    assert sent["messages"][1]["content"] == CLAUDE["content"]
    assert (reply.message.content, reply.message.reasoning, reply.stop) == ("look", "hm", "tool_calls")


def test_thought_signatures_go_back_beside_their_call_by_both_of_geminis_apis() -> None:
    _, sent = exchange("gemini/gemini-3-pro-preview", GEMINI)
    calls = [part for part in sent["contents"][1]["parts"] if "function_call" in part]
    assert [part.get("thoughtSignature") for part in calls] == ["TS==", None]
    signed = {**CALL, "extra_content": {"google": {"thought_signature": "GS"}}}
    _, sent = exchange("openai/m", completion(None, tool_calls=[signed]))
    assert sent["messages"][2]["tool_calls"] == [signed]


def test_an_answer_without_such_fields_goes_back_as_plain_as_ever() -> None:
    reply, sent = exchange("openai/m", completion("look", tool_calls=[CALL]))
    assert (reply.message.native, reply.message.calls[0].native) == ({}, {})
    assert sent["messages"][2] == {"role": "assistant", "content": "look", "tool_calls": [CALL]}


def test_content_in_parts_is_read_and_goes_back_in_parts() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Think."}]},
        {"type": "text", "text": "I looked "},
        {"type": "text", "text": "at the files."},
    ]
    reply, sent = exchange("openai/m", completion(parts))
    assert (reply.message.content, reply.message.reasoning) == ("I looked at the files.", "Think.")
    assert sent["messages"][2]["content"] == parts


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        ("openai/m", completion(None, refusal="I can't help."), "I can't help."),
        ("openai/m", completion([{"type": "refusal", "refusal": "I won't."}]), "I won't."),
        (
            "anthropic/claude-x",
            {**CLAUDE, "content": [{"type": "text", "text": "No."}], "stop_reason": "refusal"},
            "No.",
        ),
    ],
)
def test_a_refusal_is_told_from_a_filter_and_keeps_its_words(model: str, body: Any, words: str) -> None:
    reply, _ = exchange(model, body)
    assert (reply.shortfall, reply.message.content) == ("refused", words)


@pytest.mark.parametrize(
    ("model", "twice"),
    [
        ("openai/m", [CALL, {**CALL}]),
        ("mistral/m", [{**CALL, "id": "abcdefghi"}, {**CALL, "id": "abcdefghi"}]),
        ("deepseek/deepseek-chat", [CALL, {**CALL}, {**CALL}]),
    ],
)
def test_equal_ids_of_parallel_calls_are_told_apart_by_openais_route(model: str, twice: list[Any]) -> None:
    reply, sent = exchange(model, completion(None, tool_calls=twice))
    ids = [call["id"] for call in sent["messages"][2]["tool_calls"]]
    assert len({*ids}) == len(twice) and {len(id) for id in ids} == {len(twice[0]["id"])}
    assert ids == [message["tool_call_id"] for message in sent["messages"][3:]]
    assert [call.id for call in reply.message.calls] == ids


def test_equal_ids_of_parallel_calls_are_told_apart_by_anthropics_route() -> None:
    uses = [block for block in CLAUDE["content"] if block["type"] == "tool_use"]
    _, sent = exchange("anthropic/claude-x", {**CLAUDE, "content": [*uses, *uses]})
    ids = [block["id"] for block in sent["messages"][1]["content"]]
    assert len({*ids}) == 2
    assert ids == [block["tool_use_id"] for block in sent["messages"][2]["content"]]


@pytest.mark.parametrize(
    ("model", "body", "settings", "sent"),
    [
        ("openai/m", completion("x"), {}, {"temperature": 0.0}),
        ("openai/gpt-5", completion("x"), {}, {}),
        ("openai/m", completion("x"), {"temperature": None, "max_tokens": 99}, {"max_tokens": 99}),
        ("anthropic/claude-unheard-of", CLAUDE, {}, {"temperature": 0.0, "max_tokens": 4096}),
        (
            "anthropic/claude-unheard-of",
            CLAUDE,
            {"max_tokens": 9000},
            {"temperature": 0.0, "max_tokens": 9000},
        ),
    ],
)
def test_what_was_really_sent_is_known(
    model: str, body: Any, settings: dict[str, Any], sent: dict[str, float]
) -> None:
    """litellm drops a temperature that it thinks the model refuses, and fills in max_tokens where the API wants a number."""

    async def ask() -> dict[str, float]:
        with FaultServer(healthy, lambda request: body) as server:
            base = server.base.removesuffix("/v1") if model.startswith("anthropic") else server.base
            client = LiveClient(model, LiveSettings(api_base=base, patience=Patience(0), **settings))
            await client.complete([Message(role="user", content="x")], TOOLS)
            return client.sent

    assert asyncio.run(ask()) == sent
