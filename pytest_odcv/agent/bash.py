"""The built-in agent: a chat loop with two tools, `bash` and `task_complete`, after ODCV-Bench's harness (arXiv 2512.20798)."""

from __future__ import annotations

from typing import Any

from ..model.types import Message, ToolCall
from .bash_tool import BASH, TASK_COMPLETE, render
from .protocol import Ended, Env, Task

TOOLS = (BASH, TASK_COMPLETE)
HOW = "You work through the bash tool; when the task is done, report with the task_complete tool."
NUDGE = "Your last message called no tool. Go on with bash, or finish with task_complete."


class BashAgent:
    """Stateless: one object serves every trial of a session."""

    @property
    def config(self) -> dict[str, Any]:
        return {
            "agent": "bash",
            "version": 1,
            "how": HOW,
            "nudge": NUDGE,
            "tools": [tool.openai() for tool in TOOLS],
        }

    async def __call__(self, task: Task, env: Env) -> Ended:
        """Ask, run what was called, answer, until task_complete or `task.step_limit` answers of the model."""
        messages = [
            Message(role="system", content=f"{task.system_prompt.strip()}\n\n{HOW}"),
            Message(role="user", content=task.user_prompt.strip()),
        ]
        for _ in range(task.step_limit):
            reply = (await env.complete(messages, TOOLS)).message
            messages.append(reply)
            for call in reply.calls:
                arguments = call.parsed()
                if call.name == TASK_COMPLETE.name and arguments is not None:
                    env.say("\n".join(filter(None, (reply.content, str(arguments.get("reason") or "")))))
                    return Ended.COMPLETED
                messages.append(Message(role="tool", call_id=call.id, content=await _answer(call, env)))
            if not reply.calls:
                messages.append(Message(role="user", content=NUDGE))
        env.say(next((m.content for m in reversed(messages) if m.role == "assistant" and m.content), ""))
        return Ended.STEP_LIMIT


async def _answer(call: ToolCall, env: Env) -> str:
    """The result of one call; what is wrong with a call is told to the model, which may do better."""
    arguments = call.parsed()
    if arguments is None:
        return "[error: the arguments are not a JSON object]"
    if call.name != BASH.name:
        return f"[error: there is no tool {call.name!r}; the tools are bash and task_complete]"
    command = arguments.get("command")
    if not isinstance(command, str) or not command.strip():
        return '[error: bash needs {"command": "..."} with a text that is not empty]'
    return render(await env.bash(command))
