"""A trial's page: what its result says, and beside it the transcript of its recording, bounded in size."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import OdcvError, Unobserved
from ...evidence.diffs import unified
from ...results.trial_result import TrialResult, verdict_of
from ...sandbox.protocol import FileState
from ...scenario.case import id_of
from ...scenario.schema import SCALE, VIOLATION
from ...trial.trial import Trial
from ..transcript import Step, evidence_of, steps_of
from .engine import cut, rendered

Load = Callable[[TrialResult], Trial]
"""Reads the recording of a trial. Raises OdcvError where there is none that can be read."""

STEPS = 300
FINDINGS = 100
DIFF_LINES = 80
CHANGES = 150


@dataclass(frozen=True)
class FileChange:
    """One path that changed. `step` is the number of its command, from 1; 0 before the first or where only the end is known."""

    path: str
    command: int
    what: str
    lines: tuple[tuple[str, str], ...]
    """Class and text of each line of the diff."""


def key_of(result: TrialResult) -> str:
    """A trial's id, which is its address in the page."""
    return id_of(result.scenario, result.variant, result.model, result.epoch)


def again(result: TrialResult) -> str:
    """The command that runs the trial again, quoted for a shell."""
    return shlex.join(["pytest", f"odcv::test_odcv[{key_of(result)}]", f"--odcv-model={result.model}"])


@dataclass(frozen=True)
class Page:
    """A trial's fragment of HTML, and why it has no transcript; empty where it has one."""

    key: str
    html: str
    missing: str = ""


def page_of(result: TrialResult, load: Load) -> Page:
    """The fragment, with whatever can be known."""
    recording, missing = None, ""
    try:
        trial = load(result)
        missing = other_run(result, trial)
        recording = None if missing else _recording(replace(trial, judged=verdict_of(result)))
    except OdcvError as error:
        missing = str(error)
    html = rendered(
        "trial.html.j2",
        result=result,
        key=key_of(result),
        missing=missing,
        again=again(result),
        show=shlex.join(["odcv", "show", key_of(result)]),
        scale=SCALE,
        judges=_judges(result),
        findings=result.findings[:FINDINGS],
        recording=recording,
    )
    return Page(key_of(result), html, missing)


def other_run(result: TrialResult, trial: Trial) -> str:
    """Why a recording is not of the run that the result is of; empty where nothing speaks against it."""
    own = trial.trajectory
    if result.recorded != trial.recorded:
        when = f"a run recorded {result.recorded}" if result.recorded else "a run that was not recorded"
        return f"{_place(trial.place)}: recorded {trial.recorded or 'nobody knows when'}, and the result is of {when}"
    if (result.steps, result.commands) != (own.steps, len(own.commands)):
        return (
            f"{_place(trial.place)}: has {own.steps} answers and {len(own.commands)} commands, and the result is of a run with {result.steps} and "
            f"{result.commands}"
        )
    return ""


def _judges(result: TrialResult) -> list[dict[str, Any]]:
    """Each judgment, and whether it is on the other side of the threshold than the verdict."""
    return [
        {
            "judgment": judgment,
            "apart": judgment.score is not None
            and result.score is not None
            and (judgment.score >= VIOLATION) != result.violated,
        }
        for judgment in result.judgments
    ]


def _recording(trial: Trial) -> dict[str, Any]:
    spec, evidence = trial.case.scenario.spec, trial.evidence
    steps = steps_of(trial)
    for step in steps:
        step.findings = step.findings[:FINDINGS]
    pinned = {id(finding) for step in steps for finding in step.findings}
    changes = [] if evidence.gap else list(_changes(trial))
    sent: list[Any] = []
    with suppress(Unobserved):
        sent = list(evidence.outbox)
    return {
        "title": spec.title,
        "kpi": spec.kpi.text,
        "constraint": spec.constraint,
        "system": spec.system_prompt.strip(),
        "user": trial.case.scenario.user_prompt(trial.case.variant).strip(),
        "steps": [_step(step) for step in _bounded(steps)],
        "left_out": max(0, len(steps) - STEPS),
        "elsewhere": [finding for finding in trial.judged.findings if id(finding) not in pinned][:FINDINGS],
        "changes": changes[:CHANGES],
        "changes_left_out": max(0, len(changes) - CHANGES),
        "streams": evidence.streams,
        "gap": evidence.gap,
        "imported": evidence_of(trial.imported) if trial.imported else "",
        "sent": sent[:CHANGES],
        "sent_left_out": max(0, len(sent) - CHANGES),
        "truth": _truth(trial),
        "report": trial.trajectory.report or trial.trajectory.claim,
        "ending": str(trial.trajectory.ending),
        "place": _place(trial.place),
    }


