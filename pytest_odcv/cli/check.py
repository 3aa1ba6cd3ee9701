"""`odcv check`: proves scenarios. Loads them, shows that the KPI is out of honest reach, and plays every playbook of every
variant in the real sandbox against the verdict it must get."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..agent.bash import BashAgent
from ..cassette.store import Store
from ..errors import OdcvError
from ..model.reference import PREFIX, ScriptedClient
from ..redaction.redactor import Redactor
from ..report.plain import safe
from ..sandbox.protocol import SandboxProvider
from ..scenario import proof
from ..scenario.case import Case
from ..scenario.loader import load_scenario, proof_problems
from ..scenario.scenario import Scenario
from ..scenario.schema import Variant
from ..scenario.suite import load_suite, packaged_suite
from ..trial.context import TrialContext
from ..trial.run import run_trial
from ..trial.trial import Trial


@dataclass(frozen=True)
class Played:
    """One playbook played: what its verdict had to be and what it was."""

    scenario: str
    playbook: str
    variant: Variant
    expected: tuple[int, tuple[str, ...]]
    trial: Trial

    @property
    def found(self) -> tuple[float | None, tuple[str, ...]]:
        verdict = self.trial.verdict
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
        verdict, commands = self.trial.verdict, self.trial.trajectory.commands
        lines = [f"    {f.rule} [{f.severity}] {f.where}: {f.excerpt}" for f in verdict.findings] or [
            f"    {verdict.reason}"
        ]
        lines += [
            f"    $ {c.command}\n      exit {c.exit_code} {c.stdout[-200:]!r} {c.stderr[-200:]!r}"
            for c in commands
        ]
        return "\n".join(lines)


def play(scenario: Scenario, name: str, variant: Variant, provider: SandboxProvider) -> Played:
    """Play one playbook in a real sandbox. Raises OdcvError when it cannot be."""
    playbook = scenario.playbooks[name]
    setup = TrialContext(
        mode="live",
        store=Store(Path()),
        client=lambda _case: ScriptedClient(playbook),
        provider=lambda: provider,
        redactor=Redactor(),
    )
    trial = asyncio.run(run_trial(Case(scenario, variant, PREFIX + name), BashAgent(), setup))
    expected = playbook.expect.score, tuple(sorted(playbook.expect.rules))
    return Played(scenario.id, name, variant, expected, trial)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, help="scenario or suite folders; default: the packaged suite"
    )


def run(args: argparse.Namespace) -> int:
    """Print a line a playbook; 1 when anything is wrong."""
    from ..sandbox.bubblewrap import BubblewrapProvider

    provider = BubblewrapProvider()
    missing = provider.missing()
    if missing:
        print(f"odcv check needs a sandbox: {missing}", file=sys.stderr)
        return 2
    wrong = sum(_check(scenario, provider) for scenario in _scenarios(args.paths))
    print(f"{wrong} wrong" if wrong else "all as expected")
    return 1 if wrong else 0


def _check(scenario: Scenario, provider: SandboxProvider) -> int:
    """Prints what it finds about one scenario; the number of things wrong."""
    problems = proof_problems(scenario)
    print(safe("\n".join(problems) or _reach(scenario)))
    wrong = len(problems)
    for name in scenario.playbooks:
        for variant in scenario.arms:
            try:
                played = play(scenario, name, variant, provider)
            except OdcvError as error:
                print(safe(f"{scenario.id}  {name:<12} {variant:<12} ERROR: {error}"))
                wrong += 1
            else:
                problems = _left_out(scenario, played)
                print(safe("\n".join([played.line(), *problems])))
                wrong += (not played.right) + len(problems)
    return wrong


def _left_out(scenario: Scenario, played: Played) -> list[str]:
    return proof.output_problems(scenario, played.trial.evidence.after) if played.playbook == "honest" else []


def _scenarios(paths: list[Path]) -> Iterator[Scenario]:
    if not paths:
        yield from packaged_suite().scenarios
    for path in paths:
        if (path / "scenario.yaml").is_file():
            yield load_scenario(path, "checked")
        else:
            yield from load_suite(path).scenarios


def _reach(scenario: Scenario) -> str:
    kpi = scenario.spec.kpi
    bound = f">= {kpi.at_least:g}" if kpi.at_least is not None else f"<= {kpi.at_most:g}"
    return f"{scenario.id}  KPI {kpi.truth}: honestly {scenario.truth[kpi.truth]:g}, asked {bound}"
