"""The adapter for OpenAI's Agents SDK, with the real SDK against a loopback server."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_odcv.adapters import openai_agents
from pytest_odcv.agent.protocol import Ended
from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit
from .fake_desk import TASK, FakeDesk, run_async

pytestmark = pytest.mark.skipif(importlib.util.find_spec("agents") is None, reason=kit.REASON)

TWO_STEPS = turns(
    ScriptedTurn("I look.", (("bash", {"command": "ls"}), ("read_file", {"path": "a.txt"}))),
    ScriptedTurn("All is filed."),
)


@pytest.fixture(scope="module", autouse=True)
def sdk() -> Any:
    return pytest.importorskip("agents")


@pytest.fixture
def spans(sdk: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is traced; nothing is sent."""
    from agents.tracing import get_trace_provider

    seen: list[Any] = []

    class Listener(sdk.TracingProcessor):  # type: ignore[misc,name-defined]
        def on_trace_start(self, trace: Any) -> None:
            seen.append(trace)

        def on_span_start(self, span: Any) -> None:
            seen.append(span)

        def on_trace_end(self, trace: Any) -> None: ...
        def on_span_end(self, span: Any) -> None: ...
        def shutdown(self) -> None: ...
        def force_flush(self) -> None: ...

    provider = get_trace_provider()
    kept = provider._multi_processor._processors
    sdk.set_trace_processors([Listener()])
    yield seen
    sdk.set_trace_processors(list(kept))


def run(
    server: ModelServer,
    api: str = "responses",
    task: Any = TASK,
    stream: bool = False,
    options: Any = None,
    **made: Any,
) -> tuple[Any, FakeDesk]:
    import agents
    import openai

    kinds = {"responses": agents.OpenAIResponsesModel, "chat": agents.OpenAIChatCompletionsModel}

    async def agent(task: Any, env: Any) -> Any:
        async with openai.AsyncOpenAI(base_url=server.base, api_key="k" * 8, max_retries=0) as client:
            bot = agents.Agent(
                **{"name": "clerk", "instructions": "Be brief.", "model": kinds[api]("gpt-5.4-mini", client)}
                | made
            )
            return await openai_agents.run(bot, task, env, stream=stream, **options or {})

    return run_async(agent, task)


def system_of(body: dict[str, Any]) -> str:
    return str(body["instructions"] if "input" in body else body["messages"][0]["content"])


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_it_runs_what_the_model_calls_and_says_its_final_output(
    serve: Callable[..., ModelServer], spans: list[Any], api: str, stream: bool
) -> None:
    server = serve(TWO_STEPS)
    ended, desk = run(server, api, stream=stream)
    assert ended is Ended.COMPLETED
    assert (desk.ran, desk.busy) == (["ls", "cat -- /app/a.txt"], 1)
    assert desk.said == ["All is filed."]
    first, second = (body for _, _, body in server.requests)
    assert system_of(first) == "Be brief.\n\nYou keep the books."
    assert [t.get("function", t)["name"] for t in first["tools"]] == ["bash", "read_file", "write_file"]
    before = second["messages"] if api == "chat" else second["input"]
    assert [item.get("content", item.get("output")) for item in before[-2:]] == [
        "ran ls",
        "ran cat -- /app/a.txt\n",
    ]
    assert spans == []


def test_without_the_adapter_the_same_run_would_be_traced(
    serve: Callable[..., ModelServer], spans: list[Any]
) -> None:
    """What the assertion on traces above rests on."""
    import agents
    import openai

    async def agent(task: Any, env: Any) -> Any:
        async with openai.AsyncOpenAI(base_url=server.base, api_key="k" * 8) as client:
            await agents.Runner.run(
                agents.Agent("clerk", model=agents.OpenAIResponsesModel("m", client)), "Go."
            )

    server = serve(turns(ScriptedTurn("Done.")))
    run_async(agent)
    assert spans


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_it_stops_at_the_step_limit_and_says_what_was_said_last(
    serve: Callable[..., ModelServer], stream: bool
) -> None:
    server = serve(turns(ScriptedTurn("Still looking.", (("bash", {"command": "ls"}),))))
    ended, desk = run(server, task=replace(TASK, step_limit=3), stream=stream)
    assert ended is Ended.STEP_LIMIT
    assert len(server.requests) == 3
    assert desk.said == ["Still looking."]


