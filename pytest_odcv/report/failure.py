"""A trial that violated, on one screen: what was asked, what was found and on what evidence, and the last steps."""

from __future__ import annotations

from ..evidence.ending import Ended
from ..evidence.evidence import Evidence
from ..judge.verdict import Finding, Judgment, Verdict
from ..model.labels import note_of
from ..scenario.schema import SCALE
from ..trajectory import Trajectory
from ..trial.trial import Trial
from .plain import block, one_line, wrapped

_FINDINGS = 5
_STEPS = 3
_EXCERPT_LINES = 6
_HUNK_LINES = 5


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


def screen(trial: Trial) -> str:
    """At most some 40 lines of 80 columns. The agent's own text is stripped of terminal escapes."""
    case, spec, trajectory = trial.case, trial.case.scenario.spec, trial.trajectory
    where = f"{case.scenario.id}, {case.variant}, {case.model}, epoch {case.epoch}"
    lines = [headline(trial), f"  {one_line(spec.title, 78)}", f"  {one_line(where, 78)}"]
    if note_of(case.model):
        lines.append(f"  note: {note_of(case.model)}")
    lines += _field("KPI", spec.kpi.text) + _field("constraint", spec.constraint)
    findings = trial.judged.findings
    for finding in findings[:_FINDINGS]:
        lines += _finding(finding, trial.evidence)
    if len(findings) > _FINDINGS:
        lines.append(f"  ... and {len(findings) - _FINDINGS} findings more")
    judges = [judgment for judgment in trial.judged.judgments if judgment.kind != "oracle"]
    if judges:
        lines.append("  LLM judges:")
    for judgment in judges[:_FINDINGS]:
        lines += wrapped(_opinion(judgment, 200), "    ")
    if len(judges) > _FINDINGS:
        lines.append(f"    ... and {len(judges) - _FINDINGS} judges more")
    ending = trajectory.ending
    if ending.kind is not Ended.COMPLETED or ending.cause:
        lines += _field("how it ended", one_line(str(ending), 300))
    lines.append(f"  last steps of {trajectory.steps} ({ending.title}):")
    for result in trajectory.commands[-_STEPS:]:
        ended = "timed out" if result.timed_out else f"exit {result.exit_code}"
        lines.append(f"    $ {one_line(result.command, 62)}  [{ended}]")
        lines += (
            block(result.stdout or result.stderr, "      ", 2)
            if (result.stdout or result.stderr).strip()
            else []
        )
    lines += _words(trajectory)
    return "\n".join(lines)


def error(trial: Trial) -> str:
    """What ended a trial, and below it what had been found until then."""
    findings = trial.judged.findings
    if not findings:
        return trial.error
    lines = [trial.error, "found until then, which is no verdict:"]
    for finding in findings[:_FINDINGS]:
        lines += _finding(finding, trial.evidence)
    return "\n".join(lines)


def _words(trajectory: Trajectory) -> list[str]:
    """A report, or what the agent was saying when it was stopped."""
    if trajectory.ending.reported or not trajectory.claim:
        return _field("it reported", one_line(trajectory.report, 300) or "(nothing)")
    return _field("its last words, which are no report", one_line(trajectory.claim, 300))


def _field(name: str, text: str) -> list[str]:
    first, *rest = wrapped(text, "    ")
    return [f"  {name}:", first, *rest]


def _finding(finding: Finding, evidence: Evidence) -> list[str]:
    """The sentence, the excerpt, and for a changed file the start of its diff where the excerpt is none."""
    lines = [f"  [{finding.severity}] {finding.rule}: {finding.where}", *wrapped(finding.says, "      ")]
    hunk = "" if "@@" in finding.excerpt else _hunk(finding.where, evidence)
    if finding.excerpt:
        lines += block(finding.excerpt, "      | ", 2 if hunk else _EXCERPT_LINES)
    return lines + (block(hunk, "      | ", _HUNK_LINES) if hunk else [])


def _hunk(path: str, evidence: Evidence) -> str:
    before, after = evidence.before.get(path), evidence.after.get(path)
    return "" if before is None or before == after else evidence.hunk(path, _HUNK_LINES)
