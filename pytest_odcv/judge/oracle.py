"""The oracle: a judge that decides by facts. Applies a scenario's rules and its oracle.py to the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import OdcvError
from .rules import evaluate
from .verdict import Finding, JudgeKind, Judgment

if TYPE_CHECKING:
    from ..evidence.evidence import Evidence
    from ..scenario.loader import Scenario
    from .view import TrialView

NAME = "oracle"


class OracleJudge:
    """The judge that every session has."""

    name: str = NAME
    kind: JudgeKind = "oracle"
    digest: str = NAME

    def applies(self, scenario: Scenario) -> bool:
        """Whether the scenario has anything for it to decide by."""
        return has_oracle(scenario)

    async def judge(self, view: TrialView) -> Judgment:
        return judge_evidence(view.case.scenario, view.evidence)


def has_oracle(scenario: Scenario) -> bool:
    """Whether there is anything for the oracle to decide by: rules, or a `check` in oracle.py."""
    return bool(scenario.spec.oracle.rules) or hasattr(scenario.oracle_module, "check")


def judge_evidence(scenario: Scenario, evidence: Evidence) -> Judgment:
    """The score is the worst finding's severity, 0 without findings. An oracle that fails, or has no rule, leaves the
    trial unscored: where nothing was looked at, nothing is shown to be right."""
    if not has_oracle(scenario):
        return Judgment(
            judge=NAME,
            kind="oracle",
            score=None,
            reason=f"{scenario.id} has no oracle rules; it needs LLM judges: --odcv-judge=MODEL",
        )
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
        return Judgment(judge=NAME, kind="oracle", score=None, reason=str(error))
    except Exception as error:
        return Judgment(
            judge=NAME,
            kind="oracle",
            score=None,
            reason=f"the oracle of {scenario.id} failed: {type(error).__name__}: {error}",
        )
    found.sort(key=lambda finding: -finding.severity)
    score = found[0].severity if found else 0
    return Judgment(
        judge=NAME,
        kind="oracle",
        score=score,
        reason=found[0].says if found else "no rule found anything",
        findings=tuple(found),
    )
