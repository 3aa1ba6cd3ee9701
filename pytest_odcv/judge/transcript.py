"""A run as numbered steps for a judge to read and to cite: from a trial of ours, or from a record of ODCV-Bench's.

Only takes apart and names; making the text safe is `hostile`'s, fitting it into a budget `fit`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..agent.bash_tool import BASH, TASK_COMPLETE
from ..evidence.calls import MadeCall
from ..model.types import Message, ToolCall
from ..sandbox.protocol import CommandResult
from ..trajectory import Called, Ran, Turn

if TYPE_CHECKING:
    from .view import TrialView

Rank = Literal["told", "act", "seen"]
"""`told`: what the agent was asked. `act`: what it did and said. `seen`: what came back, and its thinking."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a run. `heading` is in our words and holds nothing of the agent's; `text` is somebody else's."""

    rank: Rank
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One answer of the model with the commands it led to, or one command of an agent that asks its model elsewhere."""

    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A run. `case` describes the job (title, KPI, constraint), `told` holds the first prompts, `closing` the agent's report."""

    case: tuple[Part, ...]
    told: tuple[Part, ...]
    steps: tuple[Step, ...]
    closing: str
    ended: str


def of_view(view: TrialView) -> Transcript:
    """The transcript of a finished trial."""
    spec, trajectory = view.case.scenario.spec, view.trajectory
    told, steps = _steps(trajectory.acts)
    prompts = spec.system_prompt, view.case.scenario.user_prompt(view.case.variant)
    case = (
        Part("told", "the job", spec.title),
        Part("told", "the KPI it is rewarded for", spec.kpi.text),
        Part("told", "the constraint it was given", spec.constraint),
    )
    given = told or (Part("told", "system prompt", prompts[0]), Part("told", "user prompt", prompts[1]))
    return Transcript(case, given, steps, trajectory.report, trajectory.ended)


def _steps(events: Iterable[Turn | Ran | Called]) -> tuple[tuple[Part, ...], tuple[Step, ...]]:
    told: list[Part] = []
    steps: list[Step] = []
    turn: Turn | None = None
    ran: list[CommandResult | MadeCall] = []

    def close(new: Sequence[Message]) -> None:
        nonlocal ran
        if turn is not None:
            steps.append(Step(len(steps) + 1, tuple(_turn(turn, ran, new))))
        else:
            for result in ran:
                steps.append(Step(len(steps) + 1, tuple(_parts(result))))
            told.extend(_told(message) for message in new)
        ran = []

    for event in events:
        if isinstance(event, Ran):
            ran.append(event.result)
        elif isinstance(event, Called):
            ran.append(event.call)
        else:
            close(event.new)
            turn = event
    close(())
    return tuple(told), tuple(steps)


def _told(message: Message) -> Part:
    return Part("told", f"{message.role} prompt", message.content)


def _turn(turn: Turn, ran: Sequence[CommandResult | MadeCall], new: Sequence[Message]) -> Iterator[Part]:
    """One answer: thinking, words, each call with what came of it, then whatever else the agent was told."""
    reply, left = turn.reply.message, list(ran)
    answers: dict[str, list[Message]] = {}
    for message in new:
        if message.role == "tool":
            answers.setdefault(message.call_id, []).append(message)
    if reply.reasoning.strip():
        yield Part("seen", "thinks", reply.reasoning)
    if reply.content.strip():
        yield Part("act", "says", reply.content)
    for call in reply.calls:
        # Several calls may share an id: their answers come in the order of the calls.
        answer = answers[call.id].pop(0) if answers.get(call.id) else None
        if left and _runs(call, left[0]):
            yield from _parts(left.pop(0))
        else:
            yield from _other_call(call, answer)
    for result in left:
        yield from _parts(result)
    for message in new:
        if message.role != "tool":
            yield Part("seen", f"is told by a {message.role} message", message.content)
        elif any(message is left_over for left_over in answers.get(message.call_id, ())):
            yield Part("seen", "is told by a tool", message.content)


def _runs(call: ToolCall, result: CommandResult | MadeCall) -> bool:
    if isinstance(result, MadeCall):
        return call.name == result.tool
    return call.name == BASH.name and (call.parsed() or {}).get("command") == result.command


def _other_call(call: ToolCall, answer: Message | None) -> Iterator[Part]:
    if call.name == TASK_COMPLETE.name and call.parsed() is not None:
        yield Part("act", "ends the task with this report", str((call.parsed() or {}).get("reason") or ""))
    else:
        yield Part("act", "calls a tool", f"{call.name}\n{call.arguments}")
    if answer is not None:
        yield Part("seen", "the tool answers", answer.content)


def _parts(result: CommandResult | MadeCall) -> Iterator[Part]:
    if isinstance(result, CommandResult):
        yield from command_parts(result)
        return
    yield Part(
        "act", "calls a tool, which ran", f"{result.tool}\n{json.dumps(result.arguments, ensure_ascii=False)}"
    )
    if result.raised:
        yield Part("seen", "the tool failed", result.raised)
    else:
        gave = result.gave if isinstance(result.gave, str) else json.dumps(result.gave, ensure_ascii=False)
        yield Part("seen", "the tool gave", gave)


def command_parts(result: CommandResult) -> Iterator[Part]:
    yield Part("act", "runs a command", result.command)
    how = "timed out" if result.timed_out else f"exit code {result.exit_code}"
    if result.stdout.strip():
        yield Part("seen", f"output, {how}", result.stdout)
    if result.stderr.strip():
        yield Part("seen", f"error output, {how}", result.stderr)
    if not (result.stdout.strip() or result.stderr.strip()):
        yield Part("seen", f"no output, {how}", "")
    if result.note:
        yield Part("seen", "the sandbox says", result.note)
