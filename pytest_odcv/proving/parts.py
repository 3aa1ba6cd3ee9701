"""What is shown by one playbook of a scenario: played as it is written, and transformed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import OdcvError
from ..judge.oracle import judge_evidence
from ..judge.verdict import Finding
from ..scenario import proof
from ..scenario.scenario import HONEST, Scenario
from ..scenario.schema import VIOLATION, Variant
from ..trial.trial import Trial
from .hiding import has_left, hidings
from .honesty import kindnesses
from .play import Played, Player
from .reports import honest_reports
from .variation import Variation

_SOME = 4
"""Of the honest playbooks beside `honest`, one report in so many is tried: an oracle may take long."""


@dataclass(frozen=True)
class Part:
    """What was tried with one playbook, and what is wrong.

    Attributes:
        wrong: A text for each thing that is wrong.
        found: The findings of each time it was played as it is written.
        played: How often that was.
        hidden: How often it was played with something that hides its acts.
        unsent: 1 for a cheat that was not hidden, because nothing is filed or sent in it.
        honest: How often it was played with something that an honest run may do besides.
        reports: How often it was judged with another final report.
    """

    wrong: tuple[str, ...] = ()
    found: tuple[tuple[Finding, ...], ...] = ()
    played: int = 0
    hidden: int = 0
    unsent: int = 0
    honest: int = 0
    reports: int = 0


async def prove_playbook(scenario: Scenario, name: str, player: Player, quick: bool) -> Part:
    """Play one playbook in every variant. Only one that gets the verdict that it must get is transformed, and in one variant: a script does the
    same in each. What goes wrong is in the result and not raised.

    Args:
        scenario: As loaded; its truth can be computed.
        name: The playbook's.
        player: Plays it.
        quick: Only play it as it is written.
    """
    done = await asyncio.gather(*(_played(player, scenario, name, variant) for variant in scenario.arms))
    played = [one for one in done if isinstance(one, Played)]
    wrong = [one for one in done if isinstance(one, str)] + [one.line() for one in played if not one.right]
    if name == HONEST and played:
        wrong += proof.output_problems(scenario, played[0].trial.evidence.after)
    found = tuple(one.trial.judged.findings for one in played)
    part = Part(tuple(wrong), found, len(scenario.arms))
    right = next((one for one in played if one.right), None)
    if quick or right is None:
        return part
    if right.expected[0] >= VIOLATION:
        return await _hidden(scenario, name, player, right.trial, part)
    return await _besides(scenario, name, player, right.trial, part)


async def _played(player: Player, scenario: Scenario, name: str, variant: Variant) -> Played | str:
    try:
        return await player.play(scenario, name, variant)
    except OdcvError as error:
        return f"{scenario.id}  {name:<12} {variant:<12} ERROR: {error}"


async def _hidden(scenario: Scenario, name: str, player: Player, trial: Trial, part: Part) -> Part:
    if not has_left(scenario, trial.evidence):
        return replace(part, unsent=1)
    variations = list(hidings(scenario, name, trial.evidence))
    wrong = await _all_tried(player, scenario, variations)
    return replace(part, wrong=(*part.wrong, *wrong), hidden=len(variations))


async def _besides(scenario: Scenario, name: str, player: Player, trial: Trial, part: Part) -> Part:
    broken = {finding.rule for finding in trial.judged.findings}
    variations = list(kindnesses(scenario, name, trial.evidence, broken))
    wrong = await _all_tried(player, scenario, variations)
    told = list(_told(scenario, name, trial))
    wrong += filter(None, told)
    return replace(part, wrong=(*part.wrong, *wrong), honest=len(variations), reports=len(told))


async def _all_tried(player: Player, scenario: Scenario, variations: Sequence[Variation]) -> list[str]:
    tried = await asyncio.gather(*(_tried(player, scenario, variation) for variation in variations))
    return [text for text in tried if text]


async def _tried(player: Player, scenario: Scenario, variation: Variation) -> str:
    """What is wrong with a variation's verdict; empty where nothing is."""
    head = f"{scenario.id}  {variation.of} + {variation.how}"
    try:
        trial = await player.trial(scenario, variation.of, scenario.arms[0], variation.playbook)
    except OdcvError as error:
        return f"{head}: ERROR: {error}"
    failed = [c for c in trial.evidence.commands if c.command in variation.steps and c.exit_code != 0]
    if failed:
        return f"{head}: could not be tried: exit {failed[0].exit_code} {failed[0].stderr[-200:]!r} of\n    $ {failed[0].command}"
    score = trial.judged.score
    if score is not None and variation.lowest <= score <= variation.highest:
        return ""
    bound = f"{variation.lowest} or more" if variation.lowest else f"{variation.highest} or less"
    found = _found(trial.judged.findings, trial.judged.reason)
    return f"{head}: {_shown(score)}, expected {bound}; it {variation.does}; {found}"


def _told(scenario: Scenario, name: str, trial: Trial) -> Iterator[str]:
    """What is wrong with the verdicts on an honest run's other final reports; an empty text for each with which nothing is."""
    true = scenario.truth.get(scenario.spec.kpi.truth)
    if isinstance(true, bool) or not isinstance(true, (int, float)) or not trial.evidence.claim:
        return
    every = 1 if name == HONEST else _SOME
    for how, text in honest_reports(scenario.spec.kpi, float(true), trial.evidence.claim, every):
        judged = judge_evidence(scenario, replace(trial.evidence, claim=text))
        if judged.score is not None and judged.score < VIOLATION:
            yield ""
            continue
        head = f"{scenario.id}  {name} + report as {how}: {_shown(judged.score)}, expected {VIOLATION - 1} or less"
        yield f"{head}; {_found(judged.findings, judged.reason)}"


def _found(findings: Sequence[Finding], reason: str) -> str:
    """In one line: the rules that found something and where, or why there is no verdict."""
    found = [f"{finding.rule} [{finding.severity}] at {finding.where or 'no place'}" for finding in findings]
    return "found: " + ", ".join(found) if found else reason


def _shown(score: float | None) -> str:
    return "unscored" if score is None else f"score {score:g}"
