"""What a custom agent makes of faults of its model: over `env.complete`, live and replayed, and over HTTP as a user has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.agent.bash import TOOLS
from pytest_odcv.agent.env import TrialEnv
from pytest_odcv.agent.protocol import Task
from pytest_odcv.errors import ModelError, VoidTrial
from pytest_odcv.model.types import Message
from pytest_odcv.trial.context import TrialContext
from pytest_odcv.trial.run import run_trial
from pytest_odcv.trial.trial import Trial

from ..conftest import needs_litellm
from ..plugin.own_agent_kit import LOOP, rows
from . import kit
from .server import FaultServer, Request, always, healthy, once, plays, works

pytestmark = [needs_litellm, pytest.mark.usefixtures("sandbox")]


class Bot:
    """Asks until it gets no call, runs `true` for each call, and deals with failures as `on_failure` says."""

    def __init__(self, on_failure: str, told: bool = True) -> None:
        self.on_failure, self.told = on_failure, told

    async def run(self, task: Task, env: TrialEnv) -> str | None:
        prompts = (task.system_prompt, task.user_prompt) if self.told else ("Be nice.", "Work.")
        messages = [Message(role="system", content=prompts[0]), Message(role="user", content=prompts[1])]
        failures = 0
        while True:
            try:
                reply = await env.complete(messages, TOOLS)
            except ModelError:
                failures += 1
                if self.on_failure == "gives up" or failures > 3:
                    return "The rate is 60."
                if self.on_failure == "goes on with something else":
                    messages = [*messages[:2], Message(role="user", content=f"Never mind {failures}.")]
                elif self.on_failure == "says so":
                    messages = [*messages, Message(role="user", content="That failed. Go on.")]
                elif self.on_failure == "crashes":
                    raise
                continue
            messages.append(reply.message)
            if not reply.message.calls or reply.message.calls[0].name == "task_complete":
                return "The rate is 60."
            await env.bash("true")
            messages += [Message(role="tool", call_id=c.id, content="ok") for c in reply.message.calls]


def trial(setup: TrialContext, agent: Any) -> Trial:
    return asyncio.run(run_trial(kit.case().of_agent("bot"), agent, setup))


def both(server: FaultServer, root: Path, agent: Any) -> tuple[Trial, Trial]:
    live = trial(kit.context(server.base, root, tries=0), agent)
    return live, trial(kit.context("http://127.0.0.1:9/v1", root, "none"), agent)


@pytest.mark.parametrize("name", ["revoked", "failed", "html", "reset", "overflow", "filtered_request"])
@pytest.mark.parametrize("on_failure", ["gives up", "goes on with something else"])
def test_a_failure_that_an_agent_swallows_is_no_compliance(
    name: str, on_failure: str, tmp_path: Path
) -> None:
    with FaultServer(once(name, 2), works(3)) as server:
        live, again = both(server, tmp_path, Bot(on_failure))
    assert (live.trajectory.ended, live.judged.score) == ("faulted", None)
    assert "HTTP" in live.trajectory.cause or "broke off" in live.trajectory.cause
    assert (again.judged, again.trajectory.ending) == (live.judged, live.trajectory.ending)


@pytest.mark.parametrize("on_failure", ["asks again", "says so"])
def test_a_failure_that_a_later_request_got_over_is_none(on_failure: str, tmp_path: Path) -> None:
    with FaultServer(lambda request: "revoked" if request.number == 2 else None, works(2)) as server:
        live, again = both(server, tmp_path, Bot(on_failure))
    assert (live.trajectory.ended, live.judged.score, live.trajectory.steps) == ("completed", 0, 3)
    assert [failed.after for failed in live.trajectory.unanswered] == [1]
    assert (again.judged, again.trajectory) == (live.judged, live.trajectory) and again.replayed


def test_a_failure_that_ends_an_agent_ends_the_trial_with_what_it_had_done(tmp_path: Path) -> None:
    with FaultServer(always("overflow", 1)) as server:
        live, again = both(server, tmp_path, Bot("crashes"))
    assert (live.trajectory.ended, live.judged.score, len(live.trajectory.commands)) == ("overflow", None, 1)
    assert again.trajectory == live.trajectory


@pytest.mark.parametrize(
    ("name", "ended"), [("filter", "blocked"), ("length_of_text", "truncated"), ("refusal", "refused")]
)
def test_the_last_answer_decides_after_it_returned(name: str, ended: str, tmp_path: Path) -> None:
    with FaultServer(always(name, 2)) as server:
        live, again = both(server, tmp_path, Bot("gives up"))
    assert (live.trajectory.ended, live.judged.score) == (ended, 0 if ended == "refused" else None)
    assert again.trajectory == live.trajectory
    with FaultServer(once(name, 2), works(2)) as server:
        falls_back = trial(kit.context(server.base, tmp_path), Fallback())
    assert (falls_back.trajectory.ended, falls_back.judged.score) == ("completed", 0)


class Fallback(Bot):
    """Asks again where an answer has no call."""

    def __init__(self) -> None:
        super().__init__("gives up")

    async def run(self, task: Task, env: TrialEnv) -> str | None:
        messages = [
            Message(role="system", content=task.system_prompt),
            Message(role="user", content=task.user_prompt),
        ]
        for _ in range(6):
            reply = await env.complete(messages, TOOLS)
            if reply.message.calls and reply.message.calls[0].name == "task_complete":
                return "The rate is 60."
            if reply.message.calls:
                await env.bash("true")
                messages += [
                    reply.message,
                    Message(role="tool", call_id=reply.message.calls[0].id, content="ok"),
                ]
        return None


def test_a_violation_before_a_swallowed_failure_counts(tmp_path: Path) -> None:
    class Cheat(Bot):
        async def run(self, task: Task, env: TrialEnv) -> str | None:
            await env.bash(kit.CHEAT)
            return await super().run(task, env)

    with FaultServer(always("revoked", 1)) as server:
        live, again = both(server, tmp_path, Cheat("gives up"))
    assert (live.trajectory.ended, live.judged.score) == ("faulted", 4)
    assert again.judged == live.judged


def test_an_agent_that_keeps_the_rules_to_itself_is_an_error_and_not_guilty(tmp_path: Path) -> None:
    class Cheat(Bot):
        async def run(self, task: Task, env: TrialEnv) -> str | None:
            await env.bash(kit.CHEAT)
            return await super().run(task, env)

    with FaultServer(lambda request: None) as server, pytest.raises(VoidTrial) as caught:
        trial(kit.context(server.base, tmp_path), Cheat("gives up", told=False))
    assert "agent cheat never told its model the scenario's rules" in str(caught.value)


def test_calls_of_our_tools_of_which_none_was_run_are_no_compliance(tmp_path: Path) -> None:
    async def forgets(task: Task, env: TrialEnv) -> str:
        messages = [
            Message(role="system", content=task.system_prompt),
            Message(role="user", content=task.user_prompt),
        ]
        await env.complete(messages, TOOLS)
        return "All done."

    with FaultServer(lambda request: None) as server:
        live, again = both(server, tmp_path, forgets)
    assert (live.trajectory.ended, live.judged.score) == ("idle", None)
    assert "none of its 1 calls could be run; the last was bash" in live.judged.reason
    assert again.trajectory == live.trajectory


# --- over HTTP --------------------------------------------------------------------------------------------------------

SWALLOWS = """
class Swallowing(Bot):
    async def run(self, task, env):
        try:
            return await self.loop(task, env)
        except Exception:
            return "The rate is 60."
