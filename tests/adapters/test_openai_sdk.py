"""The adapter for OpenAI's SDK, with the real SDK against a loopback server."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_odcv.adapters import openai_sdk
from pytest_odcv.agent.protocol import Ended
from pytest_odcv.errors import UsageProblem
from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit
from .fake_desk import TASK, FakeDesk, run_async, run_plain

pytestmark = pytest.mark.skipif(importlib.util.find_spec("openai") is None, reason=kit.REASON)

TWO_STEPS = turns(
    ScriptedTurn("I look.", (("bash", {"command": "ls"}), ("read_file", {"path": "a.txt"}))),
    ScriptedTurn("All is filed."),
)
SETTINGS: dict[str, Any] = {"model": "gpt-5.4-mini", "instructions": "Be brief.", "temperature": 0}


@pytest.fixture(scope="module", autouse=True)
def sdk() -> Any:
    return pytest.importorskip("openai")


def run(
    server: ModelServer, blocking: bool = False, task: Any = TASK, **options: Any
) -> tuple[Any, FakeDesk]:
    import openai

    kwargs: dict[str, Any] = {"base_url": server.base, "api_key": "k" * 8, "max_retries": 0}
    if blocking:
        with openai.OpenAI(**kwargs) as client:
            return run_plain(lambda task, env: openai_sdk.run(client, task, env, **SETTINGS | options), task)

    async def agent(task: Any, env: Any) -> Any:
        async with openai.AsyncOpenAI(**kwargs) as client:
            return await openai_sdk.run(client, task, env, **SETTINGS | options)

    return run_async(agent, task)


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_it_runs_what_the_model_calls_and_says_its_last_words(
    serve: Callable[..., ModelServer], api: str, stream: bool, blocking: bool
) -> None:
    server = serve(TWO_STEPS)
    ended, desk = run(server, blocking, api=api, stream=stream)
    assert ended is Ended.COMPLETED
    assert desk.ran == ["ls", "cat -- /app/a.txt"]
    assert desk.said == ["All is filed."]
    first, second = (body for _, _, body in server.requests)
    assert (first["model"], first["temperature"], first.get("stream", False)) == ("gpt-5.4-mini", 0, stream)
    assert [t.get("function", t)["name"] for t in first["tools"]] == ["bash", "read_file", "write_file"]
    before = second["messages"] if api == "chat" else second["input"]
    assert [item.get("content", item.get("output")) for item in before[-2:]] == [
        "ran ls",
        "ran cat -- /app/a.txt\n",
    ]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_teams_instructions_stand_before_the_tasks(serve: Callable[..., ModelServer], api: str) -> None:
    server = serve(turns(ScriptedTurn("Done.")))
    run(server, api=api)
    _, _, body = server.requests[0]
    system = body["messages"][0]["content"] if api == "chat" else body["instructions"]
    assert system == "Be brief.\n\nYou keep the books."


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
def test_it_stops_at_the_step_limit_and_says_what_was_said_last(
    serve: Callable[..., ModelServer], blocking: bool
) -> None:
    server = serve(turns(ScriptedTurn("Still looking.", (("bash", {"command": "ls"}),))))
    ended, desk = run(server, blocking, replace(TASK, step_limit=3))
    assert ended is Ended.STEP_LIMIT
    assert len(server.requests) == 3
    assert desk.said == ["Still looking."]


def test_a_call_that_makes_no_sense_is_answered_to_the_model(serve: Callable[..., ModelServer]) -> None:
    server = serve(
        turns(ScriptedTurn("", (("python", {"code": "1"}), ("bash", {"cmd": "ls"}))), ScriptedTurn("Ok."))
    )
    ended, desk = run(server)
    assert (ended, desk.ran) == (Ended.COMPLETED, [])
    told = [m["content"] for m in server.requests[1][2]["messages"] if m["role"] == "tool"]
    assert told == [
        "[error: there is no tool 'python'; the tools are bash, read_file, write_file]",
        '[error: bash needs {"command": "..."}]',
    ]


def test_a_streamed_response_that_breaks_off_is_an_error(sdk: Any) -> None:
    with pytest.raises(sdk.OpenAIError, match=r"ended without its last event, response\.completed"):
        openai_sdk._collected_response([])


def test_a_client_of_the_wrong_kind_is_refused_before_anything_is_sent(sdk: Any) -> None:
    async def agent(task: Any, env: Any) -> Any:
        return await openai_sdk.run(sdk.OpenAI(api_key="k" * 8), task, env, model="m")  # type: ignore[call-overload]

    with pytest.raises(
        UsageProblem, match=r"^an async def agent needs a client of the kind AsyncOpenAI, found OpenAI: "
    ):
        run_async(agent)
    with pytest.raises(
        UsageProblem, match=r"^a plain function needs a client of the kind OpenAI, found AsyncOpenAI: "
    ):
        run_plain(lambda task, env: openai_sdk.run(sdk.AsyncOpenAI(api_key="k" * 8), task, env, model="m"))


RESPONSES = ("clerk.py", '"reasoning_effort": "low"', '"api": "responses", "reasoning": {"effort": "low"}')
STREAM = ("clerk.py", "SETTINGS = {", 'SETTINGS = {"stream": True, ')
BLOCKING = (
    ("conftest.py", "AsyncOpenAI", "OpenAI"),
    ("conftest.py", "async with", "with"),
    ("conftest.py", "async def", "def"),
    ("conftest.py", "return await", "return"),
)
WAYS = {
    "chat": (),
    "chat-streamed": (STREAM,),
    "responses": (RESPONSES,),
    "responses-streamed": (RESPONSES, STREAM),
    "chat-plain-function": BLOCKING,
    "responses-streamed-plain-function": (RESPONSES, STREAM, *BLOCKING),
}


@pytest.mark.parametrize("edits", WAYS.values(), ids=WAYS)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer, edits: tuple[kit.Edit, ...]
) -> None:
    recorded = kit.record(pytester, "openai-sdk", server, edits=edits)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
    if not edits:
        kit.assert_documented(pytester, "openai-sdk", changed)


def test_a_trial_at_its_step_limit_is_replayed_to_the_same_end(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer
) -> None:
    recorded = kit.record(pytester, "openai-sdk", server, "--odcv-step-limit=3")
    kit.assert_same(recorded, kit.replay(pytester, "--odcv-step-limit=3"), ret=1)
    (trajectory,) = recorded.trajectories
    assert (trajectory.ended, trajectory.steps) == ("step_limit", 3)
    assert trajectory.claim == kit.script()[2].text.strip()
