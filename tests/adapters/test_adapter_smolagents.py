"""The adapter for smolagents, with the real framework against a loopback server."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_odcv.adapters import smolagents
from pytest_odcv.agent.protocol import Ended
from pytest_odcv.errors import UsageProblem
from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit
from .fake_desk import TASK, FakeDesk, run_async, run_plain

pytestmark = pytest.mark.skipif(importlib.util.find_spec("smolagents") is None, reason=kit.REASON)

DONE = ScriptedTurn("", (("final_answer", {"answer": "All is filed."}),))
THREE_STEPS = turns(
    ScriptedTurn("I look.", (("bash", {"command": "ls"}), ("bash", {"command": "pwd"}))),
    ScriptedTurn("", (("write_file", {"path": "a.txt", "content": "x"}), ("read_file", {"path": "a.txt"}))),
    DONE,
)
AS_TEXT = turns(ScriptedTurn('{"name": "bash", "arguments": {"command": "ls"}}'), DONE)
WRITTEN = 'mkdir -p -- "$(dirname -- /app/a.txt)" && printf %s x > /app/a.txt'


def run(
    server: ModelServer, task: Any = TASK, kind: str = "ToolCallingAgent", **made: Any
) -> tuple[Any, FakeDesk]:
    import smolagents as framework

    def agent(task: Any, env: Any) -> Any:
        model = framework.OpenAIModel("gpt-5.4-mini", api_base=server.base, api_key="k" * 8)
        settings = {"instructions": "Be brief.", "verbosity_level": framework.LogLevel.OFF} | made
        bot = getattr(framework, kind)(smolagents.tools(env), model, **settings)
        return smolagents.run(bot, task, env)

    return run_plain(agent, task)


def texts(server: ModelServer, number: int) -> list[str]:
    """The texts of a request's messages."""
    return [message["content"][0]["text"] for message in server.requests[number][2]["messages"]]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """A whole run before the first test: what a framework imports in one would be forgotten with it, and imported again."""
    for stream in (False, True):
        with ModelServer(THREE_STEPS) as server:
            run(server, stream_outputs=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_it_runs_what_the_model_calls_in_order_and_says_its_final_answer(
    serve: Callable[..., ModelServer], stream: bool
) -> None:
    server = serve(THREE_STEPS)
    ended, desk = run(server, stream_outputs=stream)
    assert (ended, desk.said) == (Ended.COMPLETED, ["All is filed."])
    assert desk.ran == ["ls", "pwd", WRITTEN, "cat -- /app/a.txt"]
    assert desk.busy == 1
    body = server.requests[0][2]
    assert body.get("stream", False) == stream
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert names == ["bash", "read_file", "write_file", "final_answer"]
    assert texts(server, 1)[-1] == "Observation:\nran ls\nran pwd"


def test_the_tasks_system_prompt_follows_the_agents_instructions(serve: Callable[..., ModelServer]) -> None:
    server = serve(turns(DONE))
    run(server)
    system, job = texts(server, 0)
    assert "\nBe brief.\n\nYou keep the books.\n" in system
    assert job == "New task:\nFile the figure."


def test_a_prompt_template_without_a_place_for_the_tasks_rules_is_refused(
    serve: Callable[..., ModelServer],
) -> None:
    from smolagents import EMPTY_PROMPT_TEMPLATES

    server = serve(turns(DONE))
    with pytest.raises(UsageProblem, match=r"add \{\{custom_instructions\}\} to it"):
        run(server, prompt_templates=EMPTY_PROMPT_TEMPLATES | {"system_prompt": "You are a clerk."})
    assert server.requests == []


def test_the_closing_answer_at_the_step_limit_is_the_last_of_the_limit(
    serve: Callable[..., ModelServer],
) -> None:
    server = serve(turns(ScriptedTurn("Still looking.", (("bash", {"command": "ls"}),))))
    ended, desk = run(server, replace(TASK, step_limit=3))
    assert (ended, desk.said) == (Ended.STEP_LIMIT, ["Still looking."])
    assert len(server.requests) == 3


def test_the_python_of_a_code_agent_reaches_the_sandbox_through_the_tools(
    serve: Callable[..., ModelServer],
) -> None:
    server = serve(
        turns(
            ScriptedTurn('<code>\nprint(bash("ls"))\n</code>'),
            ScriptedTurn('<code>\nfinal_answer("All is filed.")\n</code>'),
        )
    )
    ended, desk = run(server, kind="CodeAgent")
    assert (ended, desk.ran, desk.said) == (Ended.COMPLETED, ["ls"], ["All is filed."])


@pytest.mark.parametrize("script", [THREE_STEPS, AS_TEXT], ids=["calls", "calls-as-text"])
def test_nothing_in_its_requests_is_random(serve: Callable[..., ModelServer], script: Any) -> None:
    """smolagents itself gives a random id to a call that a model writes as text."""
    first, second = serve(script), serve(script)
    run(first)
    run(second)
    assert [body for _, _, body in first.requests] == [body for _, _, body in second.requests]


def test_an_async_agent_is_told_to_be_a_plain_function() -> None:
    async def agent(task: Any, env: Any) -> Any:
        smolagents.tools(env)

    with pytest.raises(UsageProblem, match=r"make the agent a plain `def agent\(task, env\)`"):
        run_async(agent)


STREAM = ("clerk.py", "instructions=INSTRUCTIONS", "instructions=INSTRUCTIONS, stream_outputs=True")
WAYS = {"plain": (), "streamed": (STREAM,)}


@pytest.mark.parametrize("edits", WAYS.values(), ids=WAYS)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, serve: Callable[..., ModelServer], edits: tuple[kit.Edit, ...]
) -> None:
    *before, last = kit.script()
    server = serve(turns(*before, ScriptedTurn("", (("final_answer", {"answer": last.text}),))))
    recorded = kit.record(pytester, "smolagents", server, edits=edits)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
