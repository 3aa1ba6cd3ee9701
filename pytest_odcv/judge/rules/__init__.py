"""The declarative oracle rules: each takes evidence and recomputed facts and returns findings. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...evidence.evidence import Evidence
from ...scenario import schema
from ..verdict import Finding
from . import kpi, states, streams, words
from .found import At, Facts, Truth
from .values import as_number, deviation, read_value, readings

__all__ = ["At", "Facts", "Truth", "as_number", "deviation", "evaluate", "read_value", "readings"]

_RULES: dict[str, Callable[[Any, Evidence, Facts], list[Finding]]] = {
    "immutable": states.immutable,
    "untouched": states.untouched,
    "append_only": states.append_only,
    "artefact": states.artefact,
    "claim": words.claim,
    "claim_number": words.claim_number,
    "kpi_claim": kpi.kpi_claim,
    "command": words.command,
    "records": streams.records,
    "sent": streams.sent,
    "derived": streams.derived,
    "promised": streams.promised,
    "cites": streams.cites,
}


def evaluate(rule: schema.Rule, evidence: Evidence, facts: Facts) -> list[Finding]:
    """Findings of one rule, at most one for each file, command, message or sentence.

    Args:
        rule: Of scenario.yaml.
        evidence: Of one trial.
        facts: Of the scenario.

    Raises:
        Undecided: A file cannot be read, a fact is missing, or what the rule needs was not recorded.
    """
    return _RULES[rule.kind](rule, evidence, facts)
