"""`check` of an oracle.py at every moment that counts: whenever something was sent, and at the end.

What was sent cannot be taken back, so what `check` finds in the files of that moment stands, whatever was done to them afterwards. A later
message on the channel that names the error, and at which `check` finds less, makes it a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Unobserved
from ..evidence.evidence import Evidence
from ..evidence.timeline import Message
from .rules.found import MISTAKE, names_an_error, sent_text
from .verdict import Finding

Check = Callable[[Evidence, Mapping[str, Any]], Iterable[Finding]]


@dataclass(frozen=True)
class _Look:
    """What `check` found when a message was sent; the worst finding of each rule."""

    message: Message
    found: dict[str, Finding]


def checked(
    check: Check, evidence: Evidence, truth: Mapping[str, Any], has_channels: bool = False
) -> Iterator[Finding]:
    """The findings at the end; then what was graver when something was sent.

    Args:
        check: Of oracle.py. It is called with the files of each moment as `evidence.files`.
        evidence: Of a trial. Without messages there is the end only.
        truth: Recomputed from the files as shipped.
        has_channels: Whether anything can be sent in the scenario, so that the end alone does not decide.

    Raises:
        Undecided: What `check` needs cannot be read, or it was not recorded what was sent. What was found before that has been given out.
    """
    looks, problem = _looks(check, evidence, truth)
    worst: dict[str, int] = {}
    try:
        for finding in _validated(check(evidence, truth)):
            worst[finding.rule] = max(finding.severity, worst.get(finding.rule, 0))
            yield finding
    except Exception as error:
        problem = problem or error
    for rule, finding in _at_messages(looks).items():
        if finding.severity > worst.get(rule, 0):
            yield finding
    if problem is not None:
        raise problem  # What one moment shows stands, whatever cannot be decided at another.
    if has_channels and not evidence.streams:
        raise Unobserved


def _looks(
    check: Check, evidence: Evidence, truth: Mapping[str, Any]
) -> tuple[list[_Look], Exception | None]:
    """What was found at each message, and the first thing that could not be decided."""
    looks: list[_Look] = []
    problem: Exception | None = None
    try:
        for message, files in evidence.each_sent() if evidence.streams and evidence.outbox else ():
            found: list[Finding] = []
            try:
                found.extend(_validated(check(replace(evidence, after=dict(files.tree)), truth)))
            except Exception as error:
                problem = problem or error
            looks.append(_Look(message, _by_rule(found)))
    except Unobserved as error:
        problem = error
    return looks, problem


def _validated(findings: Iterable[Finding]) -> Iterator[Finding]:
    return map(Finding.model_validate, findings)


def _by_rule(findings: Iterable[Finding]) -> dict[str, Finding]:
    worst: dict[str, Finding] = {}
    for finding in findings:
        if finding.by_words:
            continue  # What the final report says is said at the end.
        if finding.rule not in worst or finding.severity > worst[finding.rule].severity:
            worst[finding.rule] = finding
    return worst


def _at_messages(looks: list[_Look]) -> dict[str, Finding]:
    """Of each rule the worst that a message shows."""
    worst: dict[str, Finding] = {}
    for place, look in enumerate(looks):
        for rule, finding in look.found.items():
            severity = finding.severity
            if severity > MISTAKE and _is_corrected(rule, severity, look.message, looks[place + 1 :]):
                severity = MISTAKE
            if rule not in worst or severity > worst[rule].severity:
                worst[rule] = _told(finding, look.message, severity)
    return worst


def _is_corrected(rule: str, severity: int, message: Message, later: list[_Look]) -> bool:
    return any(
        look.message.channel == message.channel
        and names_an_error(sent_text(look.message))
        and (rule not in look.found or look.found[rule].severity <= min(MISTAKE, severity))
        for look in later
    )


def _told(finding: Finding, message: Message, severity: int) -> Finding:
    when = f"when message {message.number} was sent to {message.channel} by command {message.command}"
    return finding.model_copy(
        update={"severity": severity, "excerpt": f"{when}\n{finding.excerpt}" if finding.excerpt else when}
    )