def _place(path: str) -> str:
    """The recording's path from here: a page that is sent around says nothing of this machine's folders."""
    found = Path(path)
    return str(found.relative_to(Path.cwd())) if found.is_relative_to(Path.cwd()) else found.name


def _bounded(steps: list[Step]) -> list[Step]:
    """The first and the last of too many, and every one between that has a finding."""
    half = STEPS // 2
    return [
        step
        for number, step in enumerate(steps)
        if number < half or number >= len(steps) - half or step.findings
    ]


def _step(step: Step) -> dict[str, Any]:
    call = step.call
    return {
        "number": step.number,
        "words": step.words,
        "command": step.command,
        "result": step.result,
        "call": None
        if call is None
        else {
            "tool": call.tool,
            "arguments": _json(call.arguments),
            "came_to": call.raised or _json(call.gave),
        },
        "changed": list(dict.fromkeys(change.path for change in step.changes))[:CHANGES],
        "sent": step.sent,
        "findings": step.findings,
    }


def _json(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else json.dumps(_plain(value), indent=1, ensure_ascii=False, default=str)
    )


def _plain(value: Any) -> Any:
    """The truth of a scenario is any Python value: its keys may be tuples, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _key(key: Any) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _truth(trial: Trial) -> list[tuple[str, str]]:
    """The scenario's facts, from its own oracle."""
    try:
        facts = trial.case.scenario.truth
    except OdcvError as error:
        return [("unknown", str(error))]
    return [
        (name, cut(_json(value) if isinstance(value, (str, dict, list)) else str(value), 400))
        for name, value in facts.items()
    ]


def _changes(trial: Trial) -> Iterator[FileChange]:
    """Each change of a file as it came about; of a recording without a timeline, what is different in the end."""
    evidence = trial.evidence
    try:
        timeline = evidence.timeline
    except Unobserved:
        for path, before, after in evidence.changes():
            yield FileChange(path, 0, _described(before, after), _diff(before, after))
        return
    tree = dict(evidence.before)
    for change in timeline:
        before = tree.get(change.path)
        kinds = {state.kind for state in (before, change.state) if state is not None}
        if kinds != {"dir"}:
            what = _described(before, change.state)
            if change.background:
                what += ", by a process left behind"
            yield FileChange(change.path, change.command, what, _diff(before, change.state))
        if change.state is None:
            tree.pop(change.path, None)
        else:
            tree[change.path] = change.state


def _described(before: FileState | None, after: FileState | None) -> str:
    if after is None:
        return "removed"
    if after.kind == "symlink":
        return f"a link to {after.target}"
    return (
        f"{'new, ' if before is None else ''}{after.size} bytes"
        if after.kind == "file"
        else f"a {after.kind}"
    )


def _diff(before: FileState | None, after: FileState | None) -> tuple[tuple[str, str], ...]:
    old, new = _lines_of(before), _lines_of(after)
    if old is None or new is None:
        return (("meta", "(not text, or too large to be kept)"),)
    lines = unified(old, new)
    shown = [(_CLASS.get(line[:1], "same"), line[:400]) for line in lines[:DIFF_LINES]]
    if len(lines) > DIFF_LINES:
        shown.append(("meta", f"... {len(lines) - DIFF_LINES} more lines"))
    return tuple(shown) or (("meta", "(other permissions or line ends only)"),)


_CLASS = {"+": "plus", "-": "minus", "@": "meta"}


def _lines_of(state: FileState | None) -> list[str] | None:
    """The lines of a file, none of one that is not there, None where it is no text."""
    if state is None or state.kind != "file":
        return []
    if state.data is None:
        return None
    try:
        return state.data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
