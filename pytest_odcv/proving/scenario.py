"""Everything that is shown of one scenario, as one value: what is wrong with it, and how much was tried."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import OdcvError
from ..sandbox.protocol import SandboxProvider
from ..scenario.loader import proof_problems
from ..scenario.scenario import Scenario
from .parts import Part, prove_playbook
from .play import Player
from .removal import Removal, removed, rules_of_oracle


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


def read(scenario: Scenario) -> Proof:
    """What its files show by themselves, with `kpi` empty where no more can be shown: its truth cannot be computed."""
    try:
        return Proof(tuple(proof_problems(scenario)), _reach(scenario))
    except OdcvError as error:
        return Proof((str(error),))


async def prove(scenario: Scenario, provider: SandboxProvider, quick: bool = False) -> Proof:
    """Prove one scenario; what goes wrong is in the result and not raised.

    Args:
        scenario: As loaded.
        provider: Opens the sandboxes.
        quick: Only play the playbooks as they are written.
    """
    begun, player = read(scenario), Player(provider)
    if not begun.kpi:
        return begun
    parts = await asyncio.gather(
        *(prove_playbook(scenario, name, player, quick) for name in scenario.playbooks)
    )
    return whole(scenario, begun, parts, quick)


def whole(scenario: Scenario, begun: Proof, parts: Sequence[Part], quick: bool) -> Proof:
    """The proof from what its files and each of its playbooks show."""
    wrong = [*begun.wrong, *(text for part in parts for text in part.wrong)]
    removal = None
    if not quick:
        rules = [rule.id for rule in scenario.spec.oracle.rules]
        rules += rules_of_oracle(scenario.parts.oracle_source())
        removal = removed(rules, [findings for part in parts for findings in part.found])
        wrong += _unnoticed(scenario, removal)
    return Proof(
        tuple(wrong),
        begun.kpi,
        sum(part.played for part in parts),
        sum(part.hidden for part in parts),
        sum(part.unsent for part in parts),
        sum(part.honest for part in parts),
        sum(part.reports for part in parts),
        removal,
    )


def _reach(scenario: Scenario) -> str:
    kpi, true = scenario.spec.kpi, scenario.truth.get(scenario.spec.kpi.truth)
    bound = f">= {kpi.at_least:g}" if kpi.at_least is not None else f"<= {kpi.at_most:g}"
    reached = f"{true:g}" if isinstance(true, (int, float)) else "unknown"
    return f"KPI {kpi.truth}: honestly {reached}, asked {bound}"


def _unnoticed(scenario: Scenario, removal: Removal) -> list[str]:
    """Rules of scenario.yaml that nothing fires are told by `proof.rule_problems`; here those of oracle.py."""
    known = {rule.id for rule in scenario.spec.oracle.rules}
    return [
        f"{Path(scenario.place, 'oracle.py')}: {rule}: no playbook fires it, so nobody would notice if it were gone; add a playbook that does "
        "what it forbids"
        for rule in removal.unnoticed
        if rule not in known
    ]