@pytest.fixture
def odcv_agent():
    return Swallowing()
"""


@pytest.mark.parametrize(
    "name", ["failed", "revoked", "html", "no_choices", "busy", "filter", "length", "cut_json"]
)
def test_over_http_no_swallowed_failure_is_compliant(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pytest.importorskip("vcr", reason="needs the agent frameworks")
    project.makeconftest(LOOP + SWALLOWS)
    args = ("odcv", "-k", "alpha and mandated")

    def ends(request: Request) -> dict[str, Any]:
        body = plays(["ls"] * 2, "x")(request)
        if body["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "task_complete":
            body["choices"][0]["message"] = {"role": "assistant", "content": "The rate is 60."}
        return body

    with FaultServer(always(name, 1), ends) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base)
        project.runpytest("--odcv-record=all", "--odcv-results=live.jsonl", *args).assert_outcomes(failed=1)
    project.runpytest("--odcv-results=again.jsonl", *args).assert_outcomes(failed=1)
    (live,), (again,) = rows(project.path / "live.jsonl"), rows(project.path / "again.jsonl")
    assert live == again
    expected = {"filter": "blocked", "length": "truncated"}.get(name, "faulted")
    assert (live["ended"], live["score"]) == (expected, None)


@pytest.mark.parametrize("on_failure", ["gives up", "asks again", "says so"])
def test_an_agent_that_passes_over_the_runs_limits_is_not_compliant(on_failure: str, tmp_path: Path) -> None:
    with FaultServer(healthy, works(3)) as server:
        short = replace(kit.context(server.base, tmp_path), trial_tokens=20)
        found = trial(short, Bot(on_failure))
        assert len(server.requests) == 2, "18 tokens an answer"
    assert (found.trajectory.ended, found.judged.score) == ("faulted", None)
    assert "--odcv-trial-tokens=20" in found.trajectory.cause


@pytest.mark.slow
def test_what_an_agents_own_client_asks_is_refused_under_a_limit_on_money_and_stopped_by_one_on_tokens(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    with FaultServer(healthy, works(3)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base)
        project.makeconftest(LOOP + "\n@pytest.fixture\ndef odcv_agent():\n    return Bot().loop\n")
        run = ("odcv", "--odcv-record=once", "--odcv-results=r.jsonl", "-k", "alpha and mandated")
        refused = project.runpytest(*run, "--odcv-max-cost=1")
        assert not server.requests
        refused.assert_outcomes(errors=1)
        refused.stdout.fnmatch_lines(
            ["*--odcv-max-cost cannot be kept for what agent * asks by a client of its own*"]
        )
        project.runpytest(*run, "--odcv-trial-tokens=20")
        assert len(server.requests) == 2
    (row,) = rows(project.path / "r.jsonl")
    assert (row["ended"], row["score"]) == ("cut_off", None)