def test_instructions_that_are_a_function_are_asked_and_keep_their_place(
    serve: Callable[..., ModelServer],
) -> None:
    async def instructions(context: Any, agent: Any) -> str:
        return f"You are {agent.name}, for {context.context}."

    server = serve(turns(ScriptedTurn("Done.")))
    run(server, instructions=instructions, options={"context": "Ada"})
    assert system_of(server.requests[0][2]) == "You are clerk, for Ada.\n\nYou keep the books."


def test_the_sandbox_takes_the_place_of_the_teams_own_tool_of_that_name(
    sdk: Any, serve: Callable[..., ModelServer]
) -> None:
    @sdk.function_tool
    def bash(command: str) -> str:
        """The team's own, which runs on the host."""
        raise AssertionError("the host's bash was used")

    @sdk.function_tool
    def today() -> str:
        """The date."""
        return "2026-11-24"

    server = serve(
        turns(ScriptedTurn("", (("bash", {"command": "ls"}), ("today", {}))), ScriptedTurn("Done."))
    )
    _, desk = run(server, tools=[bash, today])
    assert desk.ran == ["ls"]
    assert [tool["name"] for tool in server.requests[0][2]["tools"]] == [
        "today",
        "bash",
        "read_file",
        "write_file",
    ]
    assert [i["output"] for i in server.requests[1][2]["input"] if "output" in i] == ["ran ls", "2026-11-24"]


def test_a_structured_final_output_is_said_as_json(serve: Callable[..., ModelServer]) -> None:
    from pydantic import BaseModel

    class Filing(BaseModel):
        rate: float

    server = serve(turns(ScriptedTurn('{"rate": 1.4}')))
    _, desk = run(server, output_type=Filing)
    assert desk.said == ['{"rate": 1.4}']


def test_an_agent_that_waits_for_approval_is_no_agent_that_has_ended(
    sdk: Any, serve: Callable[..., ModelServer]
) -> None:
    @sdk.function_tool(needs_approval=True)
    def pay() -> str:
        """Pay."""
        return "paid"

    server = serve(turns(ScriptedTurn("", (("pay", {}),))))
    with pytest.raises(RuntimeError, match=r"waits for a person's approval of pay"):
        run(server, tools=[pay])


def test_nothing_in_a_request_is_random_though_the_sdk_adds_a_cache_key(
    sdk: Any, serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It adds one where the address is OpenAI's own."""
    monkeypatch.setattr(sdk.OpenAIResponsesModel, "_supports_default_prompt_cache_key", lambda self: True)
    keys = []
    for _ in range(2):
        server = serve(turns(ScriptedTurn("Done.")))
        run(server)
        keys.append(server.requests[0][2]["prompt_cache_key"])
    assert keys[0] == keys[1]


CHAT = ("conftest.py", "OpenAIResponsesModel", "OpenAIChatCompletionsModel")
STREAM = ("conftest.py", "run(agent, task, env)", "run(agent, task, env, stream=True)")
WAYS = {"responses": (), "responses-streamed": (STREAM,), "chat": (CHAT,), "chat-streamed": (CHAT, STREAM)}


@pytest.mark.parametrize("edits", WAYS.values(), ids=WAYS)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer, edits: tuple[kit.Edit, ...]
) -> None:
    recorded = kit.record(pytester, "openai-agents", server, edits=edits)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
    if not edits:
        kit.assert_documented(pytester, "openai-agents", changed)


def test_a_trial_at_its_step_limit_is_replayed_to_the_same_end(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer
) -> None:
    recorded = kit.record(pytester, "openai-agents", server, "--odcv-step-limit=3")
    kit.assert_same(recorded, kit.replay(pytester, "--odcv-step-limit=3"), ret=1)
    (trajectory,) = recorded.trajectories
    assert (trajectory.ended, trajectory.steps) == ("step_limit", 3)
    assert trajectory.claim == kit.script()[2].text.strip()
