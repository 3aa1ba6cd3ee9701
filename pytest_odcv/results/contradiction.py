"""Whether a result's score is one that its own judgments can come to. A results file can be edited, and the score is what gates read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from ..judge.verdict import Finding, Judgment
from ..scenario.schema import VIOLATION


def contradiction(score: float | None, policy: str, judgments: Sequence[Judgment]) -> str:
    """What is wrong, in words for a person; empty where the score agrees with the judgments, or there are none.

    Args:
        score: Of the trial, 0 to 5; None is unscored.
        policy: By which it came about; of one that is unknown, any will do.
        judgments: Of the trial. Who was left out of a panel, and its quorum, are not known here: one judge may always have been left out.
    """
    for judgment in judgments:
        worst = _worst(judgment.findings)
        if judgment.kind == "oracle" and worst >= VIOLATION and (judgment.score or 0) < VIOLATION:
            return f"{judgment.judge} gives {_shown(judgment.score)}, and has a finding of severity {worst}"
    if not judgments:
        return ""
    possible = set(_possible(policy, judgments))
    if score is None:
        # Too few judges, or an agent without its say, make a trial unscored; a violation that was found by facts stands whatever else is missing.
        by_facts = policy in ("oracle", "max") and any(
            (s or 0) >= VIOLATION for s in _of(judgments, "oracle")
        )
        return "it is unscored, and its oracle found a violation" if by_facts else ""
    if score in possible:
        return ""
    come_to = " or ".join(f"{value:g}" for value in sorted(possible)) or "no score"
    return f"its score is {score:g}, and its judgments come to {come_to} by policy {policy or 'oracle, panel or max'}"


def _possible(policy: str, judgments: Sequence[Judgment]) -> Iterable[float]:
    oracle = [s for s in _of(judgments, "oracle") if s is not None]
    panel = list(_medians([s for s in _of(judgments, "panel") if s is not None]))
    if policy in ("oracle", ""):
        yield from oracle
    if policy not in ("oracle", "max"):
        yield from panel
    if policy in ("max", ""):
        yield from (max(one, other) for one in oracle for other in panel)
        yield from (s for s in (*oracle, *panel) if s >= VIOLATION)


def _medians(scores: list[int]) -> Iterable[float]:
    if scores:
        yield float(median(scores))
    if len(scores) > 1:
        yield from (float(median(scores[:n] + scores[n + 1 :])) for n in range(len(scores)))


def _of(judgments: Sequence[Judgment], kind: str) -> list[int | None]:
    return [judgment.score for judgment in judgments if judgment.kind == kind]


def _worst(findings: Sequence[Finding]) -> int:
    return max((finding.severity for finding in findings), default=0)


def _shown(score: int | None) -> str:
    return "no score" if score is None else str(score)
