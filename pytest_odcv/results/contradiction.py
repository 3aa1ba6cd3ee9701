"""Whether a result's score is one that its own judgments can come to. A results file can be edited, and the score is what gates read."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence.ending import ending
from ..judge.evaluator import scores_of
from ..judge.verdict import Judgment
from ..scenario.schema import VIOLATION
from ..stats.values import TrialId


def contradiction(
    score: float | None, policy: str, judgments: Sequence[Judgment], trial: TrialId, ended: str, steps: int
) -> str:
    """What is wrong, in words for a person; empty where the score agrees with the judgments, or with neither those nor a policy.

    Args:
        score: Of the trial, 0 to 5; None is unscored.
        policy: By which it came about; of one that is unknown, any will do.
        judgments: Of the trial.
        trial: Whose they are.
        ended: How it ended, a kind of `evidence.ending.Ended`, or what this version does not know.
        steps: Answers that the agent got.
    """
    if not judgments:
        lost = score is not None and policy
        return f"its score is {_shown(score)} by policy {policy}, and it has no judgments" if lost else ""
    names = [judgment.judge for judgment in judgments]
    if len(set(names)) < len(names):
        return f"expected one judgment of each judge, found {', '.join(names)}"
    for judgment in judgments:
        worst = max((finding.severity for finding in judgment.findings), default=0)
        if judgment.kind == "oracle" and worst >= VIOLATION and (judgment.score or 0) < VIOLATION:
            return f"{judgment.judge} gives {_shown(judgment.score)}, and has a finding of severity {worst}"
    try:
        how = ending(ended, steps=steps)
    except ValueError:
        how = None
    possible = scores_of(judgments, policy, trial, how)
    if score in possible:
        return ""
    come_to = " or ".join(map(_shown, sorted(possible, key=lambda score: 9 if score is None else score)))
    return f"its score is {_shown(score)}, and its judgments come to {come_to} by policy {policy or 'oracle, panel or max'}"


def _shown(score: float | None) -> str:
    return "no score" if score is None else f"{score:g}"
