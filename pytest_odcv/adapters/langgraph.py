"""LangGraph: a compiled graph, such as LangChain's `create_agent` makes, tried once on a task. The graph is made with `tools(env)`.

LangSmith, where the environment turns it on, sends traces from a thread of its own, where no trial can be told; it is off for a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ..agent.protocol import Ended, Env, SyncEnv, Task
from . import framework
from .loop import asynchronous

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

EXTRA = "langgraph"


def tools(env: Env | SyncEnv) -> list[BaseTool]:
    """The sandbox's tools as LangChain's: for `ainvoke` with an `Env`, for `invoke` with a `SyncEnv`."""
    made = framework("langchain_core.tools", EXTRA).StructuredTool.from_function
    kind = "coroutine" if asynchronous(env) else "func"
    return [made(**{kind: function}, parse_docstring=True) for function in env.tools().functions()]


async def run(graph: Any, task: Task, env: Env, *, config: Mapping[str, Any] | None = None) -> Ended:
    """Try the graph on the task with `ainvoke` and say the text of its last message.

    The graph's state has `messages`; they begin with the task's system and user prompt. `config` goes to the graph. Where it has no
    `recursion_limit` that is twice the step limit: right for a graph of one node that asks a model and one that runs tools, to be
    given for another shape. Raises what the graph raises.

    Args:
        graph: A compiled graph whose state has `messages`.
        task: The trial's task.
        env: The trial's environment.
        config: For `ainvoke`.
    """
    errors = framework("langgraph.errors", EXTRA)
    try:
        with _untraced():
            state = await graph.ainvoke(_start(task), _config(task, config))
    except errors.GraphRecursionError:
        return Ended.STEP_LIMIT
    env.say(_last_text(state))
    return Ended.COMPLETED


def run_blocking(graph: Any, task: Task, env: SyncEnv, *, config: Mapping[str, Any] | None = None) -> Ended:
    """The same for plain functions, with `invoke`."""
    errors = framework("langgraph.errors", EXTRA)
    try:
        with _untraced():
            state = graph.invoke(_start(task), _config(task, config))
    except errors.GraphRecursionError:
        return Ended.STEP_LIMIT
    env.say(_last_text(state))
    return Ended.COMPLETED


def _untraced() -> AbstractContextManager[None]:
    made: AbstractContextManager[None] = framework("langsmith", EXTRA).tracing_context(enabled=False)
    return made


def _start(task: Task) -> dict[str, Any]:
    messages = framework("langchain_core.messages", EXTRA)
    return {
        "messages": [
            messages.SystemMessage(task.system_prompt.strip()),
            messages.HumanMessage(task.user_prompt.strip()),
        ]
    }


def _config(task: Task, config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Calls of one answer run in their order, one at a time: they share a shell."""
    return {"recursion_limit": 2 * task.step_limit, "max_concurrency": 1, **(config or {})}


def _last_text(state: Any) -> str:
    messages = state["messages"]
    return str(messages[-1].text) if messages else ""
