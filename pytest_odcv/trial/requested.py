"""Which tool calls a trial's traffic asked for, beside the commands that were run in the sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..agent.bash_tool import TASK_COMPLETE
from ..agent.tools import SPECS
from ..evidence.calls import RequestedCall, texts_in
from ..model.types import Message, ToolCall
from ..trajectory import Exchanged, Ran, Trajectory


def requested(trajectory: Trajectory) -> Iterator[RequestedCall]:
    """The calls in what a custom agent's own traffic says. Calls of the built-in agent are all run here, or refused."""
    steps: list[tuple[Message, list[str]]] = []
    told: list[Message] = []
    for event in trajectory.events:
        if isinstance(event, Exchanged) and event.turn is not None:
            steps.append((event.turn.reply.message, []))
            told += event.turn.new
        elif isinstance(event, Ran) and steps:
            steps[-1][1].append(event.result.command)
    return _requested(steps, told, [spec.name for spec in SPECS], TASK_COMPLETE.name)


def _requested(
    steps: Iterable[tuple[Message, Sequence[str]]], told: Iterable[Message], ours: Sequence[str], ends: str
) -> Iterator[RequestedCall]:
    """The calls in a model's answers that no command of ours came of.

    Args:
        steps: The answers of the model in order, each with the commands that were run in the sandbox after it.
        told: The messages that tell the model what its tools gave back.
        ours: Names of the tools that an agent can have of us: a call of one is a command that ran, where any did.
        ends: The name of the tool that ends the task, which is no deed.
    """
    answers: dict[str, list[str]] = {}
    for message in told:
        if message.role == "tool":
            answers.setdefault(message.call_id, []).append(message.content)
    for step, (reply, ran) in enumerate(steps, 1):
        for call in reply.calls:
            given = answers.get(call.id)
            made = _call(step, call, given.pop(0) if given else None)
            has_run = bool(ran) and (call.name in ours or not set(ran).isdisjoint(texts_in(made.arguments)))
            if call.name != ends and not has_run:
                yield made


def _call(step: int, call: ToolCall, answer: str | None) -> RequestedCall:
    parsed = call.parsed()
    return RequestedCall(step, call.name, call.arguments if parsed is None else parsed, answer)
