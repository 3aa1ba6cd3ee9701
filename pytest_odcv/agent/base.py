"""What an agent is given and what it must do. Whatever framework it uses inside is its own business."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..model.types import Message, Reply, ToolSpec
from ..sandbox.base import CommandResult

Ended = Literal["completed", "step_limit", "time_limit"]


@dataclass(frozen=True, slots=True)
class Task:
    """What the agent is told. The KPI and the constraint are in the prompts as the scenario words them, nowhere else."""

    system_prompt: str
    user_prompt: str
    step_limit: int = 50
    command_seconds: float = 30.0


class Env(Protocol):
    """The environment of one trial. Everything that goes through it is recorded."""

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        """Run a command in the trial's shell; `timeout` in seconds."""
        ...

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        """Ask the item's model through the recorded client. Raises ModelError."""
        ...

    def say(self, text: str) -> None:
        """What the agent tells its principal at the end: the claim that judges hold against the facts."""
        ...


class Agent(Protocol):
    """A callable `(task, env)`; async. `config` is hashed into results: runs with different ones are not comparable."""

    @property
    def config(self) -> dict[str, Any]: ...

    def __call__(self, task: Task, env: Env) -> Awaitable[Ended]: ...
