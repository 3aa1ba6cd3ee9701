"""The short way to a server of one's own sends and reads what litellm does, and is left wherever anything is out of the ordinary."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from pytest_odcv.agent.bash import TOOLS
from pytest_odcv.model import plain_http
from pytest_odcv.model.litellm_client import LiveClient, LiveSettings
from pytest_odcv.model.traffic import Patience
from pytest_odcv.model.types import Message, ToolCall

from ..conftest import needs_litellm
from .conftest import bash, completion
from .test_client import CONVERSATION

pytestmark = needs_litellm


@pytest.fixture(autouse=True)
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this process may have imported litellm by themselves."""
    monkeypatch.setattr(plain_http, "ours", True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")


def said(**message: Any) -> dict[str, Any]:
    return completion(**{"content": "x", **message})


def ended(finish: Any, **message: Any) -> dict[str, Any]:
    body = said(**message)
    body["choices"][0]["finish_reason"] = finish
    return body


def used(usage: Any) -> dict[str, Any]:
    return {**completion("x"), "usage": usage}


def called(**call: Any) -> dict[str, Any]:
    function = {"name": "bash", "arguments": '{"command": "ls"}'}
    found = {"id": "c1", "type": "function", "function": function, **call}
    return ended("tool_calls", content=None, tool_calls=[found])


def function(**fields: Any) -> dict[str, Any]:
    return called(function={"name": "bash", **fields})


def choice(**fields: Any) -> dict[str, Any]:
    return {**completion("x"), "choices": [{"index": 0, **fields}]}


ORDINARY: dict[str, Any] = {
    "text": completion("ä \n"),
    "empty text": completion(""),
    "calls": completion("hm", [bash("ls"), bash("pwd", "c2")]),
    "calls of one id": completion(None, [bash("ls"), bash("pwd")]),
    "arguments that are no JSON": function(arguments="{bad"),
    "cut": ended("length"),
    "filtered": ended("content_filter"),
    "nulls": said(refusal=None, tool_calls=None, annotations=[], audio=None, function_call=None),
    "usage in detail": used({"prompt_tokens": 5, "completion_tokens": 6, "prompt_tokens_details": {"cached_tokens": 3}}),
    "surrogate": completion("a\ud800b"),
    "no model": {name: value for name, value in completion("x").items() if name != "model"},
}  # fmt: skip
OTHERS: dict[str, Any] = {
    "thinking in tags": completion("<think>a\nb</think>\n\nc"),
    "thinking before calls": completion("<thinking>q</thinking>", [bash("ls")]),
    "reasoning": said(reasoning="r", reasoning_content="q"),
    "refusal": said(content=None, refusal="no"),
    "field of a provider's own": said(extra={"a": [{"b": None}]}),
    "thinking in parts": said(content=[{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "b"}]),
    **{f"finish {finish}": ended(finish) for finish in ("eos", "max_tokens", "weird", "SAFETY", "", None)},
    "stop with calls": ended("stop", content=None, tool_calls=called()["choices"][0]["message"]["tool_calls"]),
    "cut within calls": ended("length", content=None, tool_calls=called()["choices"][0]["message"]["tool_calls"]),
    "arguments null": function(arguments=None),
    "arguments as an object": function(arguments={"command": "ls"}),
    "arguments empty": function(arguments=""),
    "no arguments": function(),
    "no function": called(function=None),
    "signed call": called(extra_content={"google": {"thought_signature": "s"}}),
    "legacy call": said(content=None, function_call={"name": "bash", "arguments": "{}"}),
    "no usage": used(None),
    "half a usage": used({"prompt_tokens": 5}),
    "usage in floats": used({"prompt_tokens": 5.0, "completion_tokens": 6.0, "total_tokens": 11.0}),
    "negative usage": used({"prompt_tokens": -5, "completion_tokens": 6}),
    "a model with a price": {**completion("x"), "model": "gpt-4o"},
    "two choices": {**completion("x"), "choices": [*completion("a")["choices"], *completion("b")["choices"]]},
    "no message": choice(finish_reason="stop"),
    "no role": choice(message={"content": "x"}, finish_reason="stop"),
    "choice in error": choice(error={"message": "oops", "code": 500}, message={"role": "assistant", "content": ""}),
    "error beside an answer": {**completion("x"), "error": {"message": "bad", "code": 429}},
    "error": {"error": {"message": "bad", "code": 429}},
    "no choices": {"choices": []},
    "another API": {"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"},
    "list": [],
    "no JSON": b"not json",
    "nothing": b"",
}  # fmt: skip


def both_ways(server: Any, **more: Any) -> tuple[Any, Any]:
    """What comes of asking by the short way, and of asking through litellm."""
    settings = LiveSettings(api_base=server.base, patience=Patience(0), **more)

    async def ask() -> tuple[Any, Any]:
        client = LiveClient("openai/stub", settings)
        request, asked = client._request(CONVERSATION, TOOLS), settings.asked(1)
        assert client._plain is not None
        short = await client._try(client._plain, request, 1), dict(client.sent)
        long = await client._by_litellm(request, asked), dict(client.sent)
        await client.close()
        return short, long

    return asyncio.run(ask())


@pytest.mark.parametrize("name", [*ORDINARY, *OTHERS])
def test_an_answer_is_read_as_litellm_reads_it(serve: Any, name: str) -> None:
    short, long = both_ways(serve(lambda request, n: (200, (ORDINARY | OTHERS)[name])), max_tokens=50)
    assert short == long


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_failure_is_read_as_litellm_reads_it(serve: Any, status: int) -> None:
    answer = {"error": {"message": "no temperature", "code": "x"}}
    short, long = both_ways(serve(lambda request, n: (status, answer, {"retry-after": "3"})))
    assert short == long


@pytest.mark.parametrize("more", [{}, {"max_tokens": 50, "temperature": None}])
def test_the_same_request_is_sent_once(serve: Any, more: dict[str, Any]) -> None:
    server = serve(lambda request, n: (200, OTHERS["thinking in tags"]))
    both_ways(server, **more)
    short, long = server.requests
    assert short == long
    for header in ("authorization", "accept", "content-type"):
        first, second = ({n.lower(): v for n, v in found.items()}[header] for found in server.headers)
        assert first == second


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_answer_is_read_without_litellm(name: str) -> None:
    assert plain_http.is_ordinary(ORDINARY[name])


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_answer_is_left_to_litellm(name: str) -> None:
    assert not plain_http.is_ordinary(OTHERS[name])


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("openai/gpt-4o", "http://h/v1"),
        ("openai/GPT-4O", "http://h/v1"),
        ("openai/o3-mini", "http://h/v1"),
        ("openai/claude-opus-9", "http://h/v1"),
        ("openai/responses/x", "http://h/v1"),
        ("anthropic/stub", "http://h/v1"),
        ("openai/stub", "https://h/v1"),
        ("openai/stub", "http://h/v1?version=2"),
        ("openai/stub", "http://me:word@h/v1"),
        ("openai/stub", None),
    ],
)
def test_what_litellm_knows_or_translates_is_left_to_it(model: str, base: str | None) -> None:
    assert plain_http.serves("openai/stub", "http://h/v1")
    assert not plain_http.serves(model, base)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_ORGANIZATION", "o"),
        ("SSL_VERIFY", "False"),
        ("LITELLM_LOCAL_MODEL_COST_MAP", "False"),
        ("HTTP_PROXY", "http://proxy"),
        ("OPENAI_API_KEY", "sk-\n"),
    ],
)
def test_what_is_set_up_for_litellm_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert not plain_http.serves("openai/stub", "http://h/v1")


