"""The adapter for PydanticAI, with the real framework against a loopback server."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_odcv.adapters import pydantic_ai
from pytest_odcv.agent.protocol import Ended
from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit
from .fake_desk import TASK, FakeDesk, run_async

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pydantic_ai") is None, reason=kit.REASON)

THREE_STEPS = turns(
    ScriptedTurn("I look.", (("bash", {"command": "ls"}), ("bash", {"command": "pwd"}))),
    ScriptedTurn("", (("write_file", {"path": "a.txt", "content": "x"}), ("read_file", {"path": "a.txt"}))),
    ScriptedTurn("All is filed."),
)
WRITTEN = 'mkdir -p -- "$(dirname -- /app/a.txt)" && printf %s x > /app/a.txt'


async def ignore(context: Any, events: Any) -> None:
    async for _ in events:
        pass


def run(
    server: ModelServer, api: str = "chat", task: Any = TASK, options: Any = None, **made: Any
) -> tuple[Any, FakeDesk]:
    import openai
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kinds = {"chat": OpenAIChatModel, "responses": OpenAIResponsesModel}

    async def agent(task: Any, env: Any) -> Any:
        async with openai.AsyncOpenAI(base_url=server.base, api_key="k" * 8, max_retries=0) as client:
            model = kinds[api]("gpt-5.4-mini", provider=OpenAIProvider(openai_client=client))
            bot: Any = Agent(**{"model": model, "instructions": "Be brief."} | made)
            return await pydantic_ai.run(bot, task, env, **options or {})

    return run_async(agent, task)


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """A whole run before the first test: what a framework imports in one would be forgotten with it, and imported again."""
    for api in ("chat", "responses"):
        for options in ({}, {"event_stream_handler": ignore}):
            with ModelServer(THREE_STEPS) as server:
                run(server, api, options=options)


@pytest.mark.parametrize("options", [{}, {"event_stream_handler": ignore}], ids=["plain", "streamed"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_it_runs_what_the_model_calls_in_order_and_says_its_output(
    serve: Callable[..., ModelServer], api: str, options: dict[str, Any]
) -> None:
    server = serve(THREE_STEPS)
    ended, desk = run(server, api, options=options)
    assert (ended, desk.said) == (Ended.COMPLETED, ["All is filed."])
    assert desk.ran == ["ls", "pwd", WRITTEN, "cat -- /app/a.txt"]
    assert desk.busy == 1
    first, second, _ = (body for _, _, body in server.requests)
    assert first["stream"] == bool(options)
    assert [t.get("function", t)["name"] for t in first["tools"]] == ["bash", "read_file", "write_file"]
    before = second["messages"] if api == "chat" else second["input"]
    assert [item.get("content", item.get("output")) for item in before[-2:]] == ["ran ls", "ran pwd"]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_tasks_system_prompt_follows_the_agents_instructions(
    serve: Callable[..., ModelServer], api: str
) -> None:
    server = serve(turns(ScriptedTurn("Done.")))
    run(server, api)
    body = server.requests[0][2]
    system = (
        body["instructions"]
        if api == "responses"
        else " ".join(message["content"] for message in body["messages"] if message["role"] == "system")
    )
    assert system.split() == ["Be", "brief.", "You", "keep", "the", "books."]


def test_it_stops_at_the_step_limit(serve: Callable[..., ModelServer]) -> None:
    server = serve(turns(ScriptedTurn("Still looking.", (("bash", {"command": "ls"}),))))
    ended, desk = run(server, task=replace(TASK, step_limit=3))
    assert (ended, desk.said) == (Ended.STEP_LIMIT, [])
    assert len(server.requests) == 3


def test_calls_that_make_no_sense_are_told_to_the_model_time_and_again(
    serve: Callable[..., ModelServer],
) -> None:
    wrong = ScriptedTurn("", (("bash", {"cmd": "ls"}),))
    server = serve(turns(wrong, wrong, wrong, ScriptedTurn("I give up.")))
    ended, desk = run(server, task=replace(TASK, step_limit=5))
    assert (ended, desk.ran, desk.said) == (Ended.COMPLETED, [], ["I give up."])


def test_the_sandboxs_tools_join_the_agents_own_and_those_of_the_run(
    serve: Callable[..., ModelServer],
) -> None:
    from pydantic_ai import FunctionToolset

    def today() -> str:
        """The date."""
        return "2026-11-24"

    def weather() -> str:
        """The weather."""
        return "rain"

    server = serve(turns(ScriptedTurn("", (("today", {}),)), ScriptedTurn("Done.")))
    run(server, tools=[today], options={"toolsets": [FunctionToolset([weather])]})
    names = [tool["function"]["name"] for tool in server.requests[0][2]["tools"]]
    assert sorted(names) == ["bash", "read_file", "today", "weather", "write_file"]


def test_an_output_that_is_no_text_is_said_as_json(serve: Callable[..., ModelServer]) -> None:
    from pydantic import BaseModel

    class Filing(BaseModel):
        rate: float

    server = serve(turns(ScriptedTurn("", (("final_result", {"rate": 1.4}),))))
    _, desk = run(server, output_type=Filing)
    assert desk.said == ['{"rate":1.4}']


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_nothing_in_its_requests_is_random(serve: Callable[..., ModelServer], api: str) -> None:
    first, second = serve(THREE_STEPS), serve(THREE_STEPS)
    run(first, api)
    run(second, api)
    assert [body for _, _, body in first.requests] == [body for _, _, body in second.requests]


CHAT = ("conftest.py", 'replace("/", ":", 1)', 'replace("openai/", "openai-chat:")')
STREAM = (
    "conftest.py",
    "    return clerk",
    "    async def ignore(context, events):\n"
    "        async for _ in events:\n"
    "            pass\n\n"
    "    options = {'event_stream_handler': ignore}\n"
    "    return clerk",
)
PASSED = ("conftest.py", "run(agent, task, env)", "run(agent, task, env, **options)")
WAYS = {
    "responses": (),
    "responses-streamed": (STREAM, PASSED),
    "chat": (CHAT,),
    "chat-streamed": (CHAT, STREAM, PASSED),
}


@pytest.mark.parametrize("edits", WAYS.values(), ids=WAYS)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer, edits: tuple[kit.Edit, ...]
) -> None:
    recorded = kit.record(pytester, "pydantic-ai", server, edits=edits)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
