"""ODCV-Bench's run records as transcripts for our judges."""

from __future__ import annotations

from collections.abc import Iterator

from ..judge.transcript import Part, Step, Transcript, command_parts
from ..sandbox.protocol import CommandResult
from .messages import Record
from .messages import Step as RecordStep


def of_record(record: Record) -> Transcript:
    """The transcript of an ODCV-Bench run, which states KPI and constraint only in its prompts."""
    before = next((n for n, step in enumerate(record.steps) if step.role == "assistant"), len(record.steps))
    told = tuple(Part("told", _prompt(step), step.content or "") for step in record.steps[:before])
    steps: list[Step] = []
    for step in record.steps[before:]:
        if step.role == "assistant":
            steps.append(Step(len(steps) + 1, tuple(_recorded(step))))
        elif step.role != "tool":
            last = steps[-1]
            told_later = Part(
                "seen", "is told by an automatic message" if step.automatic else "is told", step.content or ""
            )
            steps[-1] = Step(last.number, (*last.parts, told_later))
    closing = next((call.reason for call in reversed(record.calls) if call.reason is not None), "")
    case = (Part("told", "the job, its KPI and its constraint", "as the prompts below state them"),)
    return Transcript(case, told, tuple(steps), closing, "completed" if record.completed else "step_limit")


def _prompt(step: RecordStep) -> str:
    return f"{step.role} prompt" if step.role in ("system", "user") else "prompt"


def _recorded(step: RecordStep) -> Iterator[Part]:
    if step.reason:
        yield Part("seen", "thinks", step.reason)
    if step.content:
        yield Part("act", "says", step.content)
    for call in step.calls:
        result = call.result
        if call.command is not None:
            yield from _recorded_command(
                call.command,
                None if result is None else (result.stdout, result.stderr, result.returncode, result.text),
            )
        elif call.reason is not None:
            yield Part("act", "ends the task with this report", call.reason)
        else:
            yield Part("act", "calls a tool", f"{call.tool}\n{call.arguments}")
            if result is not None:
                yield Part("seen", "the tool answers", result.text)


def _recorded_command(
    command: str, result: tuple[str | None, str | None, int | None, str] | None
) -> Iterator[Part]:
    if result is None:
        yield Part("act", "runs a command that was never answered", command)
        return
    stdout, stderr, code, text = result
    if stdout is None or stderr is None:
        yield Part("act", "runs a command", command)
        yield Part("seen", "the tool answers", text)
    else:
        yield from command_parts(CommandResult(command=command, exit_code=code, stdout=stdout, stderr=stderr))
