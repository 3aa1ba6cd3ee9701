"""The live client against a real HTTP server: what it sends, what it reads, when it tries again, what its errors say."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odcv.agent.bash import TOOLS
from pytest_odcv.errors import ModelError
from pytest_odcv.model import traffic
from pytest_odcv.model.litellm_client import LiveClient, LiveSettings
from pytest_odcv.model.traffic import Patience
from pytest_odcv.model.types import Message, Reply, ToolCall

from ..conftest import needs_litellm
from .conftest import bash, completion

pytestmark = needs_litellm

CONVERSATION = [
    Message(role="system", content="s"),
    Message(
        role="assistant", content="", calls=(ToolCall(id="a", name="bash", arguments='{"command": "ls"}'),)
    ),
    Message(role="tool", call_id="a", content="x"),
]


def ask(base: str, model: str = "openai/stub", **settings: Any) -> Reply:
    client = LiveClient(model, LiveSettings(api_base=base, patience=Patience(2, first=0.0), **settings))
    return asyncio.run(client.complete(CONVERSATION, TOOLS))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")


def test_an_answer_is_read_with_calls_counts_and_an_unknown_price(serve: Any) -> None:
    reply = ask(
        serve(
            lambda request, n: (
                200,
                completion("hm", [bash("ls"), bash("pwd", "c2")], reasoning_content="let me see"),
            )
        ).base
    )
    assert [(c.id, c.arguments) for c in reply.message.calls] == [
        ("c1", '{"command": "ls"}'),
        ("c2", '{"command": "pwd"}'),
    ]
    assert (reply.message.content, reply.message.reasoning, reply.stop) == ("hm", "let me see", "tool_calls")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cost) == (11, 7, None)


def test_a_model_with_a_known_price_has_a_cost(serve: Any) -> None:
    reply = ask(serve(lambda request, n: (200, completion("x") | {"model": "gpt-4o"})).base, "openai/gpt-4o")
    assert reply.cost is not None and 0 < reply.cost < 0.01


def test_the_request_is_openais_shape_and_content_is_never_null(serve: Any) -> None:
    server = serve(lambda request, n: (200, completion("x")))
    ask(server.base, temperature=0.5)
    request = server.requests[0]
    assert request["model"] == "stub" and request["temperature"] == 0.5
    assert [m["content"] for m in request["messages"]] == ["s", "", "x"]
    assert request["messages"][2]["tool_call_id"] == "a"
    assert [tool["function"]["name"] for tool in request["tools"]] == ["bash", "task_complete"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_or_broken_server_is_tried_again(serve: Any, status: int) -> None:
    server = serve(
        lambda request, n: (status, {"error": {"message": "busy"}}) if n < 3 else (200, completion("at last"))
    )
    assert ask(server.base).message.content == "at last"
    assert len(server.requests) == 3


def test_the_servers_own_pause_is_kept(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slept, sleep = [], asyncio.sleep

    async def counted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    # The time that is not slept goes by all the same: else a pause is asked for again and again until it is over.
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + sum(slept))
    monkeypatch.setattr(asyncio, "sleep", counted)
    monkeypatch.setattr(traffic, "time", clock)
    server = serve(
        lambda request, n: (
            (429, {"error": {"message": "busy"}}, {"retry-after": "7.5"})
            if n < 2
            else (200, completion("ok"))
        )
    )
    ask(server.base)
    assert [seconds for seconds in slept if 7.4 < seconds < 8.3]


@pytest.mark.parametrize(
    ("status", "tries", "says"),
    [
        (401, 1, "HTTP 401. The key was refused: check the provider's key variable."),
        (404, 1, "HTTP 404. The provider does not know this model or address"),
        (400, 1, "HTTP 400. The provider refused the request."),
        (429, 3, "HTTP 429. The provider's rate limit outlasted 2 further tries"),
        (500, 3, "HTTP 500. The provider failed"),
    ],
)
def test_errors_say_what_happened_and_what_to_do(serve: Any, status: int, tries: int, says: str) -> None:
    server = serve(lambda request, n: (status, {"error": {"message": "the server's own words"}}))
    with pytest.raises(ModelError) as caught:
        ask(server.base)
    assert says in str(caught.value)
    assert "the server's own words" in str(caught.value)
    assert "openai/stub" in str(caught.value)
    assert len(server.requests) == tries


def test_a_server_that_does_not_answer_is_a_timeout(serve: Any) -> None:
    given_up = threading.Event()
    server = serve(lambda request, n: (given_up.wait(), (200, completion("late")))[1])
    with pytest.raises(ModelError, match=r"no answer within 0\.2 s, 3 times\. Raise --odcv-timeout"):
        ask(server.base, timeout=0.2)
    given_up.set()


def test_nobody_at_the_address_is_said_with_the_address(serve: Any) -> None:
    server = serve(lambda request, n: (200, {}))
    server.stop()
    with pytest.raises(
        ModelError, match=r"at http://127\.0\.0\.1:\d+/v1: cannot be reached\. Check the address"
    ):
        ask(server.base)


@pytest.mark.parametrize("body", [b"not json", {"choices": []}, {}])
def test_an_answer_that_is_none_is_an_error(serve: Any, body: Any) -> None:
    with pytest.raises(ModelError):
        ask(serve(lambda request, n: (200, body)).base)
