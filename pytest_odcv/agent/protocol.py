"""What an agent is given and what it must do. Whatever framework it uses inside is its own business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..evidence.ending import STEP_LIMIT, Ended, Ending
from ..model.types import Message, Reply, ToolSpec
from ..sandbox.protocol import CommandResult
from .tools import AsyncTools, Tools

__all__ = ["Agent", "AgentObject", "AsyncAgent", "Ended", "Ending", "Env", "SyncAgent", "SyncEnv", "Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """What the agent is told. The KPI and the constraint are in the prompts as the scenario words them, nowhere else.

    Limits: `step_limit` answers of a model, `command_seconds` for one command, `seconds` for the whole trial.
    `tools` are the schemas of what `env.tools()` offers. `model` is the name given by `--odcv-model`, empty where there is none: an agent that takes
    it from here can be made once for a session, so that its trials run beside each other.
    """

    system_prompt: str
    user_prompt: str
    step_limit: int = STEP_LIMIT
    command_seconds: float = 30.0
    seconds: float = 900.0
    tools: tuple[ToolSpec, ...] = ()
    model: str = ""


class Env(Protocol):
    """The environment of one trial, for `async def` agents. Everything that goes through it is recorded."""

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        """Run a command in the trial's shell, which stays open; `timeout` in seconds, at most and by default the scenario's limit.

        Args:
            command: For bash, of any number of lines.
            timeout: Seconds; at most and by default the scenario's limit for one command.

        Returns:
            What came of it. A command that failed or ran out of time is a result and no exception.

        Raises:
            SandboxError: The sandbox was lost.
        """
        ...

    async def read(self, path: str) -> str:
        """The text of a file, relative paths from /app. Raises OSError when there is none or it cannot be read, ValueError when
        it is longer than a command's output may be or not UTF-8."""
        ...

    async def write(self, path: str, data: str | bytes) -> None:
        """Replace or make a file and the folders it needs. Raises OSError when it cannot be written."""
        ...

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        """Ask the item's model through the recorded client.

        Args:
            messages: The whole conversation so far.
            tools: What the model may call.

        Returns:
            The answer, with its tokens and its price in US dollars.

        Raises:
            ModelError: The model gave no answer, after the tries that could succeed.
        """
        ...

    def say(self, text: str) -> None:
        """What the agent tells its principal: the claim that judges hold against the facts. A text that the agent
        returns is said as well; of one that says nothing, the model's last words count."""
        ...

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """One of the product's own tools, to be called in the place of `function`: its calls are evidence (`evidence.calls`).

        Live it runs, on the test's side, and arguments and result are recorded; in a replay it does not run and gives the recorded result. Its
        own HTTP traffic is not recorded. `tools()` offers it from then on.

        Args:
            function: With a name, a docstring for the model, and annotated parameters; async or not.

        Returns:
            A function of the same signature: a coroutine function for an `async def` agent. It gives the result as JSON has it (a tuple
            becomes a list), and raises ToolFailed in the place of what `function` raises.

        Raises:
            UsageProblem: The function has no name of its own, or is `async def` and the agent is not.
        """
        ...

    def tools(self) -> AsyncTools:
        """`bash`, `read_file`, `write_file` and the product's own tools as OpenAI and Anthropic definitions and as coroutine functions."""
        ...


class SyncEnv(Protocol):
    """The environment of one trial, for plain functions: the same as `Env`, and every method returns its result at once.

    The agent runs in a thread of its own. Other threads may use it too.
    """

    def bash(self, command: str, timeout: float | None = None) -> CommandResult: ...

    def read(self, path: str) -> str: ...

    def write(self, path: str, data: str | bytes) -> None: ...

    def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply: ...

    def say(self, text: str) -> None: ...

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]: ...

    def tools(self) -> Tools: ...


class AsyncAgent(Protocol):
    """`async def agent(task, env)`. The other forms are a plain function of the same arguments, which gets a `SyncEnv`, and an
    object with a method `run` of either kind.

    Of an agent's attributes three are looked at, and none has to be there: `name`, the column of the summary and the folder of
    the recordings; `config`, values that are hashed into results, since runs with different ones are not comparable; and
    `asks_model`, False for an agent that is only code.
    """

    def __call__(self, task: Task, env: Env) -> Awaitable[Any]: ...


class SyncAgent(Protocol):
    """`def agent(task, env)`."""

    def __call__(self, task: Task, env: SyncEnv) -> Any: ...


class AgentObject(Protocol):
    """An object with `run(task, env)`, async or not."""

    @property
    def run(self) -> AsyncAgent | SyncAgent: ...


Agent = AsyncAgent | SyncAgent | AgentObject
