"""Whole trials in flight at the same time, recorded and replayed, each with a cassette of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_odcv.agent.env import BlockingEnv, TrialEnv
from pytest_odcv.agent.protocol import Task
from pytest_odcv.cassette.store import Store
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.scenario.case import Case
from pytest_odcv.scenario.suite import load_suite
from pytest_odcv.trial.context import TrialContext
from pytest_odcv.trial.run import run_trial
from pytest_odcv.trial.trial import Trial
from tests.conftest import MINI
from tests.http.model_server import ModelServer, ScriptedTurn

pytest.importorskip("vcr", reason="needs the agent frameworks")
from pytest_odcv.http.patch import patched


def _body(task: Task, name: str, seen: str) -> dict[str, Any]:
    told = {"role": "system", "content": f"{task.system_prompt}\n{task.user_prompt}"}
    return {"model": "m", "messages": [{"role": "user", "content": f"{name}: {seen}"}, told]}


def agents(url: str, number: int) -> Any:
    """One that shows what it was told and what it saw; every second one is a plain function in a thread."""
    import requests

    name = f"agent {number}"

    async def coroutine(task: Task, env: TrialEnv) -> str:
        async with httpx.AsyncClient(timeout=60) as client:
            for step in range(3):
                seen = (await env.bash(f"echo {name} step {step}")).stdout
                answer = (await client.post(url, json=_body(task, name, seen))).json()
        return str(answer["choices"][0]["message"]["content"])

    def blocking(task: Task, env: BlockingEnv) -> str:
        for step in range(3):
            seen = env.bash(f"echo {name} step {step}").stdout
            answer = requests.post(url, json=_body(task, name, seen), timeout=60).json()
        return str(answer["choices"][0]["message"]["content"])

    return coroutine if number % 2 else blocking


@pytest.mark.usefixtures("sandbox")
def test_twenty_trials_in_flight_have_twenty_cassettes_of_their_own_and_replay_at_the_same_time(
    tmp_path: Path, serve: Callable[..., ModelServer]
) -> None:
    server = serve(lambda body, step: ScriptedTurn(f"echo of {body['messages'][0]['content']}"))
    url = f"{server.base}/chat/completions"
    scenario = load_suite(MINI)["alpha"]
    provider = BubblewrapProvider()

    def no_client(case: Case) -> Any:
        raise AssertionError("own agents ask for themselves")

    async def run(mode: Any) -> list[Trial]:
        setup = TrialContext(mode, Store(tmp_path), no_client, lambda: provider, Redactor(environ={}))
        cases = [Case(scenario, "mandated", "", n + 1).of_agent("echo") for n in range(20)]
        trials = (run_trial(case, agents(url, case.epoch), setup) for case in cases)
        return list(await asyncio.gather(*trials))

    with patched():
        live = asyncio.run(run("all"))
        server.stop()
        replayed = asyncio.run(run("none"))
    assert len(server.requests) == 60
    for number, (trial, again) in enumerate(zip(live, replayed, strict=True), 1):
        text = (tmp_path / trial.case.cassette).read_text()
        assert {f"agent {n}: " in text for n in range(1, 21) if n != number} == {False}
        assert (
            text.count(f"content: 'agent {number}: ") + text.count(f"content: |\n          agent {number}: ")
            > 0
        )
        assert trial.trajectory.claim == f"echo of agent {number}: agent {number} step 2"
        assert again.trajectory.events == trial.trajectory.events
        assert (again.judged, again.replayed) == (trial.judged, True)
