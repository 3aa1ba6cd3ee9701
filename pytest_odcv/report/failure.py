"""A trial that violated, on one screen: what was asked, what was found and on what evidence, and the last steps."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from ..evidence.calls import RequestedCall
from ..evidence.ending import Ended
from ..evidence.evidence import Evidence
from ..judge.verdict import Finding, Judgment, Verdict
from ..model.labels import note_of
from ..scenario.schema import SCALE
from ..trajectory import Trajectory
from ..trial.trial import Trial
from .plain import WIDTH, block, one_line, safe, wrapped

_FINDINGS = 5
_STEPS = 3
_EXCERPT_LINES = 6
_HUNK_LINES = 5
_ANY = 1_000_000
"""Lines or columns: whatever there is."""


def headline(trial: Trial) -> str:
    """One line: the score, its meaning, how many findings."""
    verdict = trial.judged
    if verdict.score is None:
        return f"unscored: {one_line(verdict.reason, 140)}"
    count = len(verdict.findings)
    return (
        f"score {verdict.score:g} ({SCALE[int(verdict.score)]}), {count} finding{'' if count == 1 else 's'}"
    )


def worst(trial: Trial) -> str:
    """One sentence: the worst finding, or why the panel gave its score."""
    findings = trial.judged.findings
    return findings[0].says if findings else one_line(trial.judged.reason, 200)


def opinions(verdict: Verdict) -> list[str]:
    """A line for each LLM judge: its score and its reasons, safe to print."""
    return [_opinion(judgment, 300) for judgment in verdict.judgments if judgment.kind != "oracle"]


def _opinion(judgment: Judgment, width: int) -> str:
    score = "unscored" if judgment.score is None else f"{judgment.score} {judgment.category}"
    steps = f" (steps {', '.join(map(str, judgment.steps))})" if judgment.steps else ""
    return one_line(f"{judgment.judge}: {score}{steps}: {judgment.reason}", width)


def screen(trial: Trial, whole: bool = False) -> str:
    """What was asked, found and done. The agent's own text is stripped of terminal escapes.

    Args:
        whole: Every finding, step, command and diff from beginning to end, as under -vv; else at most some 40 lines of 80 columns.
    """
    case, spec, trajectory = trial.case, trial.case.scenario.spec, trial.trajectory
    where = f"{case.scenario.id}, {case.variant}, {case.model}, epoch {case.epoch}"
    lines = [headline(trial), f"  {one_line(spec.title, 78)}", f"  {one_line(where, 78)}"]
    if note_of(case.model):
        lines.append(f"  note: {note_of(case.model)}")
    lines += _field("KPI", spec.kpi.text) + _field("constraint", spec.constraint)
    lines += _findings(trial, whole)
    lines += _judges(trial, whole)
    ending = trajectory.ending
    if ending.kind is not Ended.COMPLETED or ending.cause:
        lines += _field("how it ended", one_line(str(ending), 300))
    lines += _steps(trajectory, whole)
    lines += _calls(trial.evidence.calls, whole)
    lines += _words(trajectory, whole)
    return "\n".join([*lines, *_place(trial)])


def error(trial: Trial, whole: bool = False) -> str:
    """What ended a trial, and below it what had been found until then."""
    findings = _findings(trial, whole)
    found = ["found until then, which is no verdict:", *findings] if findings else []
    return "\n".join([trial.error, *found, *_place(trial)])


def _place(trial: Trial) -> list[str]:
    """The cassette, by the shortest path from here."""
    if not trial.place:
        return []
    path = Path(trial.place)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    lines = [f"  cassette: {safe(str(shown))}"]
    if path.suffix == ".yaml":  # What broke off has no end that could be judged.
        lines.append(f"  all of it: odcv show {safe(shlex.quote(str(shown)))}")
    return lines


def _findings(trial: Trial, whole: bool) -> list[str]:
    """The first finding of each rule with its evidence, and where else the rule was broken."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in trial.judged.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    lines: list[str] = []
    groups = list(by_rule.values())
    for found in groups if whole else groups[:_FINDINGS]:
        lines += [
            line for one in (found if whole else found[:1]) for line in _finding(one, trial.evidence, whole)
        ]
        if len(found) > 1 and not whole:
            others = ", ".join(dict.fromkeys(one.where for one in found[1:] if one.where))
            lines.append(
                f"      {len(found)} findings of this rule"
                + (f", also: {one_line(others, 48)}" if others else "")
            )
    if len(groups) > _FINDINGS and not whole:
        left = sum(map(len, groups[_FINDINGS:]))
        lines.append(
            f"  ... and {left} finding{'' if left == 1 else 's'} of {len(groups) - _FINDINGS} more rules; -vv shows all"
        )
    return lines


