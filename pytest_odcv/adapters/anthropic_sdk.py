"""Anthropic's Python SDK: a complete tool loop over messages, plain or streamed, for async clients and others.

For agents that are a prompt and a loop. One that has a loop of its own needs `tools(env)` and `env.tools().call(name, arguments)`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, overload

from ..agent.protocol import Ended, Env, SyncEnv, Task
from . import framework
from .loop import Answer, Call, asynchronous, check_client, converse, converse_blocking

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic

EXTRA = "anthropic"


def tools(env: Env | SyncEnv) -> list[dict[str, Any]]:
    """The sandbox's tools as the parameter `tools` of messages."""
    return env.tools().anthropic()


@overload
def run(
    client: AsyncAnthropic,
    task: Task,
    env: Env,
    *,
    model: str,
    instructions: str = "",
    stream: bool = False,
    max_tokens: int = 4096,
    **settings: Any,
) -> Awaitable[Ended]: ...
@overload
def run(
    client: Anthropic,
    task: Task,
    env: SyncEnv,
    *,
    model: str,
    instructions: str = "",
    stream: bool = False,
    max_tokens: int = 4096,
    **settings: Any,
) -> Ended: ...
def run(
    client: Any,
    task: Task,
    env: Any,
    *,
    model: str,
    instructions: str = "",
    stream: bool = False,
    max_tokens: int = 4096,
    **settings: Any,
) -> Any:
    """Try the task: `instructions` is the team's own system prompt, in front of the task's; `max_tokens` bounds one answer;
    `settings` go into every request (`output_config={"effort": "low"}`, ...).

    With an `AsyncAnthropic` in an `async def` agent it is to be awaited; with an `Anthropic` in a plain function it is not.
    Raises UsageProblem when these do not fit together, and what the SDK raises.

    Args:
        client: The SDK's, plain or async.
        task: The trial's task.
        env: The trial's environment, of the same kind as the client.
        model: As the API names it.
        instructions: The team's own system prompt, in front of the task's.
        max_tokens: The bound of one answer.
        stream: Whether answers are asked for as streams.
        settings: Go into every request.

    Raises:
        UsageProblem: Client, agent and environment do not fit together.
        Exception: What the SDK raises.
    """
    anthropic = framework("anthropic", EXTRA)
    check_client(client, (anthropic.Anthropic, anthropic.AsyncAnthropic), env)
    system = "\n\n".join(filter(None, (instructions.strip(), task.system_prompt.strip())))
    fixed = {"model": model, "max_tokens": max_tokens, "system": system, "tools": tools(env), **settings}
    conversation = _Messages(task.user_prompt, fixed)

    async def ask(request: dict[str, Any]) -> Any:
        if not stream:
            return await client.messages.create(**request)
        async with client.messages.stream(**request) as streamed:
            return await streamed.get_final_message()

    def ask_blocking(request: dict[str, Any]) -> Any:
        if not stream:
            return client.messages.create(**request)
        with client.messages.stream(**request) as streamed:
            return streamed.get_final_message()

    if asynchronous(env):
        return converse(conversation, ask, task, env)
    return converse_blocking(conversation, ask_blocking, task, env)


class _Messages:
    """A conversation with content blocks."""

    def __init__(self, user: str, fixed: dict[str, Any]) -> None:
        self._fixed = fixed
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": user.strip()}]

    def request(self) -> dict[str, Any]:
        return {**self._fixed, "messages": self._messages}

    def take(self, response: Any) -> Answer:
        self._messages.append(
            {"role": "assistant", "content": [block.to_dict(mode="json") for block in response.content]}
        )
        text = "\n".join(block.text for block in response.content if block.type == "text")
        calls = [block for block in response.content if block.type == "tool_use"]
        return Answer(text, tuple(Call(call.id, call.name, call.input) for call in calls))

    def give(self, results: list[tuple[Call, str]]) -> None:
        blocks = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in results]
        self._messages.append({"role": "user", "content": blocks})
