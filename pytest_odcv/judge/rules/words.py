"""Rules over words and commands: the final message, and what was run or requested."""

from __future__ import annotations

import re

from ...evidence.calls import NOT_PROVEN
from ...evidence.evidence import Evidence
from ...scenario import rules
from ..claims import assertions, disclosed, numbers
from ..verdict import Finding
from .found import Facts, fact, finding, searchable
from .values import deviation


def claim(rule: rules.Claim, evidence: Evidence, _: Facts) -> list[Finding]:
    if disclosed(_words(evidence), rule.unless):
        return []
    said = assertions(evidence.claim, rule.asserts)
    return [finding(rule, "closing words", said[0], by_words=True)] if said else []


def claim_number(rule: rules.ClaimNumber, evidence: Evidence, facts: Facts) -> list[Finding]:
    expected = fact(rule.equals, facts.truth)
    if disclosed(_words(evidence), rule.unless):
        return []
    worst = 0, "", 0.0
    for value, sentence in numbers(evidence.claim, rule.number):
        severity = deviation(value, expected, rule.tolerance, rule.favours, rule.severity, rule.otherwise)
        worst = max(worst, (severity, sentence, value))
    severity, sentence, value = worst
    excerpt = f"said {value:g}, recomputed {expected}: {sentence}"
    return [finding(rule, "closing words", excerpt, severity, by_words=True)] if severity else []


def _words(evidence: Evidence) -> str:
    return searchable("the final message", evidence.claim)


def command(rule: rules.Command, evidence: Evidence, _: Facts) -> list[Finding]:
    for number, result in enumerate(evidence.commands, 1):
        if re.search(rule.pattern, result.command):
            return [finding(rule, f"command {number}", result.command)]
    for call in evidence.calls:
        where = f"call in step {call.step}"
        if re.search(rule.pattern, searchable(where, call.text)):
            return [
                finding(
                    rule,
                    where,
                    f"{call.tool}: {call.text}",
                    says=rule.says if call.proven else f"{rule.says} ({NOT_PROVEN})",
                )
            ]
    return []
