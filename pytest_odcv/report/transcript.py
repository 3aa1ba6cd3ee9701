"""A whole trial for a person: its task, every step with what it changed and sent, what was found where, and how to run it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import Unobserved
from ..evidence.calls import MadeCall
from ..evidence.timeline import Change, Message
from ..judge.verdict import Finding
from ..model.labels import note_of
from ..sandbox.protocol import CommandResult
from ..trajectory import Called, Turn
from ..trial.trial import Trial
from .failure import headline
from .plain import one_line, safe, wrapped

_HUNK_LINES = 40
_GUTTER = "| "
"""Before each line that the agent, a command or a judge may have written: none of them can pass for a line of this page."""


@dataclass
class Step:
    """What happened between two answers of the model: its words, or one command with all that came of it."""

    number: int
    """Of the model's answer, from 1; 0 before the first."""
    words: str = ""
    command: int = 0
    """The command's number, from 1; 0 for words."""
    result: CommandResult | None = None
    call: MadeCall | None = None
    """Of a tool of the product's, in the place of a command."""
    changes: list[Change] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def steps_of(trial: Trial) -> list[Step]:
    """The steps in order. A finding is at the command that its place names, else at the last one that changed its file."""
    steps: list[Step] = []
    answers = commands = 0
    for act in trial.trajectory.acts:
        if isinstance(act, Turn):
            answers += 1
            text = "\n".join(filter(None, (act.reply.message.reasoning, act.reply.message.content)))
            if text.strip():
                steps.append(Step(answers, text.strip()))
        elif isinstance(act, Called):
            steps.append(Step(answers, call=act.call))
        else:
            commands += 1
            steps.append(Step(answers, command=commands, result=act.result))
    by_command = {step.command: step for step in steps if step.command}
    evidence = trial.evidence
    if evidence.streams:
        with suppress(Unobserved):  # There were too many to keep.
            for change in evidence.timeline:
                if change.command in by_command:
                    by_command[change.command].changes.append(change)
        for message in evidence.outbox:
            if message.command in by_command:
                by_command[message.command].sent.append(message)
    for finding in trial.judged.findings:
        place = _place_of(finding, by_command)
        if place is not None:
            place.findings.append(finding)
    return steps


def _place_of(finding: Finding, steps: dict[int, Step]) -> Step | None:
    words = finding.where.replace(",", " ").split()
    if "command" in words[:-1]:
        number = words[words.index("command") + 1]
        return steps.get(int(number)) if re.fullmatch("[0-9]{1,9}", number) else None
    return next(
        (step for step in reversed(steps.values()) if any(c.path == finding.where for c in step.changes)),
        None,
    )


def text_of(trial: Trial, again: str) -> str:
    """The trial as text, safe for any terminal.

    Args:
        trial: Judged.
        again: The command that runs it again.
    """
    return "\n".join(safe(line) for line in _lines(trial, again))


def _lines(trial: Trial, again: str) -> Iterator[str]:
    case, spec, judged = trial.case, trial.case.scenario.spec, trial.judged
    yield f"{case.id}: {headline(trial)}"
    if judged.score is not None:
        yield f"  {one_line(judged.reason, 300)}"
    if note_of(case.model):
        yield f"  note: {note_of(case.model)}"
    if trial.imported:
        yield f"  evidence: {evidence_of(trial.imported)}"
        yield from _differences(trial.imported)
    elif not trial.evidence.streams:
        yield "  final state only: it is not recorded what changed when, and what was sent"
    yield from _section("task")
    yield from _text(f"system: {spec.system_prompt.strip()}")
    yield from _text(f"user: {case.scenario.user_prompt(case.variant).strip()}")
    yield from _section("steps")
    for step in steps_of(trial):
        yield from _step(step)
    yield from _section(f"end: {trial.trajectory.ending}")
    report = trial.trajectory.report or trial.trajectory.claim
    yield from _text(report, f"  {_GUTTER}") if report else ("  (no report)",)
    yield from _judged(trial)
    if not trial.evidence.streams:
        yield from _final(trial)
    yield from _section("again")
    if trial.place:
        yield f"  cassette: {trial.place}"
    yield f"  run it: {again}"


def evidence_of(imported: Mapping[str, Any]) -> str:
    """Of an imported run, what is known of its files, in a line."""
    told = imported.get("fidelity", {})
    if "commands" not in told:
        failed = f" (not run again: {told['failed']})" if "failed" in told else ""
        return f"{imported['evidence']}{failed}"
    kinds = [
        f"{told[kind]} {kind}" for kind in ("equal", "listings", "clock", "random", "other") if told[kind]
    ]
    at = f" at {told['date']}" if "date" in told else ""
    return f"{imported['evidence']} ({told['commands']} commands run again{at}: {', '.join(kinds) or 'none'})"


def _differences(imported: Mapping[str, Any]) -> Iterator[str]:
    """How the commands of a run that ran again differ from its record, and what follows."""
    for differs in imported.get("fidelity", {}).get("differs", ()):
        wrote = f"; wrote {', '.join(differs['wrote'])}" if differs.get("wrote") else ""
        yield f"    command {differs['command']}: {differs['how']}{wrote}"
        yield from (f"      {name} | {one_line(differs[name], 200)}" for name in ("recorded", "again"))
    if imported.get("gap"):
        yield f"  {one_line(imported['gap'], 300)}"


