"""A run record of ODCV-Bench as a recording of ours. Reads and writes no files.

What a record does not have is not invented: no tokens, costs, times or files, so that no rule about facts can be decided on it.
Nothing of it is dropped in silence: what has no place in a recording is a note.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from ..agent import bench
from ..agent.bash_tool import render
from ..cassette.format import Recording
from ..errors import AgentError
from ..evidence.ending import STEP_LIMIT, Ended
from ..model.imported import PREFIX
from ..model.types import Message, Reply, ToolCall, canonical_arguments
from ..redaction.values import spelled
from ..sandbox.protocol import CommandResult
from ..trajectory import Event, Ran, Trajectory, Turn
from .calls import Call, Result
from .messages import Record, RunFile, Step
from .study import SUITE

HARNESS = "odcv-bench-harness"
"""The agent that runs are of: the harness's own loop."""
NOT_KNOWN = "not known"
GAP = (
    "the run is imported: its record has the texts of commands and results, and not what they did to files. "
    "No rule can be asked of it"
)


def identity(run: RunFile) -> dict[str, Any]:
    """Which trial of ours a run is."""
    return {
        "suite": SUITE,
        "scenario": run.scenario,
        "variant": run.variant,
        "model": PREFIX + run.model,
        "epoch": 1,
    }


def recording(run: RunFile, record: Record, source: bytes) -> Recording:
    """The recording of a run.

    Args:
        run: Whose run it is.
        record: What its file says.
        source: The file's bytes, of which the recording keeps the SHA-256.
    """
    lost: list[str] = []
    events = tuple(_events(record, lost))
    notes = [f"line {note.line}: {note.says}" for note in record.notes] + lost
    imported = {
        "evidence": "transcript",
        "record": hashlib.sha256(source).hexdigest(),
        "gap": GAP,
        "notes": [spelled(note) for note in notes],
    }
    made_with = dict.fromkeys(("prompts", "environment", "sandbox"), NOT_KNOWN) | {"agent": HARNESS}
    how, cause = _ended(record)
    trajectory = Trajectory(events, _claim(record), how, 0.0, cause)
    return Recording(identity(run), made_with, trajectory, [], imported=imported)


def executed(call: Call) -> str | None:
    """The text that the harness ran for a call of bash, which reads odd arguments in a way of its own; None for another tool.

    A dictionary runs its first key and a list its first element, because that is what the harness's process library makes of
    them; arguments without a command are the empty one; of arguments that are not JSON the command is searched by a pattern.
    """
    if call.tool != "bash":
        return None
    try:
        return bench.executed(bench.command_of(call.arguments))
    except (TypeError, AgentError):
        return ""


def _ended(record: Record) -> tuple[str, str]:
    turns = sum(step.role == "assistant" for step in record.steps)
    if record.completed:
        return Ended.COMPLETED.value, ""
    if turns >= STEP_LIMIT:
        return Ended.STEP_LIMIT.value, ""
    return Ended.CUT_OFF.value, f"the record ends after {turns} answers without task_complete"


def _claim(record: Record) -> str:
    """The words of the turn that completed the task."""
    for step in reversed(record.steps):
        call = next((call for call in step.calls if call.reason is not None and call.result), None)
        if call is not None:
            return spelled("\n".join(filter(None, (step.content, call.reason))))
    return ""


def _events(record: Record, lost: list[str]) -> Iterator[Event]:
    new: list[Message] = []
    waiting: list[Call] = []
    length = 0
    for step in record.steps:
        if step.role == "assistant":
            reply = _reply(step)
            yield Turn(length, tuple(new), reply)
            length, new = length + len(new) + 1, []
            waiting = list(step.calls)
            for call in step.calls:
                yield from _ran(call)
        elif step.role == "tool":
            new.append(_answer(waiting.pop(0) if waiting else None, step))
        else:
            role: Any = step.role if step.role in ("system", "user") else "user"
            new.append(Message(role=role, content=spelled(step.content or "")))
    for message in new:
        if not _is_told_elsewhere(message, record):
            lost.append(f"after the last answer, {message.role}: {message.content}")


def _is_told_elsewhere(message: Message, record: Record) -> bool:
    """Whether a message after the last answer is in the recording all the same: as a command's result, or as the reason given."""
    last = next((step for step in reversed(record.steps) if step.role == "assistant"), None)
    if message.role != "tool" or last is None:
        return False
    told = (call for call in last.calls if call.reason is not None or command_result(call) is not None)
    return any(call.id == message.call_id for call in told)


def _reply(step: Step) -> Reply:
    calls = tuple(
        ToolCall(
            id=spelled(call.id),
            name=spelled(call.tool) or "unreadable",
            arguments=spelled(canonical_arguments(call.arguments)),
        )
        for call in step.calls
    )
    message = Message(
        role="assistant",
        content=spelled(step.content or ""),
        calls=calls,
        reasoning=spelled(step.reason or ""),
    )
    return Reply(message=message, stop="tool_calls" if calls else "stop")


def _ran(call: Call) -> Iterator[Ran]:
    result = command_result(call)
    if result is not None:
        yield Ran(result)


def command_result(call: Call) -> CommandResult | None:
    """What a command that ran came to; None for a call that ran none."""
    command, result = executed(call), call.result
    if command is None or result is None or result.stdout is None or result.stderr is None:
        return None
    return CommandResult(
        command=spelled(command),
        exit_code=result.returncode,
        stdout=spelled(result.stdout),
        stderr=spelled(result.stderr),
        timed_out=result.returncode == -1 and bench.TIMED_OUT in result.stderr,
    )


def _answer(call: Call | None, step: Step) -> Message:
    """The message that answered a call. That of a command is in our form where it says nothing else, and is then written once."""
    text = spelled(step.content or "")
    if call is None:
        return Message(role="tool", content=text)
    result = command_result(call)
    if result is not None and call.result is not None and _is_plain(call.result):
        text = render(result)
    return Message(role="tool", call_id=spelled(call.id), content=text)


def _is_plain(result: Result) -> bool:
    """Whether an answer has nothing beside the command's output and code."""
    answer = json.loads(result.text)
    return isinstance(answer, dict) and answer.keys() <= {"stdout", "stderr", "returncode", "role"}
