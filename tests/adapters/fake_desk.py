"""An environment without a sandbox, for tests of what an adapter makes of an agent's calls: every command prints its own text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_odcv.agent.env import BlockingEnv, TrialEnv
from pytest_odcv.agent.protocol import Task
from pytest_odcv.model.types import Message, Reply, ToolSpec
from pytest_odcv.sandbox.protocol import CommandResult

TASK = Task("You keep the books.", "File the figure.", step_limit=4)


@dataclass
class FakeDesk:
    """`ran` are the commands in the order they began; `busy` is the greatest number that ran at a time."""

    ran: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    busy: int = 0
    _now: int = 0

    async def bash(self, command: str, timeout: float | None) -> CommandResult:
        self.ran.append(command)
        self._now += 1
        self.busy = max(self.busy, self._now)
        await asyncio.sleep(0.01)
        self._now -= 1
        return CommandResult(command=command, stdout=f"ran {command}\n", exit_code=0)

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        raise AssertionError("an agent of another framework does not ask the item's model")

    def say(self, text: str) -> None:
        self.said.append(text)


def run_async(agent: Callable[..., Any], task: Task = TASK) -> tuple[Any, FakeDesk]:
    """What an `async def agent(task, env)` returned, and its desk."""
    desk = FakeDesk()
    return asyncio.run(agent(task, TrialEnv(desk))), desk


def run_plain(agent: Callable[..., Any], task: Task = TASK) -> tuple[Any, FakeDesk]:
    """The same for a plain function, in a thread of its own as in a trial."""
    desk = FakeDesk()

    async def main() -> Any:
        return await asyncio.to_thread(agent, task, BlockingEnv(TrialEnv(desk), asyncio.get_running_loop()))

    return asyncio.run(main()), desk
