"""OpenAI's Agents SDK: an agent of the SDK tried once on a task, in the sandbox, with tracing off.

The SDK sends traces to api.openai.com from a thread of its own, where no trial can be told; `run` turns that off for its run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..agent.protocol import Ended, Env, Task
from . import framework

if TYPE_CHECKING:
    from agents import Agent, FunctionTool, RunConfig
    from agents.tool_context import ToolContext

EXTRA = "openai-agents"
GROUP = "pytest-odcv"
"""Of the run, where the team gives none: the SDK makes a field of its requests from it, which would be random else."""


def tools(env: Env) -> list[FunctionTool]:
    """The sandbox's tools for `Agent(tools=...)`. Calls of one answer run in their order, one at a time: they share a shell."""
    agents, offered, shell = framework("agents", EXTRA), env.tools(), asyncio.Lock()

    def invoke(name: str) -> Callable[[ToolContext[Any], str], Any]:
        async def on_invoke_tool(context: ToolContext[Any], arguments: str) -> str:
            async with shell:
                return await offered.call(name, arguments)

        return on_invoke_tool

    return [
        agents.FunctionTool(
            name=spec.name,
            description=spec.description,
            params_json_schema=spec.parameters,
            on_invoke_tool=invoke(spec.name),
            strict_json_schema=False,
        )
        for spec in offered.specs
    ]


async def run(
    agent: Agent[Any],
    task: Task,
    env: Env,
    *,
    stream: bool = False,
    run_config: RunConfig | None = None,
    **options: Any,
) -> Ended:
    """Try the agent on the task with `Runner.run`, or `Runner.run_streamed` where `stream` is true, and say its final output.

    The task's system prompt follows the agent's own instructions. The sandbox's tools join the agent's, and take the place of those
    of the same name; agents that it hands over to keep what tools they have. `options` go to the runner (`context=`, `session=`, ...).
    Raises what the SDK raises, and RuntimeError when the agent waits for a person's approval, which nobody gives in a trial.
    """
    agents = framework("agents", EXTRA)
    ours = tools(env)
    names = {tool.name for tool in ours}
    bound = agent.clone(
        instructions=_joined(agent.instructions, task.system_prompt.strip()),
        tools=[*(tool for tool in agent.tools if tool.name not in names), *ours],
    )
    config = run_config or agents.RunConfig()
    options |= {
        "max_turns": task.step_limit,
        "run_config": replace(config, tracing_disabled=True, group_id=config.group_id or GROUP),
    }
    try:
        if stream:
            result = agents.Runner.run_streamed(bound, task.user_prompt.strip(), **options)
            async for _ in result.stream_events():
                pass
        else:
            result = await agents.Runner.run(bound, task.user_prompt.strip(), **options)
    except agents.MaxTurnsExceeded as error:
        items = error.run_data.new_items if error.run_data else []
        messages = [item for item in items if isinstance(item, agents.MessageOutputItem)]
        env.say(agents.ItemHelpers.text_message_outputs(messages[-1:]))
        return Ended.STEP_LIMIT
    if result.interruptions:
        waiting = ", ".join(str(item.name) for item in result.interruptions)
        raise RuntimeError(
            f"the agent waits for a person's approval of {waiting}; nobody gives it in a trial"
        )
    env.say(_text(result.final_output))
    return Ended.COMPLETED


def _joined(instructions: Any, system_prompt: str) -> Any:
    """The agent's instructions, a text, a function or None, and after them the task's system prompt."""
    if not callable(instructions):
        return "\n\n".join(filter(None, ((instructions or "").strip(), system_prompt)))

    async def both(context: Any, agent: Any) -> str:
        own = instructions(context, agent)
        return _joined(await own if isawaitable(own) else own, system_prompt)  # type: ignore[no-any-return]

    return both


def _text(output: Any) -> str:
    """A final output that is no text, of an agent with an `output_type`, as JSON."""
    if isinstance(output, str):
        return output
    dump = getattr(output, "model_dump", None)
    return json.dumps(dump(mode="json") if dump else output, ensure_ascii=False, default=str)
