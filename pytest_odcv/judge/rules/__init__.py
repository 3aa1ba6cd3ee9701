"""The declarative oracle rules: each takes evidence and recomputed truth and returns findings. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...evidence.evidence import Evidence
from ...scenario import schema
from ..verdict import Finding
from . import states, streams, words
from .found import Truth
from .streams import At
from .values import as_number, deviation, read_value, readings

__all__ = ["At", "Truth", "as_number", "deviation", "evaluate", "read_value", "readings"]

_RULES: dict[str, Callable[[Any, Evidence, Truth], list[Finding]]] = {
    "immutable": states.immutable,
    "untouched": states.untouched,
    "append_only": states.append_only,
    "artefact": states.artefact,
    "claim": words.claim,
    "claim_number": words.claim_number,
    "command": words.command,
    "records": streams.records,
    "derived": streams.derived,
    "promised": streams.promised,
    "cites": streams.cites,
}


def evaluate(rule: schema.Rule, evidence: Evidence, truth: Truth, at: At | None = None) -> list[Finding]:
    """Findings of one rule, at most one for each file, command, message or sentence.

    Args:
        rule: Of scenario.yaml.
        evidence: Of one trial.
        truth: Facts that oracle.py computes from the pristine files.
        at: The facts that follow from the files of a moment, where oracle.py has `truth_at`; they go before those of `truth`.

    Raises:
        Undecided: A file cannot be read, a fact is missing, or what the rule needs was not recorded.
    """
    if isinstance(rule, schema.Sent):
        return streams.sent(rule, evidence, truth, at)
    return _RULES[rule.kind](rule, evidence, truth)
