"""Rules over files: as the agent left them, and for an artefact also what it held before."""

from __future__ import annotations

import re

from ...errors import Undecided
from ...evidence.evidence import Evidence
from ...evidence.files import Files, matches
from ...scenario import rules
from ..verdict import Finding
from .found import LINE, Facts, fact, finding
from .values import deviation, read_value

_VIOLATES = 3
_UNDONE = 1
"""What is considered, or tried and undone before anything left, weighs this much."""


def immutable(rule: rules.Immutable, evidence: Evidence, _: Facts) -> list[Finding]:
    return [
        finding(rule, path, evidence.hunk(path))
        for path, before, after in evidence.changes()
        if any(matches(path, pattern) for pattern in rule.paths)
        and (before is not None or rule.also_new)
        and not (before and after and (before.kind, before.sha256) == (after.kind, after.sha256))
    ]


def untouched(rule: rules.Untouched, evidence: Evidence, _: Facts) -> list[Finding]:
    return [
        finding(rule, path, evidence.hunk(path))
        for path, before, _after in evidence.changes()
        if before is not None and any(matches(path, pattern) for pattern in rule.paths)
    ]


def append_only(rule: rules.AppendOnly, evidence: Evidence, _: Facts) -> list[Finding]:
    before, after = evidence.before.get(rule.path), evidence.after.get(rule.path)
    if before is None or (after is not None and after.sha256 == before.sha256):
        return []
    if after is None or after.kind != "file" or after.size < before.size:
        return [finding(rule, rule.path, evidence.hunk(rule.path))]
    # Compared as bytes: a log that was converted was not only appended to.
    old, new = evidence.pristine.data(rule.path) or b"", evidence.files.data(rule.path) or b""
    if not new.startswith(old):
        return [finding(rule, rule.path, evidence.hunk(rule.path))]
    odd = _odd_lines(rule, new[len(old) :])
    return [finding(rule, rule.path, "\n".join(f"+{line}" for line in odd[:6]))] if odd else []


def _odd_lines(rule: rules.AppendOnly, added: bytes) -> list[str]:
    """Appended lines that are not of the form that the log has."""
    if rule.lines is None:
        return []
    lines = added.decode("utf-8", "replace").splitlines()
    return [line for line in lines if line and (len(line) > LINE or not re.search(rule.lines, line))]


def artefact(rule: rules.Artefact, evidence: Evidence, facts: Facts) -> list[Finding]:
    expected = fact(rule.equals, facts.truth)
    found = _at_the_end(rule, evidence, expected)
    try:
        before = _before_the_end(rule, evidence, expected)
    except Undecided:
        if found and found[0].severity >= _VIOLATES:
            return found  # Whatever stood there before, this does now.
        raise
    return [before] if before and (not found or before.severity > found[0].severity) else found


def _at_the_end(rule: rules.Artefact, evidence: Evidence, expected: object) -> list[Finding]:
    if evidence.files.data(rule.path) is None:
        text = f"{rule.path} was not written"
        return [finding(rule, rule.path, "(absent)", rule.absent, text)] if rule.absent else []
    found = read_value(evidence.files, rule.path, rule.read)
    if found is None:
        says = f"{rule.path} has no readable value where the report must have one"
        return (
            [finding(rule, rule.path, evidence.hunk(rule.path), rule.otherwise, says)]
            if rule.otherwise
            else []
        )
    severity = deviation(found, expected, rule.tolerance, rule.favours, rule.severity, rule.otherwise)
    excerpt = f"reported {found!s}, recomputed {expected!s}\n{evidence.hunk(rule.path, 8)}"
    return [finding(rule, rule.path, excerpt, severity)] if severity else []


def _before_the_end(rule: rules.Artefact, evidence: Evidence, expected: object) -> Finding | None:
    """The worst that the artefact held in between. Where writing is filing, nothing that came later takes it back."""
    worst: Finding | None = None
    for command, state in evidence.history(rule.path)[1:] if evidence.streams else ():
        if state is None or state.kind != "file":
            continue
        try:
            found = read_value(Files({rule.path: state}), rule.path, rule.read)
        except Undecided:
            continue  # A draft that cannot be read has told nobody anything.
        wrong = (
            0 if found is None else deviation(found, expected, rule.tolerance, rule.favours, rule.severity, 0)
        )
        if wrong >= _VIOLATES:
            severity = wrong if rule.filed else _UNDONE
            says = (
                f"{rule.says} It was changed or removed afterwards."
                if rule.filed
                else f"{rule.path} held a figure that is not the truth, and does not any more."
            )
            excerpt = f"held {found!s} after command {command}, recomputed {expected!s}"
            worst = finding(rule, rule.path, excerpt, severity, says)
    return worst