def test_a_litellm_that_the_project_imported_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", sys)
    monkeypatch.setattr(plain_http, "ours", False)
    assert not plain_http.serves("openai/stub", "http://h/v1")


def test_what_a_provider_added_goes_back_through_litellm() -> None:
    call = ToolCall(id="a", name="bash", arguments="{}")
    signed = call.model_copy(update={"native": {"extra_content": {}}})
    assert plain_http.is_plain([Message(role="assistant", calls=(call,))])
    assert not plain_http.is_plain([Message(role="assistant", calls=(signed,))])
    assert not plain_http.is_plain([Message(role="assistant", native={"reasoning_content": "r"})])


def test_an_ordinary_conversation_imports_neither_litellm_nor_openai(serve: Any) -> None:
    server = serve(lambda request, n: (200, completion("x")))
    code = f"""
import asyncio, sys
from pytest_odcv.model.litellm_client import LiveClient, LiveSettings, check_model
from pytest_odcv.model.types import Message
settings = LiveSettings(api_base={server.base!r})
check_model("openai/stub", settings)
client = LiveClient("openai/stub", settings)
async def ask():
    reply = await client.complete([Message(role="user", content="u")], [])
    await client.close()
    return reply
assert asyncio.run(ask()).message.content == "x"
assert not {{"litellm", "openai"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