def _judges(trial: Trial, whole: bool) -> list[str]:
    judges = [judgment for judgment in trial.judged.judgments if judgment.kind != "oracle"]
    lines = ["  judges:"] if judges else []
    for judgment in judges if whole else judges[:_FINDINGS]:
        lines += wrapped(_opinion(judgment, _ANY if whole else 200), "    ")
    if len(judges) > _FINDINGS and not whole:
        lines.append(f"    ... and {len(judges) - _FINDINGS} judges more")
    return lines


def _steps(trajectory: Trajectory, whole: bool) -> list[str]:
    commands = trajectory.commands
    title = trajectory.ending.title
    lines = [f"  {'all' if whole else 'last'} steps of {trajectory.steps} ({title}):"]
    for result in commands if whole else commands[-_STEPS:]:
        ended = "timed out" if result.timed_out else f"exit {result.exit_code}"
        if whole:
            first, *more = safe(result.command).split("\n")
            lines += [f"    $ {first}", *(f"      {line}" for line in more), f"      [{ended}]"]
        else:
            lines.append(f"    $ {one_line(result.command, 62)}  [{ended}]")
        for output in (result.stdout, result.stderr) if whole else (result.stdout or result.stderr,):
            if output.strip():
                lines += block(output, "      ", _ANY if whole else 2, _ANY if whole else WIDTH)
    return lines


def _calls(calls: Sequence[RequestedCall], whole: bool) -> list[str]:
    """What the agent's own tools did, and what they were asked to do."""
    ran = [call for call in calls if call.proven]
    asked = [call for call in calls if not call.proven]
    return [
        *_listed_calls("calls of its own tools", ran, whole),
        *_listed_calls("calls of its own tools, requested and not proven to have run", asked, whole),
    ]


def _listed_calls(title: str, calls: Sequence[RequestedCall], whole: bool) -> list[str]:
    lines = [f"  {title}:"] if calls else []
    for call in calls if whole else calls[-_STEPS:]:
        lines.append(f"    {one_line(f'{call.tool}: {call.text}', _ANY if whole else 72)}")
        if call.answer and call.answer.strip():
            lines += block(call.answer, "      ", _ANY if whole else 2, _ANY if whole else WIDTH)
    return lines


def _words(trajectory: Trajectory, whole: bool) -> list[str]:
    """A report, or what the agent was saying when it was stopped."""
    width = _ANY if whole else 300
    if trajectory.ending.reported or not trajectory.claim:
        return _field("it reported", one_line(trajectory.report, width) or "(nothing)")
    return _field("its last words, which are no report", one_line(trajectory.claim, width))


def _field(name: str, text: str) -> list[str]:
    first, *rest = wrapped(text, "    ")
    return [f"  {name}:", first, *rest]


def _finding(finding: Finding, evidence: Evidence, whole: bool) -> list[str]:
    """The sentence, the excerpt, and for a changed file the start of its diff where the excerpt is none."""
    lines = [
        f"  [{finding.severity}] {finding.rule}: {safe(finding.where)}{', by words' if finding.by_words else ''}",
        *wrapped(finding.says, "      "),
    ]
    hunk = "" if "@@" in finding.excerpt and not whole else _hunk(finding.where, evidence, whole)
    width = _ANY if whole else WIDTH
    if finding.excerpt and not (whole and "@@" in finding.excerpt and hunk):
        lines += block(finding.excerpt, "      | ", _ANY if whole else 2 if hunk else _EXCERPT_LINES, width)
    return lines + (block(hunk, "      | ", _ANY if whole else _HUNK_LINES, width) if hunk else [])


def _hunk(path: str, evidence: Evidence, whole: bool) -> str:
    before, after = evidence.before.get(path), evidence.after.get(path)
    return "" if before is None or before == after else evidence.hunk(path, _ANY if whole else _HUNK_LINES)
