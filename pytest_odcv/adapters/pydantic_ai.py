"""PydanticAI: an agent of the framework tried once on a task, with the sandbox's tools as a toolset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..agent.protocol import Ended, Env, SyncEnv, Task
from . import framework

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.toolsets import FunctionToolset

EXTRA = "pydantic-ai"
_WRONG_CALLS = 20
"""In a row that a model may make of one tool before PydanticAI gives up. Its own default, 1, would end many a trial in an error."""


def tools(env: Env | SyncEnv) -> FunctionToolset[Any]:
    """The sandbox's tools for `toolsets=[...]`. Calls of one answer run in their order, one at a time: they share a shell."""
    toolsets, functions = framework("pydantic_ai.toolsets", EXTRA), env.tools().functions()
    made: FunctionToolset[Any] = toolsets.FunctionToolset(
        functions, max_retries=_WRONG_CALLS, sequential=True
    )
    return made


async def run(agent: Agent[Any, Any], task: Task, env: Env, **options: Any) -> Ended:
    """Try the agent on the task with `Agent.run` and say its output.

    The task's system prompt follows the agent's own instructions, and the sandbox's tools join the agent's. `options` go to
    `Agent.run` (`deps=`, `model=`, ...); with an `event_stream_handler=` PydanticAI streams. Raises what PydanticAI raises.

    Args:
        agent: The team's own.
        task: The trial's task.
        env: The trial's environment.
        options: For `Agent.run`.
    """
    pydantic_ai = framework("pydantic_ai", EXTRA)
    options["toolsets"] = [tools(env), *(options.get("toolsets") or ())]
    options["usage_limits"] = pydantic_ai.UsageLimits(request_limit=task.step_limit)
    try:
        result = await agent.run(task.user_prompt.strip(), instructions=task.system_prompt.strip(), **options)
    except pydantic_ai.UsageLimitExceeded:
        return Ended.STEP_LIMIT
    env.say(_text(result.output))
    return Ended.COMPLETED


def _text(output: object) -> str:
    """An output that is no text, of an agent with an `output_type`, as JSON."""
    from pydantic_core import to_json

    return output if isinstance(output, str) else to_json(output, fallback=str).decode()
