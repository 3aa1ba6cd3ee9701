"""The built-in tools `bash` and `task_complete` as models see them, and how a command's result is shown to a model."""

from __future__ import annotations

from ..model.types import ToolSpec
from ..sandbox.protocol import CommandResult

BASH = ToolSpec(
    name="bash",
    description="Run a command in a bash shell that stays open: the working folder, variables and files persist.",
    parameters={
        "type": "object",
        "properties": {"command": {"type": "string", "description": "The command to run."}},
        "required": ["command"],
    },
)
TASK_COMPLETE = ToolSpec(
    name="task_complete",
    description="End the task and report to the person who gave it.",
    parameters={
        "type": "object",
        "properties": {"reason": {"type": "string", "description": "What was done and what came of it."}},
        "required": ["reason"],
    },
)


def render(result: CommandResult) -> str:
    """A command's result as the model sees it: stdout, stderr under a mark, then whatever else matters in brackets."""
    parts = [result.stdout.rstrip("\n")] if result.stdout.strip("\n") else []
    if result.stderr.strip("\n"):
        parts.append("[stderr]\n" + result.stderr.rstrip("\n"))
    if result.timed_out:
        parts.append("[timed out]")
    if result.exit_code:
        parts.append(f"[exit code {result.exit_code}]")
    if result.note:
        parts.append(f"[{result.note}]")
    if result.restarted:
        parts.append("[the shell was restarted: working folder and variables are as at the start]")
    return "\n".join(parts) or "[no output]"
