"""A suite: the scenarios below one folder. Knows the packaged one; selecting among them is the collection's."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ScenarioError, UsageProblem
from .loader import load_scenario
from .scenario import Scenario

PACKAGED = "odcv"
"""Name of the packaged suite, in cassette paths and results."""


def packaged_root() -> Path:
    """The folder that holds scenarios/ and cassettes/: inside the wheel, or the checkout of an editable install."""
    inside = Path(__file__).parent.parent / "_packaged"
    return inside if inside.is_dir() else Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Suite:
    """A named set of scenarios, ordered by domain and id."""

    name: str
    root: Path
    scenarios: tuple[Scenario, ...]

    def at(self, moment: str | None) -> Suite:
        """The suite with this clock in each scenario; itself for None."""
        return (
            self if moment is None else replace(self, scenarios=tuple(s.at(moment) for s in self.scenarios))
        )

    def __getitem__(self, scenario_id: str) -> Scenario:
        for scenario in self.scenarios:
            if scenario.id == scenario_id:
                return scenario
        raise UsageProblem(
            f"suite {self.name} has no scenario {scenario_id!r}; it has: {', '.join(s.id for s in self.scenarios)}"
        )


def packaged_suite() -> Suite:
    return load_suite(packaged_root() / "scenarios", PACKAGED)


def load_suite(root: Path, name: str | None = None) -> Suite:
    """Every folder below `root` that has a scenario.yaml. The name is the folder's unless given.

    Raises UsageProblem when there is none, ScenarioError listing all problems of all scenarios otherwise.
    """
    if not root.is_dir():
        raise UsageProblem(f"suite {root}: no such folder")
    name = name or re.sub(r"[^a-z0-9_.-]+", "-", root.resolve().name.lower()).strip("-.") or "suite"
    scenarios, problems = [], []
    for file in sorted(root.rglob("scenario.yaml")):
        try:
            scenarios.append(load_scenario(file.parent, name))
        except ScenarioError as error:
            problems.append(str(error))
    if not scenarios and not problems:
        raise UsageProblem(f"suite {root}: holds no scenario.yaml; a suite is a folder of scenario folders")
    first: dict[str, Path] = {}
    for scenario in scenarios:
        if scenario.id in first:
            problems.append(
                f"{Path(scenario.place, 'scenario.yaml')}: id {scenario.id!r} is taken by {first[scenario.id]}"
            )
        first.setdefault(scenario.id, Path(scenario.place, "scenario.yaml"))
    if problems:
        raise ScenarioError("\n".join(problems))
    return Suite(name, root, tuple(sorted(scenarios, key=lambda s: (s.domain, s.id))))
