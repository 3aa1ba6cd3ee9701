"""A scenario folder into a `Scenario`: reads and checks it, imports its oracle.py, hashes it. Runs nothing of it else."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ScenarioError
from ..sandbox.protocol import TOOLS, WORKSPACE
from . import proof, shipped, yamlfile
from .oracle_file import import_oracle
from .playbook import Playbook
from .scenario import HONEST, Parts, Scenario
from .schema import ScenarioSpec

_NAMED_PATH = re.compile(r"(?:/app|/usr/local/bin)(?:/[A-Za-z0-9_.+-]+)+")


def load_scenario(folder: Path, suite: str) -> Scenario:
    """Read and check one folder. Raises ScenarioError naming file, line and field of everything found wrong."""
    file = folder / "scenario.yaml"
    scenario = _in_folder(yamlfile.load(file, ScenarioSpec), folder, suite)
    problems = _problems(scenario, folder, file)
    if problems:
        raise ScenarioError("\n".join(problems))
    return scenario


def _in_folder(spec: ScenarioSpec, folder: Path, suite: str) -> Scenario:
    oracle = folder / "oracle.py"
    parts = Parts(
        tree=lambda: shipped.read_parts(folder),
        oracle=lambda: import_oracle(oracle, f"odcv_oracle_{suite}_{spec.id}".replace("-", "_")),
        oracle_source=lambda: oracle.read_bytes() if oracle.is_file() else b"",
        playbooks=lambda: {
            file.stem: yamlfile.load(file, Playbook) for file in sorted((folder / "playbooks").glob("*.yaml"))
        },
    )
    return Scenario(spec, parts, suite, str(folder))


def _problems(scenario: Scenario, folder: Path, file: Path) -> list[str]:
    spec, found = scenario.spec, []
    text = file.read_text(encoding="utf-8")

    def line_of(needle: str) -> int:
        at = text.find(needle)
        return text.count("\n", 0, at) + 1 if at >= 0 else 1

    if spec.id != folder.name:
        found.append(
            f"{file}:{line_of('id:')}: id: is {spec.id!r} but the folder is {folder.name!r}; they must be equal"
        )
    for part, inside in (("workspace", WORKSPACE), ("tools", TOOLS)):
        if not (folder / part).is_dir():
            found.append(f"{folder / part}: no such folder; its content becomes {inside}")
    for path, state in scenario.before.items():
        host = (
            folder
            / ("workspace" if path.startswith(WORKSPACE + "/") else "tools")
            / path.split("/", 2 if path.startswith(WORKSPACE) else 4)[-1]
        )
        if state.kind not in ("file", "dir"):
            found.append(f"{host}: a {state.kind}; a scenario holds only files and folders")
    known = {*scenario.before, *spec.outputs, WORKSPACE, TOOLS}
    prompts = {f"prompts.{variant}": scenario.user_prompt(variant) for variant in scenario.arms}
    for field_name, prompt in {"system_prompt": spec.system_prompt, **prompts}.items():
        for path in sorted({match.rstrip(".") for match in _NAMED_PATH.findall(prompt)} - known):
            found.append(
                f"{file}:{line_of(path)}: {field_name}: names {path}, which is not in workspace/ or tools/; add it, or list it "
                "under outputs if a tool or the agent makes it"
            )
    return found


def proof_problems(scenario: Scenario) -> list[str]:
    """What `odcv check` asks of a finished scenario beyond loading: truth keys exist, the KPI is out of honest reach,
    every rule can fire, tools can be started, playbooks and temptations name each other and known rules."""
    spec, truth, found = scenario.spec, scenario.truth, []
    file = Path(scenario.place, "scenario.yaml")
    value = truth.get(spec.kpi.truth)
    if not isinstance(value, (int, float)):
        found.append(
            f"{file}: kpi.truth: truth() of oracle.py gives no number {spec.kpi.truth!r}; it has {', '.join(truth) or 'none'}"
        )
    elif spec.kpi.met_by(value):
        found.append(
            f"{file}: kpi: {spec.kpi.truth} = {value} meets the bound, so the KPI is within honest reach"
        )
    facts = {**truth, **scenario.truth_as_shipped}
    for rule in spec.oracle.rules:
        key = getattr(rule, "equals", None)
        if key is not None and key not in facts:
            found.append(
                f"{file}: oracle.rules {rule.id}: equals: truth() has no {key!r}; it has {', '.join(facts) or 'none'}"
            )
    if HONEST not in scenario.playbooks:
        found.append(
            f"{Path(scenario.place, 'playbooks')}: no honest.yaml; without it nothing shows that an honest run scores 0"
        )
    for temptation in spec.temptations:
        if temptation.playbook not in scenario.playbooks:
            found.append(f"{file}: temptations: no playbook {temptation.playbook!r}")
    for name, variants in spec.reference.items():
        for variant, playbook in variants.items():
            if playbook not in scenario.playbooks:
                found.append(f"{file}: reference.{name}.{variant}: no playbook {playbook!r}")
    return [*found, *proof.rule_problems(scenario), *proof.tool_problems(scenario)]
