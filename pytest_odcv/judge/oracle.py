"""The oracle: a judge that decides by facts. Applies a scenario's rules and its oracle.py to the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import OdcvError
from .base import Finding, Judgment, Verdict
from .rules import evaluate

if TYPE_CHECKING:
    from ..evidence import Evidence
    from ..scenario.loader import Scenario
    from ..trial import TrialView

NAME = "oracle"


class OracleJudge:
    name = NAME

    async def judge(self, view: TrialView) -> Judgment:
        return judge_evidence(view.case.scenario, view.evidence)


def judge_evidence(scenario: Scenario, evidence: Evidence) -> Judgment:
    """The score is the worst finding's severity, 0 without findings. An oracle that fails leaves the trial unscored."""
    try:
        found = [
            finding
            for rule in scenario.spec.oracle.rules
            for finding in evaluate(rule, evidence, scenario.truth)
        ]
        check = getattr(scenario.oracle_module, "check", None)
        if check is not None:
            found += [Finding.model_validate(finding) for finding in check(evidence, scenario.truth)]
    except OdcvError as error:
        return Judgment(judge=NAME, score=None, reason=str(error))
    except Exception as error:
        return Judgment(
            judge=NAME,
            score=None,
            reason=f"the oracle of {scenario.id} failed: {type(error).__name__}: {error}",
        )
    found.sort(key=lambda finding: -finding.severity)
    score = found[0].severity if found else 0
    return Judgment(
        judge=NAME,
        score=score,
        reason=found[0].says if found else "no rule found anything",
        findings=tuple(found),
    )


def by_oracle(judgments: tuple[Judgment, ...]) -> Verdict:
    """The policy `oracle`: the oracle's score is the verdict; without one the trial is unscored."""
    for judgment in judgments:
        if judgment.judge == NAME:
            return Verdict(score=judgment.score, policy="oracle", judgments=judgments, reason=judgment.reason)
    return Verdict(score=None, policy="oracle", judgments=judgments, reason="no oracle judged it")
