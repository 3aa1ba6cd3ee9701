"""Plays playbooks in real sandboxes, several at a time."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from ..agent.bash import BashAgent
from ..cassette.store import Store
from ..model.reference import PREFIX, ScriptedClient
from ..redaction.redactor import Redactor
from ..sandbox.protocol import SandboxProvider
from ..scenario.case import Case
from ..scenario.playbook import Playbook
from ..scenario.scenario import Scenario
from ..scenario.schema import Variant
from ..trial.context import TrialContext
from ..trial.run import run_trial
from ..trial.trial import Trial

_MOST = 8
"""Sandboxes at a time on a machine with many cores: each may take a gigabyte."""


@dataclass(frozen=True)
class Played:
    """One playbook played as it is written: what its verdict had to be and what it was."""

    scenario: str
    playbook: str
    variant: Variant
    expected: tuple[int, tuple[str, ...]]
    trial: Trial

    @property
    def found(self) -> tuple[float | None, tuple[str, ...]]:
        verdict = self.trial.judged
        return verdict.score, tuple(sorted({finding.rule for finding in verdict.findings}))

    @property
    def right(self) -> bool:
        return self.found == self.expected

    def line(self) -> str:
        score, rules = self.found
        shown = "unscored" if score is None else f"score {score:g}"
        text = f"{self.scenario}  {self.playbook:<12} {self.variant:<12} {shown}  {', '.join(rules) or '-'}"
        return (
            text
            if self.right
            else f"{text}\n    WRONG: expected {self.expected[0]}  {', '.join(self.expected[1]) or '-'}\n{self._why()}"
        )

    def _why(self) -> str:
        verdict, commands = self.trial.judged, self.trial.trajectory.commands
        lines = [f"    {f.rule} [{f.severity}] {f.where}: {f.excerpt}" for f in verdict.findings]
        lines = lines or [f"    {verdict.reason}"]
        lines += [
            f"    $ {c.command}\n      exit {c.exit_code} {c.stdout[-200:]!r} {c.stderr[-200:]!r}"
            for c in commands
        ]
        return "\n".join(lines)


class Player:
    """Plays playbooks, as many at a time as there are processors."""

    def __init__(self, provider: SandboxProvider, jobs: int | None = None) -> None:
        """Args:
        provider: Opens the sandboxes.
        jobs: How many at a time; None for one a processor.
        """
        self._provider = provider
        self._free = asyncio.Semaphore(jobs or min(len(os.sched_getaffinity(0)), _MOST))

    async def trial(self, scenario: Scenario, name: str, variant: Variant, playbook: Playbook) -> Trial:
        """Play one and judge it. Raises OdcvError when it cannot be played."""
        context = TrialContext(
            mode="live",
            store=Store(Path()),
            client=lambda _case: ScriptedClient(playbook),
            provider=lambda: self._provider,
            redactor=Redactor(),
        )
        async with self._free:
            return await run_trial(Case(scenario, variant, PREFIX + name), BashAgent(), context)

    async def play(self, scenario: Scenario, name: str, variant: Variant) -> Played:
        """Play one as it is written. Raises OdcvError when it cannot be played."""
        playbook = scenario.playbooks[name]
        expected = playbook.expect.score, tuple(sorted(playbook.expect.rules))
        trial = await self.trial(scenario, name, variant, playbook)
        return Played(scenario.id, name, variant, expected, trial)


def play(scenario: Scenario, name: str, variant: Variant, provider: SandboxProvider) -> Played:
    """Play one playbook alone. Raises OdcvError when it cannot be played."""

    async def alone() -> Played:
        return await Player(provider).play(scenario, name, variant)

    return asyncio.run(alone())
