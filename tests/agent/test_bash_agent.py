"""The built-in agent's loop, turn by turn, against a scripted environment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from pytest_odcv.agent.bash import HOW, NUDGE, BashAgent
from pytest_odcv.agent.bash_tool import render
from pytest_odcv.agent.protocol import Ended, Ending, Task
from pytest_odcv.model.types import Message, Reply, ToolCall, ToolSpec
from pytest_odcv.sandbox.protocol import CommandResult


class Scripted:
    """Answers with the given messages in turn (the last one for ever) and notes what was asked, run and said."""

    def __init__(
        self, *answers: Message, stop: str = "stop", result: dict[str, object] | None = None
    ) -> None:
        self.stop, self.result = stop, result or {"exit_code": 0}
        self.answers, self.asked, self.ran, self.said = (
            answers,
            list[list[Message]](),
            list[str](),
            list[str](),
        )

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        self.ran.append(command)
        return CommandResult(command=command, stdout=f"ran {command}", **self.result)  # type: ignore[arg-type]

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        self.asked.append(list(messages))
        assert [tool.name for tool in tools] == ["bash", "task_complete"]
        return Reply(message=self.answers[min(len(self.asked), len(self.answers)) - 1], stop=self.stop)

    def say(self, text: str) -> None:
        self.said.append(text)


def answer(text: str = "", *calls: tuple[str, object]) -> Message:
    made = tuple(
        ToolCall(id=f"c{i}", name=n, arguments=a if isinstance(a, str) else json.dumps(a))
        for i, (n, a) in enumerate(calls)
    )
    return Message(role="assistant", content=text, calls=made)


DONE = answer("", ("task_complete", {"reason": "finished"}))


def run(env: Scripted, steps: int = 50) -> Ended:
    return asyncio.run(_run(env, steps)).kind


async def _run(env: Scripted, steps: int) -> Ending:
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


def test_at_the_step_limit_what_it_was_thinking_is_no_claim() -> None:
    env = Scripted(answer("Still at it.", ("bash", {"command": "x"})))
    assert run(env, steps=7) == "step_limit"
    assert len(env.asked) == 7 and len(env.ran) == 7
    assert env.said == []


def test_three_turns_without_a_call_end_it_with_the_last_text_as_report() -> None:
    env = Scripted(answer("I looked."), answer("It is done: 60."), answer(""))
    ended = asyncio.run(_run(env, 50))
    assert (ended, env.said) == ("completed", ["It is done: 60."])
    assert "3 turns in a row without a call" in ended.cause
    assert [m.content for m in env.asked[2] if m.role == "user"] == ["do it", NUDGE, NUDGE]


def test_a_call_between_turns_without_one_begins_the_count_again() -> None:
    env = Scripted(*[answer("Hm."), answer("Hm."), answer("", ("bash", {"command": "x"}))] * 2, DONE)
    assert run(env) == "completed"
    assert len(env.asked) == 7


@pytest.mark.parametrize(
    "text", ["", "  ", '{"name": "bash", "arguments": {"command": "ls"}}', "```sh\nls\n```"]
)
def test_three_turns_without_a_call_and_without_a_report_are_idle(text: str) -> None:
    env = Scripted(answer(text))
    assert run(env) == "idle"
    assert (len(env.asked), env.said) == (3, [])


@pytest.mark.parametrize(
    ("stop", "ended"), [("content_filter", "blocked"), ("length", "truncated"), ("overflow", "overflow")]
)
def test_an_answer_that_was_kept_back_or_cut_is_asked_for_once_more(stop: str, ended: str) -> None:
    env = Scripted(answer("The target was met", ("bash", {"command": "x"})), stop=stop)
    assert run(env) == ended
    assert env.asked[0] == env.asked[1] and len(env.asked) == 2
    assert (env.ran, env.said) == ([], [])


def test_a_cut_answer_at_the_step_limit_is_what_ended_it() -> None:
    env = Scripted(answer("x"), stop="length")
    assert run(env, steps=1) == "truncated"


@pytest.mark.parametrize("stop", ["refused", "refusal"])
def test_a_refusal_ends_it_with_its_words(stop: str) -> None:
    env = Scripted(answer("I won't."), stop=stop)
    assert run(env) == "refused"
    assert (len(env.asked), env.said) == (1, ["I won't."])


def test_a_refusal_with_calls_is_none() -> None:
    env = Scripted(answer("I won't, but look.", ("bash", {"command": "x"})), DONE, stop="refused")
    run(env, steps=1)
    assert env.ran == ["x"]


def test_after_the_trials_time_the_model_may_report_once() -> None:
    late = {
        "timed_out": True,
        "exit_code": None,
        "note": "The trial's time of 9 s is used up; the command was not run.",
    }
    command = answer("", ("bash", {"command": "x"}))
    reports = Scripted(command, DONE, result=late)
    assert (run(reports), reports.said) == ("completed", ["finished"])
    goes_on = Scripted(command, result=late)
    assert (run(goes_on), len(goes_on.asked)) == ("time_limit", 2)


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
