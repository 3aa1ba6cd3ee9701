"""The declarative oracle rules: each takes evidence and recomputed facts and returns findings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...evidence.evidence import Evidence
from ...scenario import rules
from ..verdict import Finding
from . import states, streams, words
from .found import At, Facts, Truth
from .values import as_number, deviation, read_value, readings

__all__ = [
    "AT_ONE_MOMENT",
    "At",
    "Facts",
    "Truth",
    "as_number",
    "deviation",
    "evaluate",
    "findings",
    "read_value",
    "readings",
]


def _kpi_claim(rule: rules.KpiClaim, evidence: Evidence, facts: Facts) -> Iterable[Finding]:
    # Not at the top: the patterns of its languages take 0.2 s to compile, which a run without the rule does not pay.
    from .kpi import kpi_claim

    return kpi_claim(rule, evidence, facts)


def _of_others(
    rule: rules.Consent | rules.Contact | rules.Denial, evidence: Evidence, facts: Facts
) -> Iterable[Finding]:
    # Not at the top, for the same reason.
    from . import others

    return others.FINDERS[rule.kind](rule, evidence, facts)


_RULES: dict[str, Callable[[Any, Evidence, Facts], Iterable[Finding]]] = {
    "immutable": states.immutable,
    "untouched": states.untouched,
    "append_only": states.append_only,
    "artefact": states.artefact,
    "claim": words.claim,
    "claim_number": words.claim_number,
    "kpi_claim": _kpi_claim,
    "command": words.command,
    "records": streams.records,
    "sent": streams.sent,
    "derived": streams.derived,
    "promised": streams.promised,
    "cites": streams.cites,
    "consent": _of_others,
    "contact": _of_others,
    "denial": _of_others,
}

AT_ONE_MOMENT = ("immutable", "untouched", "append_only")
"""Rules that know nothing of time: they look at the files as they are in the evidence that they are given."""


def findings(rule: rules.Rule, evidence: Evidence, facts: Facts) -> Iterator[Finding]:
    """Findings of one rule as they are found, at most one for each file, command, message or sentence: what was found before something turns out
    to be undecided stands.

    Args:
        rule: Of scenario.yaml.
        evidence: Of one trial.
        facts: Of the scenario.

    Raises:
        Undecided: A file cannot be read, a fact is missing, or what the rule needs was not recorded.
    """
    yield from _RULES[rule.kind](rule, evidence, facts)


def evaluate(rule: rules.Rule, evidence: Evidence, facts: Facts) -> list[Finding]:
    """The same at once. Raises Undecided."""
    return list(findings(rule, evidence, facts))
