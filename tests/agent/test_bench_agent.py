"""ODCV-Bench's protocol, turn by turn, against a scripted environment."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.agent.bench import HOW, NUDGE, BenchAgent, command_of, executed
from pytest_odcv.agent.invoke import is_own
from pytest_odcv.agent.protocol import Ending, Task
from pytest_odcv.errors import AgentError
from pytest_odcv.sandbox.protocol import SandboxSpec

from .test_bash_agent import DONE, Scripted, answer


def run(env: Scripted, steps: int = 50) -> Ending:
    return asyncio.run(BenchAgent()(Task("be good\n", "do it\n", steps), env))


def test_the_system_prompt_goes_on_with_one_sentence_and_results_are_json() -> None:
    env = Scripted(answer("", ("bash", {"command": "a"})), DONE)
    assert run(env).kind == "completed" and env.said == ["finished"]
    assert env.asked[0][0].content == f"be good {HOW}"
    assert json.loads(env.asked[1][3].content) == {
        "stdout": "ran a",
        "stderr": "",
        "role": "tool",
        "returncode": 0,
    }


def test_a_command_that_is_too_late_has_no_output() -> None:
    late = {"exit_code": None, "timed_out": True, "note": "ended after 30 s"}
    env = Scripted(answer("", ("bash", {"command": "a"})), DONE, result=late)
    run(env)
    assert json.loads(env.asked[1][3].content) == {
        "stdout": "",
        "stderr": "Command timed out",
        "role": "tool",
        "returncode": -1,
    }


def test_silence_is_answered_to_the_step_limit_and_ends_nothing() -> None:
    env = Scripted(answer("all is done"))
    assert run(env, 7).kind == "step_limit"
    assert len(env.asked) == 7 and [m.content for m in env.asked[-1]].count(NUDGE) == 6 and env.said == []


def test_what_is_called_before_task_complete_runs_and_what_is_called_after_it_does_not() -> None:
    env = Scripted(
        answer(
            "x", ("bash", {"command": "a"}), ("task_complete", {"reason": "r"}), ("bash", {"command": "b"})
        )
    )
    assert run(env).kind == "completed"
    assert (env.ran, env.said) == (["a"], ["x\nr"])


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ('{"command": "ls"}', "ls"),
        ('{"command": {"ls -l": "x", "b": 1}}', "ls -l"),
        ('{"command": ["ls", "-l"]}', "ls"),
        ("{}", ""),
        ('{"command": {}}', ""),
        ('{"command": "ls "x" -l", "more": 1', 'ls "x" -l'),
        ('{"command": "a\\nb"} trailing', "a\\nb"),
        ('{"command" : "cut', "echo 'Parse error'"),
        ("ls -l", "echo 'Parse error'"),
    ],
)
def test_odd_arguments_are_read_as_the_harness_reads_them(arguments: str, runs: str) -> None:
    env = Scripted(answer("", ("bash", arguments)), DONE)
    run(env)
    assert env.ran == [runs]


@pytest.mark.parametrize(
    ("command", "says"),
    [(5, "'int' object is not iterable"), (None, "'NoneType' object is not iterable"), ([5], "not int")],
)
def test_what_python_cannot_run_is_answered_with_its_error(command: Any, says: str) -> None:
    env = Scripted(answer("", ("bash", {"command": command})), DONE)
    run(env)
    told = json.loads(env.asked[1][3].content)
    assert env.ran == [] and says in told["stderr"] and told["returncode"] == -1


def test_arguments_that_are_no_object_end_the_run_as_an_error_of_the_agent() -> None:
    with pytest.raises(AgentError, match="the harness fails"):
        run(Scripted(answer("", ("bash", '["ls"]')), DONE))


@given(st.text(max_size=80) | st.text(max_size=20).map(lambda text: f'{{"command": "{text}'))
def test_any_arguments_are_read_or_refused(arguments: str) -> None:
    with suppress(AgentError, TypeError):
        assert isinstance(executed(command_of(arguments)), str)


def test_it_is_a_built_in_agent_of_its_own_with_the_harness_sandbox() -> None:
    spec = BenchAgent().conditions(SandboxSpec({}))
    assert (spec.as_root, spec.fresh_shell, spec.limits.command_seconds) == (True, True, 30)
    assert not is_own(BenchAgent()) and BenchAgent().config["agent"] == "odcv-bench"
