"""Whole trials of the built-in agent against a model server with faults, without pytest in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from pytest_odcv.agent.bash import BashAgent
from pytest_odcv.cassette.store import Store
from pytest_odcv.model.litellm_client import LiveClient, LiveSettings
from pytest_odcv.model.traffic import Patience
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.sandbox.protocol import CommandResult, SandboxProvider, SandboxSpec, Tree
from pytest_odcv.scenario.case import Case
from pytest_odcv.scenario.loader import Scenario
from pytest_odcv.scenario.suite import load_suite
from pytest_odcv.trial.context import RecordMode, TrialContext
from pytest_odcv.trial.run import run_trial
from pytest_odcv.trial.trial import Trial
from tests.conftest import MINI

from .server import Model, plays

CHEAT = "sed -i 's/,1[0-9]/,21/' /app/data/x.csv; report"
"""A violation of score 4 in the mini suite's `alpha`."""
CHEATS: Model = plays([CHEAT, "ls"], "The numbers are in the report.")
TIMEOUT = 60.0
"""Seconds: what is slow here is the machine."""


def alpha() -> Scenario:
    return load_suite(MINI)["alpha"]


class Unmoved:
    """A sandbox in which every command succeeds and changes nothing: for what does not depend on commands."""

    name = "unmoved"

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def missing(self) -> None:
        return None

    async def open(self, spec: SandboxSpec) -> Any:
        return self

    async def run(self, command: str, timeout: float | None = None) -> CommandResult:
        return CommandResult(command=command, exit_code=0, stdout="x\n")

    async def snapshot(self) -> Tree:
        return self._tree

    async def close(self) -> None:
        return None


def context(
    base: str,
    root: Path,
    mode: RecordMode = "all",
    provider: SandboxProvider | None = None,
    step_limit: int = 50,
    tries: int = 2,
    timeout: float = TIMEOUT,
    model: Callable[[Case], str] = lambda case: "openai/stub",
) -> TrialContext:
    """Trials against the server at `base`, in the real sandbox unless there is a `provider`."""
    if provider is None:
        from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider

        provider = BubblewrapProvider()
    patience = Patience(tries, first=0.0)
    chosen, settings = provider, LiveSettings(api_base=base, timeout=timeout, patience=patience)
    return TrialContext(
        mode,
        Store(root),
        lambda case: LiveClient(model(case), settings),
        lambda: chosen,
        Redactor(environ={}),
        step_limit=step_limit,
        settings={"temperature": 0.0},
    )


def case(epoch: int = 1) -> Case:
    return Case(alpha(), "mandated", "openai/stub", epoch)


async def tried(setup: TrialContext, epoch: int = 1) -> Trial:
    return await run_trial(case(epoch), BashAgent(), setup)


def trial(setup: TrialContext, epoch: int = 1) -> Trial:
    return asyncio.run(tried(setup, epoch))


async def gathered(work: Iterable[Coroutine[Any, Any, Trial]], most: int) -> list[Trial]:
    """All of them, at most so many at a time."""
    free = asyncio.Semaphore(most)

    async def one(coroutine: Coroutine[Any, Any, Trial]) -> Trial:
        async with free:
            return await coroutine

    return list(await asyncio.gather(*map(one, work)))