def _section(title: str) -> Iterator[str]:
    yield ""
    yield f"== {title}"


def _text(text: str, indent: str = "  ") -> Iterator[str]:
    yield from (f"{indent}{line}".rstrip() for line in text.split("\n"))


def _step(step: Step) -> Iterator[str]:
    if step.call is not None:
        yield from _called(step.number, step.call)
        return
    if step.result is None:
        yield f"[{step.number}] says"
        yield from _text(step.words, f"      {_GUTTER}")
        return
    result = step.result
    ended = "timed out" if result.timed_out else f"exit {result.exit_code}"
    first, *more = result.command.split("\n")
    yield f"[{step.number}] $ {first}"
    yield from (f"      $ {line}" for line in more)
    for mark, output, cut in (
        (_GUTTER, result.stdout, result.stdout_cut),
        (f"2{_GUTTER}", result.stderr, result.stderr_cut),
    ):
        if output.strip():
            yield from _text(output.rstrip(), f"      {mark}")
        if cut:
            yield f"      ({cut} bytes left out)"
    yield f"      [command {step.command}, {ended}]" + (f" {result.note}" if result.note else "")
    for change in step.changes:
        what = "removed" if change.state is None else _described(change)
        yield f"      changed: {change.path} ({what}{', by a process left behind' if change.background else ''})"
    for message in step.sent:
        yield f"      SENT to {message.channel}, message {message.number}:"
        yield from _text(message.text.rstrip(), "        > ")
    for finding in step.findings:
        yield f"      !! [{finding.severity}] {finding.rule}: {finding.says}"


def _called(number: int, call: MadeCall) -> Iterator[str]:
    yield f"[{number}] calls {call.tool}"
    yield from _text(json.dumps(call.arguments, indent=1, ensure_ascii=False), f"      {_GUTTER}")
    what, came_to = ("failed", call.raised) if call.raised else ("gave", call.gave)
    yield f"      {what}:"
    shown = came_to if isinstance(came_to, str) else json.dumps(came_to, indent=1, ensure_ascii=False)
    yield from _text(shown, f"      {_GUTTER}")


def _described(change: Change) -> str:
    assert change.state is not None
    if change.state.kind == "symlink":
        return f"a link to {change.state.target}"
    return f"{change.state.size} bytes" if change.state.kind == "file" else f"a {change.state.kind}"


def _judged(trial: Trial) -> Iterator[str]:
    yield from _section(f"findings: {len(trial.judged.findings)}")
    for finding in trial.judged.findings:
        yield f"  !! [{finding.severity}] {finding.rule}: {finding.where}" + (
            " (by words)" if finding.by_words else ""
        )
        yield from wrapped(finding.says, "      ")
        if finding.excerpt:
            yield from _text(finding.excerpt, "      | ")
    yield from _section("judges")
    for judgment in trial.judged.judgments:
        score = "unscored" if judgment.score is None else f"{judgment.score:g}"
        steps = f" (steps {', '.join(map(str, judgment.steps))})" if judgment.steps else ""
        yield f"  {score:>8}  {judgment.judge}{steps}"
        yield from wrapped(judgment.reason, f"      {_GUTTER}")


def _final(trial: Trial) -> Iterator[str]:
    """Of a recording without a timeline, what is different in the end."""
    changed = list(trial.evidence.changes())
    yield from _section(f"files changed: {len(changed)}")
    for path, _, after in changed:
        yield f"  {path}" + (" (removed)" if after is None else "")
        if after is not None:
            yield from _text(trial.evidence.hunk(path, _HUNK_LINES), "      | ")


def values_of(trial: Trial, again: str) -> dict[str, Any]:
    """The same as plain values, for JSON."""
    case, judged = trial.case, trial.judged
    return {
        **case.identity,
        "id": case.id,
        "score": judged.score,
        "reason": judged.reason,
        "ending": str(trial.trajectory.ending),
        "final_state_only": not trial.evidence.streams,
        "imported": dict(trial.imported),
        "system_prompt": case.scenario.spec.system_prompt,
        "user_prompt": case.scenario.user_prompt(case.variant),
        "steps": [_step_values(step) for step in steps_of(trial)],
        "report": trial.trajectory.report,
        "findings": [finding.model_dump() for finding in judged.findings],
        "judgments": [judgment.model_dump() for judgment in judged.judgments],
        "cassette": trial.place,
        "run": again,
    }


def _step_values(step: Step) -> dict[str, Any]:
    if step.call is not None:
        return {"step": step.number, **asdict(step.call)}
    if step.result is None:
        return {"step": step.number, "says": step.words}
    return {
        "step": step.number,
        "number": step.command,
        **step.result.model_dump(),
        "changed": [
            {
                "path": c.path,
                "sha256": None if c.state is None else c.state.sha256,
                "background": c.background,
            }
            for c in step.changes
        ],
        "sent": [{"channel": m.channel, "number": m.number, "text": m.text} for m in step.sent],
        "findings": [finding.rule for finding in step.findings],
    }
