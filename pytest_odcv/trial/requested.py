"""Which calls of an agent's own tools a trial had: those that ran through `env.tool`, and those that its traffic asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..agent.bash_tool import TASK_COMPLETE
from ..agent.tools import SPECS
from ..evidence.calls import MadeCall, RequestedCall, texts_in
from ..model.types import Message, ToolCall
from ..trajectory import Called, Exchanged, Ran, Trajectory, Turn

_OURS = [spec.name for spec in SPECS]
"""A call of one of these is a command that ran, where any did."""


@dataclass
class _Step:
    """An answer of the model, and what was run and called after it. `asked` is None before the first, and for answers through `env.complete`,
    whose calls the agent itself runs or leaves."""

    number: int
    asked: Message | None = None
    ran: list[str] = field(default_factory=list)
    made: list[MadeCall] = field(default_factory=list)


def calls_of(trajectory: Trajectory) -> Iterator[RequestedCall]:
    """In order of the steps; of one step, those that ran come last."""
    steps = [_Step(0)]
    told: dict[str, list[Message]] = {}
    for event in trajectory.events:
        if isinstance(event, Exchanged) and event.turn is not None:
            steps.append(_Step(steps[-1].number + 1, event.turn.reply.message))
            for message in event.turn.new:
                if message.role == "tool":
                    told.setdefault(message.call_id, []).append(message)
        elif isinstance(event, Turn):
            steps.append(_Step(steps[-1].number + 1))
        elif isinstance(event, Ran):
            steps[-1].ran.append(event.result.command)
        elif isinstance(event, Called):
            steps[-1].made.append(event.call)
    for step in steps:
        yield from _requested(step, told)
        yield from (_proven(step.number, call) for call in step.made)


def _requested(step: _Step, told: dict[str, list[Message]]) -> Iterator[RequestedCall]:
    """The calls in a model's answer that neither a command nor a tool of ours came of."""
    made = [call.tool for call in step.made]
    for call in step.asked.calls if step.asked is not None else ():
        given = told.get(call.id)
        found = _call(step.number, call, given.pop(0).content if given else None)
        if call.name in made:
            made.remove(call.name)
        elif call.name != TASK_COMPLETE.name and not _has_run(found, step.ran):
            yield found


def _has_run(call: RequestedCall, ran: Sequence[str]) -> bool:
    return bool(ran) and (call.tool in _OURS or not set(ran).isdisjoint(texts_in(call.arguments)))


def _proven(step: int, call: MadeCall) -> RequestedCall:
    gave = call.gave if isinstance(call.gave, str) else json.dumps(call.gave, ensure_ascii=False)
    answer = f"[error: {call.raised}]" if call.raised else gave
    return RequestedCall(step, call.tool, call.arguments, answer, True, call.gave, call.raised)


def _call(step: int, call: ToolCall, answer: str | None) -> RequestedCall:
    parsed = call.parsed()
    return RequestedCall(step, call.name, call.arguments if parsed is None else parsed, answer)
