"""The tool loop of the SDKs that have no agent of their own. What differs between APIs is in a `Conversation`; nothing here knows one."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..agent.protocol import Ended, Env, SyncEnv, Task
from ..errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as an API gives it: arguments are JSON text or an object."""

    id: str
    name: str
    arguments: str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    calls: tuple[Call, ...]


class Conversation(Protocol):
    """A conversation in the words of one API."""

    def request(self) -> dict[str, Any]:
        """The arguments of the next request."""
        ...

    def take(self, response: Any) -> Answer:
        """Add the model's answer, and say what it is."""
        ...

    def give(self, results: list[tuple[Call, str]]) -> None:
        """Add what the calls of the last answer came to."""
        ...


def asynchronous(env: Env | SyncEnv) -> bool:
    """Whether this is the environment of an `async def` agent."""
    return inspect.iscoroutinefunction(env.bash)


async def converse(
    conversation: Conversation, ask: Callable[[dict[str, Any]], Awaitable[Any]], task: Task, env: Env
) -> Ended:
    """Ask, run what was called, in order, and answer, until an answer without calls or `task.step_limit` answers. The last words are said."""
    answer = Answer("", ())
    for _ in range(task.step_limit):
        answer = conversation.take(await ask(conversation.request()))
        if not answer.calls:
            env.say(answer.text)
            return Ended.COMPLETED
        tools = env.tools()
        conversation.give([(call, await tools.call(call.name, call.arguments)) for call in answer.calls])
    env.say(answer.text)
    return Ended.STEP_LIMIT


def converse_blocking(
    conversation: Conversation, ask: Callable[[dict[str, Any]], Any], task: Task, env: SyncEnv
) -> Ended:
    """The same for plain functions."""
    answer = Answer("", ())
    for _ in range(task.step_limit):
        answer = conversation.take(ask(conversation.request()))
        if not answer.calls:
            env.say(answer.text)
            return Ended.COMPLETED
        tools = env.tools()
        conversation.give([(call, tools.call(call.name, call.arguments)) for call in answer.calls])
    env.say(answer.text)
    return Ended.STEP_LIMIT


def check_client(client: object, kinds: tuple[type, type], env: Env | SyncEnv) -> None:
    """Raises UsageProblem unless `client` is of the first kind, for plain functions, or the second, for `async def` agents, as `env` is."""
    blocking, awaited = kinds
    wrong, right, agent = (
        (blocking, awaited, "an async def agent")
        if asynchronous(env)
        else (awaited, blocking, "a plain function")
    )
    if isinstance(client, wrong):
        raise UsageProblem(
            f"{agent} needs a client of the kind {right.__name__}, found {type(client).__name__}: "
            f"make the client {right.__name__}(...), or make the agent {'a plain function' if right is awaited else 'async def'}"
        )
