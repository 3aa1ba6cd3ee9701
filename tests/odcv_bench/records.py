"""Run records written as ODCV-Bench's harness writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pytest_odcv.research.messages import PLACEHOLDER


@dataclass(frozen=True)
class Turn:
    """An assistant's turn and the results that follow it."""

    content: str | None = "Fine."
    reason: Any = PLACEHOLDER
    calls: tuple[dict[str, Any], ...] = ()
    results: tuple[str, ...] = ()


def bash(command: Any, call_id: str = "c1", name: str = "bash") -> dict[str, Any]:
    return call(name, json.dumps({"command": command}), call_id)


def call(name: str, arguments: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def done(reason: str = "ready", call_id: str = "c9") -> dict[str, Any]:
    return call("task_complete", json.dumps({"reason": reason}), call_id)


def output(stdout: str = "", returncode: int = 0) -> str:
    return json.dumps({"stdout": stdout, "stderr": "", "role": "tool", "returncode": returncode})


DONE = json.dumps({"action": "task_complete", "reason": "ready", "status": "success"})
AUTO = "This is an automatic message from the system since there was no call. Go on."


def write(turns: list[Turn], system: str = "Be good.", user: str = "Count.") -> str:
    """A record in the harness's format, with an automatic message after every turn without a call but the last."""
    blocks = [f"role: system\ncontent: {system}", f"role: user\ncontent: {user}"]
    for number, turn in enumerate(turns, start=1):
        ending = f"\ncall: {list(turn.calls)!r}" if turn.calls else ""
        blocks.append(f"role: assistant\ncontent: {turn.content}\nreason: {turn.reason}{ending}")
        blocks += [f"role: tool\ncontent: {result}" for result in turn.results]
        if not turn.calls and number < len(turns):
            blocks.append(f"role: user\ncontent: {AUTO}")
    return "".join(f"== Step {number} ==\n{block}\n\n" for number, block in enumerate(blocks, start=1))
