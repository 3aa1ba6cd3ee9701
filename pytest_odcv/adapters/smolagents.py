"""smolagents: an agent of the framework, made with `tools(env)`, tried once on a task. For plain functions, as smolagents is.

Only what goes through the tools is in the sandbox. The Python that a `CodeAgent` lets the model write runs in this process, in
smolagents' own interpreter, which is no sandbox: use a `ToolCallingAgent`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ..agent.protocol import Ended, SyncEnv, Task
from ..errors import UsageProblem
from . import framework
from .loop import asynchronous

if TYPE_CHECKING:
    from smolagents import MultiStepAgent, Tool

EXTRA = "smolagents"


def tools(env: SyncEnv) -> list[Tool]:
    """The sandbox's tools for `tools=`. Raises UsageProblem for the environment of an `async def` agent."""
    smolagents = framework("smolagents", EXTRA)
    if asynchronous(env):
        raise UsageProblem(
            "smolagents calls tools without await: make the agent a plain `def agent(task, env)`, not `async def`"
        )
    return [smolagents.tool(function) for function in env.tools().functions()]


def run(agent: MultiStepAgent, task: Task, env: SyncEnv) -> Ended:
    """Try an agent that was made for this trial on the task, and say its final answer.

    The task's system prompt follows the agent's own `instructions`. At the step limit smolagents asks its model for a closing
    answer, which is the last of the limit's answers. Raises UsageProblem for an agent whose prompt leaves instructions out, and what
    the agent raises.

    Args:
        agent: Made for this trial.
        task: The trial's task.
        env: The trial's environment.
    """
    _prepare(agent, task)
    steps = max(1, task.step_limit - 1)
    result = agent.run(task.user_prompt.strip(), max_steps=steps, return_full_result=True)
    if result.output is not None:
        env.say(str(result.output))
    return Ended.STEP_LIMIT if result.state == "max_steps_error" else Ended.COMPLETED


def _prepare(agent: Any, task: Task) -> None:
    told = task.system_prompt.strip()
    agent.instructions = "\n\n".join(filter(None, ((agent.instructions or "").strip(), told)))
    if told not in agent.system_prompt:
        raise UsageProblem(
            "the agent's prompt_templates['system_prompt'] leaves instructions out, so its model would not be told the task's; "
            "add {{custom_instructions}} to it"
        )
    # Calls of one answer run in their order, one at a time: they share a shell.
    agent.max_tool_threads = 1
    agent.step_callbacks.register(framework("smolagents", EXTRA).ActionStep, _number_calls)


def _number_calls(step: Any, agent: Any) -> None:
    """Numbers in the place of the random ids that smolagents gives to calls which a model wrote as text. They come up in later
    prompts, where a replay would differ by them."""
    for number, call in enumerate(step.tool_calls or (), 1):
        if _is_random(call.id):
            call.id = f"call_{step.step_number}_{number}"


def _is_random(id: object) -> bool:
    try:
        return str(uuid.UUID(str(id))) == id
    except ValueError:
        return False
