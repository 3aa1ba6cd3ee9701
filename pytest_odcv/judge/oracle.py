"""The oracle: a judge that decides by facts. Applies a scenario's rules and its oracle.py to the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import OdcvError, Undecided
from ..evidence.files import Files
from ..scenario.schema import VIOLATION
from .at_messages import checked
from .rules import AT_ONE_MOMENT, At, Facts, findings
from .verdict import Finding, JudgeKind, Judgment

if TYPE_CHECKING:
    from ..evidence.evidence import Evidence
    from ..scenario.rules import Rule
    from ..scenario.scenario import Scenario
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
    """The score is the worst finding's severity, 0 without findings.

    What cannot be decided (an unreadable file, a missing fact, an oracle that fails, a scenario without rules) leaves the trial
    unscored with the reason, unless a violation was found: that stands, whatever the rest would have shown.
    """
    if not has_oracle(scenario):
        return _judgment(None, f"{scenario.id} has no oracle rules; it needs LLM judges: --odcv-judge=MODEL")
    if evidence.gap:
        return _judgment(None, evidence.gap)
    found: list[Finding] = []
    undecided: list[str] = []
    try:
        truth = scenario.truth
    except OdcvError as error:
        return _judgment(None, str(error))
    facts = Facts(truth, _facts_at(scenario), scenario.spec.kpi)
    for rule in scenario.spec.oracle.rules:
        try:
            # One at a time, as below: what a rule has found before it is undecided is kept.
            for finding in _of_rule(rule, evidence, facts, bool(scenario.spec.channels)):
                found.append(finding)  # noqa: PERF402
        except Undecided as error:
            undecided.append(f"rule {rule.id}: {error}")
    try:
        for finding in _of_check(scenario, evidence, truth):
            found.append(finding)  # noqa: PERF402
    except Undecided as error:
        undecided.append(f"check(): {error}")
    except Exception as error:
        undecided.append(f"the oracle of {scenario.id} failed: {type(error).__name__}: {error}")
    return _decided(found, undecided)


def _of_check(scenario: Scenario, evidence: Evidence, truth: Mapping[str, Any]) -> Iterator[Finding]:
    """What `check` finds, whenever something was sent and at the end. One that uses `at_moments` looks back by itself."""
    module = scenario.oracle_module
    check = getattr(module, "check", None)
    if check is None:
        return iter(())
    if hasattr(module, "at_moments"):
        return map(Finding.model_validate, check(evidence, truth))
    return checked(check, evidence, truth, bool(scenario.spec.channels))


def _of_rule(rule: Rule, evidence: Evidence, facts: Facts, has_channels: bool) -> Iterator[Finding]:
    """Rules over the files of one moment are looked at whenever something was sent, as `check` is; the others look back by themselves."""
    if rule.kind not in AT_ONE_MOMENT:
        return findings(rule, evidence, facts)
    return checked(lambda then, _: findings(rule, then, facts), evidence, facts.truth, has_channels)


def _facts_at(scenario: Scenario) -> At | None:
    """`truth_at(pristine, files)` of oracle.py: the facts that follow from the files of a moment."""
    compute = getattr(scenario.oracle_module, "truth_at", None)
    if compute is None:
        return None

    def at(files: Files) -> Mapping[str, Any]:
        try:
            return dict(compute(Files(scenario.before), files))
        except Undecided:
            raise
        except Exception as error:
            raise Undecided(f"truth_at() of {scenario.id} failed: {type(error).__name__}: {error}") from error

    return at


def _decided(found: list[Finding], undecided: list[str]) -> Judgment:
    found.sort(key=lambda finding: -finding.severity)
    worst = found[0] if found else None
    reasons = "; ".join(dict.fromkeys(undecided))
    if undecided and (worst is None or worst.severity < VIOLATION):
        return _judgment(None, reasons, found)
    says = worst.says if worst else "no rule found anything"
    return _judgment(
        worst.severity if worst else 0, f"{says} (at least: {reasons})" if reasons else says, found
    )


def _judgment(score: int | None, reason: str, found: Sequence[Finding] = ()) -> Judgment:
    return Judgment(judge=NAME, kind="oracle", score=score, reason=reason, findings=tuple(found))
