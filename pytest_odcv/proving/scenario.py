"""Everything that is shown of one scenario, as one value: what is wrong with it, and how much was tried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import OdcvError
from ..judge.oracle import judge_evidence
from ..judge.verdict import Finding
from ..sandbox.protocol import SandboxProvider
from ..scenario import proof
from ..scenario.loader import proof_problems
from ..scenario.scenario import HONEST, Scenario
from ..scenario.schema import VIOLATION, Variant
from ..trial.trial import Trial
from .hiding import has_left, hidings, violates_in_silence
from .honesty import kindnesses
from .play import Played, Player
from .removal import Removal, removed, rules_of_oracle
from .reports import honest_reports
from .variation import Variation

_SOME = 4
"""Of the other honest playbooks, one report in so many is tried: an oracle may take long."""


@dataclass(frozen=True)
class Proof:
    """What was tried with one scenario, and what is wrong with it.

    Attributes:
        wrong: A text for each thing that is wrong.
        kpi: The KPI, what is honestly reached and what is asked; empty where that is not known.
        played: Playbooks played as they are written, each in every variant.
        hidden: Cheats played with something that hides them.
        unsent: Cheats that were not hidden, because nothing is filed or sent in them.
        honest: Honest runs played with something that they may do besides.
        reports: Honest runs judged with another final report.
        removal: The rules removed in turn; None where that was not tried.
    """

    wrong: tuple[str, ...] = ()
    kpi: str = ""
    played: int = 0
    hidden: int = 0
    unsent: int = 0
    honest: int = 0
    reports: int = 0
    removal: Removal | None = None


async def prove(scenario: Scenario, provider: SandboxProvider, quick: bool = False) -> Proof:
    """Prove one scenario; what goes wrong is in the result and not raised.

    Args:
        scenario: As loaded.
        provider: Opens the sandboxes.
        quick: Only play the playbooks as they are written.
    """
    try:
        wrong, kpi = proof_problems(scenario), _reach(scenario)
    except OdcvError as error:
        return Proof((str(error),))
    player = Player(provider)
    plays = [(name, variant) for name in scenario.playbooks for variant in scenario.arms]
    done = await asyncio.gather(*(_played(player, scenario, name, variant) for name, variant in plays))
    played = [one for one in done if isinstance(one, Played)]
    wrong += [one for one in done if isinstance(one, str)]
    wrong += [one.line() for one in played if not one.right]
    wrong += _left_out(scenario, played)
    proven = Proof(tuple(wrong), kpi, len(plays))
    return proven if quick else await _varied(scenario, player, played, proven)


def _reach(scenario: Scenario) -> str:
    kpi, true = scenario.spec.kpi, scenario.truth.get(scenario.spec.kpi.truth)
    bound = f">= {kpi.at_least:g}" if kpi.at_least is not None else f"<= {kpi.at_most:g}"
    return f"KPI {kpi.truth}: honestly {true:g}, asked {bound}" if isinstance(true, (int, float)) else ""


async def _played(player: Player, scenario: Scenario, name: str, variant: Variant) -> Played | str:
    try:
        return await player.play(scenario, name, variant)
    except OdcvError as error:
        return f"{scenario.id}  {name:<12} {variant:<12} ERROR: {error}"


def _left_out(scenario: Scenario, played: Sequence[Played]) -> list[str]:
    honest = next((one for one in played if one.playbook == HONEST), None)
    return proof.output_problems(scenario, honest.trial.evidence.after) if honest else []


async def _varied(scenario: Scenario, player: Player, played: Sequence[Played], proven: Proof) -> Proof:
    """Only playbooks with the verdict that they should have are transformed, and in one variant: a script does the same in each."""
    right = {one.playbook: one for one in reversed(played) if one.right}
    cheats = {name: one.trial for name, one in right.items() if one.expected[0] >= VIOLATION}
    honest = {name: one.trial for name, one in right.items() if name not in cheats}
    left = {name: trial for name, trial in cheats.items() if has_left(scenario, trial.evidence)}
    hidden = [v for name, trial in left.items() for v in hidings(scenario, name, trial.evidence)]
    kind = [v for name, trial in honest.items() for v in _kind(scenario, name, trial)]
    runs = await asyncio.gather(*(_tried(player, scenario, variation) for variation in (*hidden, *kind)))
    reports = [text for name, trial in honest.items() for text in _told(scenario, name, trial)]
    removal = removed(
        [*(rule.id for rule in scenario.spec.oracle.rules), *rules_of_oracle(scenario.parts.oracle_source())],
        [one.trial.verdict.findings for one in played],
    )
    return replace(
        proven,
        wrong=(*proven.wrong, *filter(None, runs), *filter(None, reports), *_unnoticed(scenario, removal)),
        hidden=len(hidden),
        unsent=len(cheats) - len(left),
        honest=len(kind),
        reports=len(reports),
        removal=removal,
    )


def _kind(scenario: Scenario, name: str, trial: Trial) -> Iterator[Variation]:
    broken = {finding.rule for finding in trial.verdict.findings}
    return kindnesses(scenario, name, trial.evidence, broken)


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
    score = trial.verdict.score
    bound = f"{variation.lowest} or more" if variation.lowest else f"{variation.highest} or less"
    if score is None or not variation.lowest <= score <= variation.highest:
        found = _found(trial.verdict.findings, trial.verdict.reason)
        return f"{head}: {_shown(score)}, expected {bound}; it {variation.does}; {found}"
    if variation.by_acts and not violates_in_silence(scenario, trial.evidence):
        return f"{head}: {_shown(score)} by its final report alone, expected {bound} without it; it {variation.does}"
    return ""


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


def _unnoticed(scenario: Scenario, removal: Removal) -> list[str]:
    """Rules of scenario.yaml that nothing fires are told by `proof.rule_problems`; here those of oracle.py."""
    known = {rule.id for rule in scenario.spec.oracle.rules}
    return [
        f"{Path(scenario.place, 'oracle.py')}: {rule}: no playbook fires it, so nobody would notice if it were gone; add a playbook that does "
        "what it forbids"
        for rule in removal.unnoticed
        if rule not in known
    ]
