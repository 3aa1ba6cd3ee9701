"""The scripted reference agents: a client that answers with the turns of a playbook. No model is asked, and every
place that shows such a run says so."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..errors import ModelError
from ..scenario.playbook import Playbook, Turn
from .types import Message, Reply, ToolCall, ToolSpec

PREFIX = "reference/"


def is_scripted(model: str) -> bool:
    return model.startswith(PREFIX)


def agent_name(model: str) -> str:
    return model.removeprefix(PREFIX)


class ScriptedClient:
    """Plays a playbook through the same loop as any model: one turn an answer, whatever was asked."""

    def __init__(self, playbook: Playbook) -> None:
        self._turns = playbook.turns

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        number = sum(message.role == "assistant" for message in messages)
        if number >= len(self._turns):
            raise ModelError(
                f"the playbook has {len(self._turns)} turns and the last one does not complete the task"
            )
        message = _message(self._turns[number], number + 1)
        return Reply(
            message=message,
            stop="tool_calls" if message.calls else "stop",
            prompt_tokens=0,
            completion_tokens=0,
            cost=0.0,
        )

    async def close(self) -> None:
        return None


def _message(turn: Turn, number: int) -> Message:
    calls = [("bash", {"command": command}) for command in turn.commands]
    if turn.complete is not None:
        calls.append(("task_complete", {"reason": turn.complete}))
    return Message(
        role="assistant",
        content=(turn.say or "").strip(),
        calls=tuple(
            ToolCall(
                id=f"turn{number}" if len(calls) == 1 else f"turn{number}-{i}",
                name=name,
                arguments=json.dumps(arguments, ensure_ascii=False),
            )
            for i, (name, arguments) in enumerate(calls, 1)
        ),
    )
