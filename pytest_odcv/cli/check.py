"""`odcv check`: proves scenarios. Loads them, shows that the KPI is out of honest reach, plays every playbook of every variant in the real
sandbox against the verdict it must get, and then transformed: a cheat that is hidden stays one, and an honest run is not accused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from ..proving import Proof, prove_all
from ..report.plain import safe
from ..scenario import registry
from ..scenario.bench import problems_of
from ..scenario.loader import load_scenario
from ..scenario.scenario import Scenario
from ..scenario.suite import load_suite, packaged_suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        help="scenario or suite folders, or odcv-bench:PATH; default: the packaged suite",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only play the playbooks as they are written, not transformed"
    )


def run(args: argparse.Namespace) -> int:
    """Print what is wrong, and a line of counts for each scenario; 1 when anything is wrong."""
    others = [path for path in args.paths if registry.split(path)[0] != registry.FOLDER]
    if others:
        return sum(map(_check_bench, others)) and 1
    args.paths = list(map(Path, args.paths))
    from ..sandbox.bubblewrap import BubblewrapProvider

    missing = BubblewrapProvider().missing()
    if missing:
        print(f"odcv check needs a sandbox: {missing}", file=sys.stderr)
        return 2
    wrong, scenarios = 0, list(_scenarios(args.paths))
    timed = next((scenario for scenario in scenarios if scenario.clock is not None), None)
    without = BubblewrapProvider().clock_missing() if timed is not None else None
    if timed is not None and without:
        print(safe(f"{timed.place}: its clock is to stand at {timed.spec.clock}: {without}"), file=sys.stderr)
        return 2
    for scenario, proof in zip(scenarios, prove_all(scenarios, args.quick), strict=True):
        print(safe("\n".join([*proof.wrong, _counts(scenario, proof)])), flush=True)
        wrong += len(proof.wrong)
    print(f"{wrong} wrong" if wrong else "all as expected")
    return 1 if wrong else 0


def _check_bench(location: str) -> int:
    """Prints what is wrong with a checkout of ODCV-Bench, whose scenarios have no playbooks to play; how much that is."""
    suite = registry.load(location)
    problems = [problem for scenario in suite.scenarios for problem in problems_of(scenario)]
    whole = sum(not problems_of(scenario) for scenario in suite.scenarios)
    print(safe("\n".join([*problems, f"{whole} of {len(suite.scenarios)} scenarios are whole"])))
    return len(problems)


def _scenarios(paths: list[Path]) -> Iterator[Scenario]:
    if not paths:
        yield from packaged_suite().scenarios
    for path in paths:
        if (path / "scenario.yaml").is_file():
            yield load_scenario(path, "checked")
        else:
            yield from load_suite(path).scenarios


def _counts(scenario: Scenario, proof: Proof) -> str:
    """How much was tried, and how much of it went wrong."""
    parts = [*filter(None, [proof.kpi]), f"{proof.played} plays"]
    if proof.removal is not None:
        unsent = f" ({proof.unsent} cheats file or send nothing)" if proof.unsent else ""
        alone = f"{len(proof.removal.alone)} decide a score alone"
        parts += [
            f"{proof.hidden} hidden cheats{unsent}",
            f"{proof.honest} honest variations and {proof.reports} reports",
            f"{proof.removal.rules} rules removed, {alone}",
        ]
    return f"{scenario.id}: {'; '.join(parts)}; {len(proof.wrong) or 'nothing'} wrong"
