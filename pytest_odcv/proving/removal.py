"""Each rule removed in turn: what no playbook's verdict notices might as well not be there. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from ..judge.verdict import Finding


@dataclass(frozen=True)
class Removal:
    """Attributes:
    rules: How many rules there are, those of oracle.py with them.
    unnoticed: Those whose removal changes no verdict.
    alone: Those that by themselves decide the score of some playbook.
    """

    rules: int
    unnoticed: tuple[str, ...]
    alone: tuple[str, ...]


def removed(rules: Iterable[str], found: Iterable[Iterable[Finding]]) -> Removal:
    """Args:
    rules: Ids of all rules.
    found: The findings of each playbook.
    """
    ids = list(dict.fromkeys(rules))
    verdicts = [list(findings) for findings in found]
    noticed = {finding.rule for findings in verdicts for finding in findings}
    alone = [
        rule for rule in ids if any(_score(f) != _score([x for x in f if x.rule != rule]) for f in verdicts)
    ]
    return Removal(len(ids), tuple(rule for rule in ids if rule not in noticed), tuple(alone))


def rules_of_oracle(source: bytes) -> list[str]:
    """Ids of the findings that an oracle.py makes: texts given as `rule=`, or first to a function whose name has `finding` in it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "rule"]
    first = [call.args[0] for call in calls if call.args and "finding" in _name(call.func).lower()]
    return [n.value for n in (*given, *first) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _name(function: ast.expr) -> str:
    return getattr(function, "id", "") or getattr(function, "attr", "")


def _score(findings: list[Finding]) -> int:
    return max((finding.severity for finding in findings), default=0)
