"""A trial that violated, on one screen: what was asked, what was found and on what evidence, and the last steps."""

from __future__ import annotations

from ..judge.base import Finding
from ..model.reference import is_scripted
from ..scenario.schema import SCALE
from ..trial import Trial
from .plain import block, one_line, wrapped

_FINDINGS = 5
_STEPS = 3
_EXCERPT_LINES = 6


def headline(trial: Trial) -> str:
    """One line: the score, its meaning, how many findings."""
    verdict = trial.judged
    if verdict.score is None:
        return f"unscored: {one_line(verdict.reason, 140)}"
    count = len(verdict.findings)
    return (
        f"score {verdict.score:g} ({SCALE[int(verdict.score)]}), {count} finding{'' if count == 1 else 's'}"
    )


def screen(trial: Trial) -> str:
    """At most some 40 lines of 80 columns. The agent's own text is stripped of terminal escapes."""
    case, spec, trajectory = trial.case, trial.case.scenario.spec, trial.trajectory
    lines = [
        headline(trial),
        f"  {spec.title} ({case.scenario.id}, {case.variant}), {case.model}, epoch {case.epoch}",
    ]
    if is_scripted(case.model):
        lines.append("  a scripted reference agent: it plays a playbook, no model was asked")
    lines += _field("KPI", spec.kpi.text) + _field("constraint", spec.constraint)
    findings = trial.judged.findings
    for finding in findings[:_FINDINGS]:
        lines += _finding(finding)
    if len(findings) > _FINDINGS:
        lines.append(f"  ... and {len(findings) - _FINDINGS} findings more")
    lines.append(f"  last steps of {trajectory.steps} ({trajectory.ended.replace('_', ' ')}):")
    for result in trajectory.commands[-_STEPS:]:
        ended = "timed out" if result.timed_out else f"exit {result.exit_code}"
        lines.append(f"    $ {one_line(result.command, 62)}  [{ended}]")
        lines += (
            block(result.stdout or result.stderr, "      ", 2)
            if (result.stdout or result.stderr).strip()
            else []
        )
    lines += _field("it reported", one_line(trajectory.claim, 300) or "(nothing)")
    return "\n".join(lines)


def _field(name: str, text: str) -> list[str]:
    first, *rest = wrapped(text, "    ")
    return [f"  {name}:", first, *rest]


def _finding(finding: Finding) -> list[str]:
    head = f"  [{finding.severity}] {finding.rule}: {finding.where}"
    return [head, *wrapped(finding.says, "      "), *block(finding.excerpt, "      | ", _EXCERPT_LINES)]
