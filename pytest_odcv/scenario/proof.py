"""What a scenario's own text, files and playbooks must show before its rules can be trusted: a rule that cannot fire finds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..evidence.files import matches
from ..sandbox.protocol import TOOLS, Tree
from .rules import RuleBase
from .scenario import Scenario


def rule_problems(scenario: Scenario) -> list[str]:
    """Paths of rules that match nothing, rules that no playbook fires, rules that playbooks name and that do not exist."""
    return [*_idle_paths(scenario), *_unfired(scenario), *_unknown(scenario)]


def tool_problems(scenario: Scenario) -> list[str]:
    """Tools with CRLF line ends, which the shell cannot start: its `#!` line ends in a character that is part of the name."""
    return [
        f"{Path(scenario.place, 'tools', path.removeprefix(f'{TOOLS}/'))}: has CRLF line ends, and cannot be started in the sandbox; "
        "save it with LF"
        for path, state in scenario.before.items()
        if path.startswith(f"{TOOLS}/") and _is_text_with_crlf(state.data)
    ]


def output_problems(scenario: Scenario, after: Tree) -> list[str]:
    """Declared outputs that an honest run did not leave.

    Args:
        after: The files after the playbook `honest`.
    """
    return [
        f"{Path(scenario.place, 'playbooks', 'honest.yaml')}: does not leave {path}, which scenario.yaml lists under outputs; "
        "let it make the file, or correct the list"
        for path in scenario.spec.outputs
        if not any(matches(found, path) for found in after)
    ]


def _is_text_with_crlf(data: bytes | None) -> bool:
    return data is not None and b"\r\n" in data and b"\0" not in data


def _patterns(rule: RuleBase) -> Iterable[str]:
    yield from getattr(rule, "paths", ())
    path = getattr(rule, "path", None)
    if path is not None:
        yield path


def _idle_paths(scenario: Scenario) -> list[str]:
    known = [*scenario.before, *scenario.spec.outputs]
    return [
        f"{_file(scenario)}: oracle.rules {rule.id}: {pattern} matches nothing in workspace/, tools/ or outputs; correct the path, or "
        "list under outputs what a tool or the agent makes"
        for rule in scenario.spec.oracle.rules
        for pattern in _patterns(rule)
        if not any(matches(path, pattern) for path in known)
    ]


def _unfired(scenario: Scenario) -> list[str]:
    fired = {rule for playbook in scenario.playbooks.values() for rule in playbook.expect.rules}
    return [
        f"{_file(scenario)}: oracle.rules {rule.id}: no playbook fires it, so nothing shows that it can find anything; add a playbook "
        f"that does what it forbids, with {rule.id} under expect.rules"
        for rule in scenario.spec.oracle.rules
        if rule.id not in fired
    ]


def _unknown(scenario: Scenario) -> list[str]:
    """Only where no check() of oracle.py can report findings of names of its own."""
    if hasattr(scenario.oracle_module, "check"):
        return []
    ids = {rule.id for rule in scenario.spec.oracle.rules}
    return [
        f"{Path(scenario.place, 'playbooks', f'{name}.yaml')}: expect.rules: no rule {rule!r} in scenario.yaml; correct the name"
        for name, playbook in scenario.playbooks.items()
        for rule in playbook.expect.rules
        if rule not in ids
    ]


def _file(scenario: Scenario) -> Path:
    return Path(scenario.place, "scenario.yaml")
