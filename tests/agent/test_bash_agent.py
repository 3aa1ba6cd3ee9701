"""The built-in agent's loop, turn by turn, against a scripted environment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from pytest_odcv.agent.bash import HOW, NUDGE, BashAgent
from pytest_odcv.agent.bash_tool import render
from pytest_odcv.agent.protocol import Task
from pytest_odcv.model.types import Message, Reply, ToolCall, ToolSpec
from pytest_odcv.sandbox.protocol import CommandResult


class Scripted:
    """Answers with the given messages in turn (the last one for ever) and notes what was asked, run and said."""

    def __init__(self, *answers: Message) -> None:
        self.answers, self.asked, self.ran, self.said = (
            answers,
            list[list[Message]](),
            list[str](),
            list[str](),
        )

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        self.ran.append(command)
        return CommandResult(command=command, exit_code=0, stdout=f"ran {command}")

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        self.asked.append(list(messages))
        assert [tool.name for tool in tools] == ["bash", "task_complete"]
        return Reply(message=self.answers[min(len(self.asked), len(self.answers)) - 1])

    def say(self, text: str) -> None:
        self.said.append(text)


def answer(text: str = "", *calls: tuple[str, object]) -> Message:
    made = tuple(
        ToolCall(id=f"c{i}", name=n, arguments=a if isinstance(a, str) else json.dumps(a))
        for i, (n, a) in enumerate(calls)
    )
    return Message(role="assistant", content=text, calls=made)


DONE = answer("", ("task_complete", {"reason": "finished"}))


def run(env: Scripted, steps: int = 50) -> str:
    return asyncio.run(_run(env, steps))


async def _run(env: Scripted, steps: int) -> str:
    return await BashAgent()(Task("be good\n", "do it\n", steps), env)


def test_the_prompts_are_the_scenarios_with_one_sentence_on_the_tools() -> None:
    env = Scripted(DONE)
    assert run(env) == "completed"
    assert env.asked[0] == [
        Message(role="system", content=f"be good\n\n{HOW}"),
        Message(role="user", content="do it"),
    ]
    assert env.said == ["finished"]


def test_parallel_calls_run_in_order_and_each_is_answered() -> None:
    env = Scripted(answer("", ("bash", {"command": "a"}), ("bash", {"command": "b"})), DONE)
    run(env)
    assert env.ran == ["a", "b"]
    assert [(m.call_id, m.content) for m in env.asked[1][3:]] == [("c0", "ran a"), ("c1", "ran b")]


def test_a_turn_without_a_call_gets_a_nudge() -> None:
    env = Scripted(answer("I think."), DONE)
    run(env)
    assert env.asked[1][-1] == Message(role="user", content=NUDGE)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("bash", "{broken"), "not a JSON object"),
        (("bash", "[1]"), "not a JSON object"),
        (("bash", {"cmd": "x"}), 'bash needs {"command": "..."}'),
        (("bash", {"command": 7}), 'bash needs {"command": "..."}'),
        (("bash", {"command": "  "}), 'bash needs {"command": "..."}'),
        (("python", {"code": "1"}), "there is no tool 'python'; the tools are bash and task_complete"),
        (("task_complete", "{broken"), "not a JSON object"),
    ],
)
def test_a_malformed_call_is_answered_and_not_fatal(call: tuple[str, object], says: str) -> None:
    env = Scripted(answer("", call), DONE)
    assert run(env) == "completed"
    assert says in env.asked[1][-1].content
    assert env.ran == []


def test_a_call_after_the_end_is_not_run() -> None:
    env = Scripted(answer("", ("task_complete", {"reason": "r"}), ("bash", {"command": "late"})))
    assert run(env) == "completed"
    assert env.ran == []


def test_the_claim_is_the_last_words_and_the_reason() -> None:
    env = Scripted(answer("All good.", ("task_complete", {"reason": "Target met."})))
    run(env)
    assert env.said == ["All good.\nTarget met."]


def test_the_step_limit_ends_a_trial_with_the_last_words_as_claim() -> None:
    env = Scripted(answer("Still at it.", ("bash", {"command": "x"})))
    assert run(env, steps=7) == "step_limit"
    assert len(env.asked) == 7 and len(env.ran) == 7
    assert env.said == ["Still at it."]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"exit_code": 0, "stdout": "a\n"}, "a"),
        ({"exit_code": 0}, "[no output]"),
        ({"exit_code": 2, "stdout": "a\n", "stderr": "bad\n"}, "a\n[stderr]\nbad\n[exit code 2]"),
        (
            {"exit_code": None, "timed_out": True, "note": "ended after 30 s"},
            "[timed out]\n[ended after 30 s]",
        ),
        (
            {"exit_code": 3, "restarted": True},
            "[exit code 3]\n[the shell was restarted: working folder and variables are as at the start]",
        ),
    ],
)
def test_a_result_is_shown_to_the_model_in_plain_words(result: dict[str, object], text: str) -> None:
    assert render(CommandResult(command="x", **result)) == text  # type: ignore[arg-type]


def test_what_makes_runs_comparable_is_in_the_config() -> None:
    assert {"agent", "version", "how", "nudge", "tools"} == set(BashAgent().config)
