"""Agents of every kind, run by hand: threads, contexts, time limits and tracebacks."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from typing import Any

import pytest

from pytest_odcv.agent import invoke
from pytest_odcv.agent.env import AgentStopped, BlockingEnv, TrialEnv
from pytest_odcv.agent.protocol import Ended, Task
from pytest_odcv.errors import AgentError, ModelError
from pytest_odcv.sandbox.protocol import CommandResult

TASK = Task("system", "user", seconds=5.0)
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="lost")


class Backend:
    """Answers commands from a table; one that is not in it takes for ever."""

    def __init__(self, **results: str) -> None:
        self.results, self.ran, self.said = results, [], []  # type: ignore[var-annotated]

    async def bash(self, command: str, timeout: float | None) -> CommandResult:
        self.ran.append(command)
        if command not in self.results:
            await asyncio.sleep(3600)
        return CommandResult(command=command, exit_code=0, stdout=self.results[command])

    async def complete(self, messages: Any, tools: Any) -> Any:
        raise ModelError("no key")

    def say(self, text: str) -> None:
        self.said.append(text)


def run(agent: Any, desk: Backend | None = None, task: Task = TASK) -> Ended:
    return asyncio.run(invoke.run_agent(agent, task, TrialEnv(desk or Backend(ls="a b"))))


def test_a_plain_function_runs_in_a_thread_that_has_the_context() -> None:
    seen: list[Any] = []

    def agent(task: Task, env: BlockingEnv) -> str:
        seen.extend(
            (threading.current_thread() is threading.main_thread(), MARK.get(), env.bash("ls").stdout)
        )
        return "done"

    MARK.set("kept")
    desk = Backend(ls="a b")
    assert run(agent, desk) is Ended.COMPLETED
    assert seen == [False, "kept", "a b"]
    assert desk.said == ["done"]


def test_other_threads_of_a_plain_function_may_use_the_environment() -> None:
    def agent(task: Task, env: BlockingEnv) -> None:
        threads = [threading.Thread(target=env.bash, args=("ls",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    desk = Backend(ls="")
    run(agent, desk)
    assert desk.ran == ["ls"] * 8


def test_how_it_ended_is_what_it_says_and_else_completed() -> None:
    async def limited(task: Task, env: TrialEnv) -> Ended:
        return Ended.STEP_LIMIT

    async def other(task: Task, env: TrialEnv) -> dict[str, int]:
        return {"framework": 1}

    assert run(limited) is Ended.STEP_LIMIT
    assert run(other) is Ended.COMPLETED


@pytest.mark.parametrize("kind", ["async", "plain"])
def test_an_agent_that_does_not_end_in_time_is_stopped(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "GRACE_SECONDS", 0.0)
    stopped: list[BaseException] = []
    gone = threading.Event()

    async def endless(task: Task, env: TrialEnv) -> None:
        await env.bash("wait")

    def blocked(task: Task, env: BlockingEnv) -> None:
        try:
            env.bash("wait")
        except BaseException as error:
            stopped.append(error)
            with pytest.raises(AgentStopped):
                env.bash("ls")
            gone.set()
            raise

    agent = endless if kind == "async" else blocked
    with pytest.raises(AgentError, match=f"agent {agent.__name__} did not end in 0.05 s"):
        run(agent, task=Task("system", "user", seconds=0.05))
    if kind == "plain":
        assert gone.wait(10)
        assert isinstance(stopped[0], AgentStopped)


def test_an_agents_own_timeout_is_its_failure_and_not_the_trials() -> None:
    async def agent(task: Task, env: TrialEnv) -> None:
        raise TimeoutError("the API is slow")

    with pytest.raises(
        AgentError, match=r"agent agent failed: TimeoutError[\s\S]*TimeoutError: the API is slow"
    ):
        run(agent)


def test_our_own_errors_stay_what_they_are() -> None:
    async def agent(task: Task, env: TrialEnv) -> None:
        await env.complete([], [])

    with pytest.raises(ModelError, match="no key"):
        run(agent)


def test_the_traceback_begins_with_the_agent_and_counts_the_frames_of_libraries() -> None:
    import json

    def agent(task: Task, env: BlockingEnv) -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("no answer") from error

    with pytest.raises(AgentError) as caught:
        run(agent)
    text = str(caught.value)
    assert text.startswith(
        "agent agent failed: RuntimeError: no answer\nTraceback (most recent call last):\n"
    )
    assert 'json.loads("{")' in text and "  ... 2 frames of json\n" in text
    assert "and then:" in text and text.endswith("RuntimeError: no answer")
    assert "agent/invoke.py" not in text.replace("tests/agent", "tests") and "threading.py" not in text


class Named:
    name = "my  own/agent@2"

    async def run(self, task: Task, env: TrialEnv) -> None: ...


class SupportBot:
    async def run(self, task: Task, env: TrialEnv) -> None: ...


async def support_bot(task: Task, env: TrialEnv) -> None: ...


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (Named(), "my-own-agent-2"),
        (SupportBot(), "support-bot"),
        (support_bot, "support-bot"),
        (functools.partial(support_bot), "support-bot"),
        (lambda task, env: None, "lambda"),
    ],
)
def test_an_agent_is_called_by_its_name_its_function_or_its_class(agent: Any, name: str) -> None:
    assert invoke.name_of(agent) == name
    assert invoke.config_of(agent) == {"agent": name}


def test_a_configuration_is_the_same_text_wherever_its_objects_lie() -> None:
    assert invoke.digestible({"b": object(), "a": 1}) == invoke.digestible({"a": 1, "b": object()})
    assert invoke.digestible({"a": 1}) != invoke.digestible({"a": 2})
