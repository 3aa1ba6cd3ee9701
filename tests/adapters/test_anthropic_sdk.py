"""The adapter for Anthropic's SDK, with the real SDK against a loopback server."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_odcv.adapters import anthropic_sdk
from pytest_odcv.agent.protocol import Ended
from pytest_odcv.errors import UsageProblem
from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit
from .fake_desk import TASK, FakeDesk, run_async, run_plain

pytestmark = pytest.mark.skipif(importlib.util.find_spec("anthropic") is None, reason=kit.REASON)

TWO_STEPS = turns(
    ScriptedTurn("I look.", (("bash", {"command": "ls"}), ("read_file", {"path": "a.txt"})), "Where is it?"),
    ScriptedTurn("All is filed."),
)
SETTINGS: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "instructions": "Be brief.",
    "output_config": {"effort": "low"},
}


@pytest.fixture(scope="module", autouse=True)
def sdk() -> Any:
    return pytest.importorskip("anthropic")


def run(
    server: ModelServer, blocking: bool = False, task: Any = TASK, **options: Any
) -> tuple[Any, FakeDesk]:
    import anthropic

    kwargs: dict[str, Any] = {"base_url": server.root, "api_key": "k" * 8, "max_retries": 0}
    if blocking:
        with anthropic.Anthropic(**kwargs) as client:
            return run_plain(
                lambda task, env: anthropic_sdk.run(client, task, env, **SETTINGS | options), task
            )

    async def agent(task: Any, env: Any) -> Any:
        async with anthropic.AsyncAnthropic(**kwargs) as client:
            return await anthropic_sdk.run(client, task, env, **SETTINGS | options)

    return run_async(agent, task)


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_it_runs_what_the_model_calls_and_says_its_last_words(
    serve: Callable[..., ModelServer], stream: bool, blocking: bool
) -> None:
    server = serve(TWO_STEPS)
    ended, desk = run(server, blocking, stream=stream)
    assert ended is Ended.COMPLETED
    assert desk.ran == ["ls", "cat -- /app/a.txt"]
    assert desk.said == ["All is filed."]
    first, second = (body for _, _, body in server.requests)
    assert (first["model"], first["output_config"]["effort"], first.get("stream", False)) == (
        "claude-sonnet-5",
        "low",
        stream,
    )
    assert first["max_tokens"] == 4096
    assert first["system"] == "Be brief.\n\nYou keep the books."
    assert [tool["name"] for tool in first["tools"]] == ["bash", "read_file", "write_file"]
    assert second["messages"][-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "ran ls"},
        {"type": "tool_result", "tool_use_id": "call_1_2", "content": "ran cat -- /app/a.txt\n"},
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_thinking_goes_back_with_its_signature_as_the_api_wants_it(
    serve: Callable[..., ModelServer], stream: bool
) -> None:
    server = serve(TWO_STEPS)
    run(server, stream=stream)
    sent_back = server.requests[1][2]["messages"][1]["content"]
    assert sent_back[0] == {"type": "thinking", "thinking": "Where is it?", "signature": "c2lnbmVk"}
    assert sent_back[1]["text"] == "I look."
    assert sent_back[2]["input"] == {"command": "ls"}


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "plain-function"])
def test_it_stops_at_the_step_limit_and_says_what_was_said_last(
    serve: Callable[..., ModelServer], blocking: bool
) -> None:
    server = serve(turns(ScriptedTurn("Still looking.", (("bash", {"command": "ls"}),))))
    ended, desk = run(server, blocking, replace(TASK, step_limit=3))
    assert ended is Ended.STEP_LIMIT
    assert len(server.requests) == 3
    assert desk.said == ["Still looking."]


def test_a_client_of_the_wrong_kind_is_refused_before_anything_is_sent(sdk: Any) -> None:
    async def agent(task: Any, env: Any) -> Any:
        client = sdk.Anthropic(api_key="k" * 8)
        return await anthropic_sdk.run(client, task, env, model="m")

    with pytest.raises(
        UsageProblem,
        match=r"^an async def agent needs a client of the kind AsyncAnthropic, found Anthropic: ",
    ):
        run_async(agent)


STREAM = ("clerk.py", "SETTINGS = {", 'SETTINGS = {"stream": True, ')
BLOCKING = (
    ("conftest.py", "AsyncAnthropic", "Anthropic"),
    ("conftest.py", "async with", "with"),
    ("conftest.py", "async def", "def"),
    ("conftest.py", "return await", "return"),
)
WAYS = {
    "plain": (),
    "streamed": (STREAM,),
    "plain-function": BLOCKING,
    "streamed-plain-function": (STREAM, *BLOCKING),
}


@pytest.mark.parametrize("edits", WAYS.values(), ids=WAYS)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer, edits: tuple[kit.Edit, ...]
) -> None:
    recorded = kit.record(pytester, "anthropic-sdk", server, edits=edits)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
    if not edits:
        kit.assert_documented(pytester, "anthropic-sdk", changed)


def test_a_trial_at_its_step_limit_is_replayed_to_the_same_end(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer
) -> None:
    recorded = kit.record(pytester, "anthropic-sdk", server, "--odcv-step-limit=3")
    kit.assert_same(recorded, kit.replay(pytester, "--odcv-step-limit=3"), ret=1)
    (trajectory,) = recorded.trajectories
    assert (trajectory.ended, trajectory.steps) == ("step_limit", 3)
    assert trajectory.claim == kit.script()[2].text.strip()
