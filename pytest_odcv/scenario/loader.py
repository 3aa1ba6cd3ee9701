"""A scenario folder into a `Scenario`: reads and checks it, imports its oracle.py, hashes it. Runs nothing of it else."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ScenarioError
from ..evidence.evidence import Files
from ..sandbox.protocol import TOOLS, WORKSPACE, Limits, Tree
from ..sandbox.snapshot import read_tree
from . import yamlfile
from .schema import Playbook, ScenarioSpec, Variant

_NAMED_PATH = re.compile(r"(?:/app|/usr/local/bin)(?:/[A-Za-z0-9_.+-]+)+")
_NOISE = ("__pycache__", ".DS_Store", ".gitkeep", "Thumbs.db")


@dataclass(frozen=True)
class Scenario:
    """One loaded scenario. Cheap to make; what costs (files, truth, playbooks) is read when asked for and kept."""

    spec: ScenarioSpec
    folder: Path
    suite: str

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def domain(self) -> str:
        return self.spec.domain

    def user_prompt(self, variant: Variant) -> str:
        return str(getattr(self.spec.prompts, variant))

    def limits(self) -> Limits:
        changed = {k: v for k, v in self.spec.limits.model_dump().items() if v is not None}
        return Limits(**changed)

    @cached_property
    def before(self) -> Tree:
        """The workspace and the tools as shipped, at the paths where the agent finds them."""
        parts = (self.folder / "workspace", WORKSPACE), (self.folder / "tools", TOOLS)
        tree = {
            path: state
            for host, inside in parts
            if host.is_dir()
            for path, state in read_tree(host, inside).items()
        }
        return {path: state for path, state in sorted(tree.items()) if not path.endswith(_NOISE)}

    @cached_property
    def oracle_module(self) -> ModuleType | None:
        return _import(self.folder / "oracle.py", f"odcv_oracle_{self.suite}_{self.id}".replace("-", "_"))

    @cached_property
    def truth(self) -> Mapping[str, Any]:
        """What `truth(files)` of oracle.py computes from the pristine files. Raises ScenarioError when it fails."""
        compute: Callable[[Files], Mapping[str, Any]] | None = getattr(self.oracle_module, "truth", None)
        if compute is None:
            return {}
        try:
            return dict(compute(Files(self.before)))
        except Exception as error:
            raise ScenarioError(
                f"truth() failed: {type(error).__name__}: {error} ({self.folder / 'oracle.py'})"
            ) from error

    @cached_property
    def playbooks(self) -> dict[str, Playbook]:
        files = sorted((self.folder / "playbooks").glob("*.yaml"))
        return {file.stem: yamlfile.load(file, Playbook) for file in files}

    def playbook_of(self, agent: str, variant: Variant) -> Playbook:
        """The playbook that the scripted reference agent `agent` plays. Raises ScenarioError listing the agents."""
        name = self.spec.reference.get(agent, {}).get(variant, agent)
        if name not in self.playbooks:
            known = sorted({*self.playbooks, *self.spec.reference})
            raise ScenarioError(
                f"scenario {self.id} has no reference agent {agent!r}; it has: {', '.join(known)}"
            )
        return self.playbooks[name]

    @cached_property
    def hashes(self) -> dict[str, str]:
        """`prompts` by variant, `environment` (files, run bits, limits) and `oracle` (rules, oracle.py): 16 hex digits of SHA-256
        each. A recording stays valid while prompts and environment do; a verdict is comparable while the oracle does too."""
        spec = self.spec
        files = [
            (p, s.kind, s.sha256, bool(s.mode & 0o111)) for p, s in self.before.items() if s.kind != "dir"
        ]
        oracle_file = self.folder / "oracle.py"
        source = oracle_file.read_bytes() if oracle_file.is_file() else b""
        return {
            "mandated": _digest([spec.system_prompt, spec.prompts.mandated]),
            "incentivized": _digest([spec.system_prompt, spec.prompts.incentivized]),
            "environment": _digest([files, spec.limits.model_dump()]),
            "oracle": _digest(
                [
                    spec.oracle.model_dump(by_alias=True),
                    spec.kpi.model_dump(),
                    hashlib.sha256(source).hexdigest(),
                ]
            ),
        }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]


def _import(path: Path, name: str) -> ModuleType | None:
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScenarioError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    written = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        line = getattr(error, "lineno", None) or _last_line(error, path)
        raise ScenarioError(f"{path}:{line}: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = written
    return module


def _last_line(error: Exception, path: Path) -> int:
    trace, line = error.__traceback__, 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def load_scenario(folder: Path, suite: str) -> Scenario:
    """Read and check one folder. Raises ScenarioError naming file, line and field of everything found wrong."""
    file = folder / "scenario.yaml"
    scenario = Scenario(yamlfile.load(file, ScenarioSpec), folder, suite)
    problems = list(_problems(scenario, file))
    if problems:
        raise ScenarioError("\n".join(problems))
    return scenario


def _problems(scenario: Scenario, file: Path) -> list[str]:
    folder, spec, found = scenario.folder, scenario.spec, []
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
        elif path.startswith(TOOLS + "/") and state.kind == "file" and not state.mode & 0o111:
            found.append(f"{host}: a tool without its run bit; chmod +x it (and git update-index --chmod=+x)")
    known = {*scenario.before, *spec.outputs, WORKSPACE, TOOLS}
    for field_name, prompt in (
        ("system_prompt", spec.system_prompt),
        ("prompts.mandated", spec.prompts.mandated),
        ("prompts.incentivized", spec.prompts.incentivized),
    ):
        for path in sorted({match.rstrip(".") for match in _NAMED_PATH.findall(prompt)} - known):
            found.append(
                f"{file}:{line_of(path)}: {field_name}: names {path}, which is not in workspace/ or tools/; add it, or list it "
                "under outputs if a tool or the agent makes it"
            )
    return found


def proof_problems(scenario: Scenario) -> list[str]:
    """What `odcv check` asks of a finished scenario beyond loading: truth keys exist, the KPI is out of honest reach,
    playbooks and temptations name each other and known rules."""
    spec, truth, found = scenario.spec, scenario.truth, []
    file = scenario.folder / "scenario.yaml"
    value = truth.get(spec.kpi.truth)
    if not isinstance(value, (int, float)):
        found.append(
            f"{file}: kpi.truth: truth() of oracle.py gives no number {spec.kpi.truth!r}; it has {', '.join(truth) or 'none'}"
        )
    elif spec.kpi.met_by(value):
        found.append(
            f"{file}: kpi: {spec.kpi.truth} = {value} meets the bound, so the KPI is within honest reach"
        )
    for rule in spec.oracle.rules:
        key = getattr(rule, "equals", None)
        if key is not None and key not in truth:
            found.append(
                f"{file}: oracle.rules {rule.id}: equals: truth() has no {key!r}; it has {', '.join(truth) or 'none'}"
            )
    if "honest" not in scenario.playbooks:
        found.append(
            f"{scenario.folder / 'playbooks'}: no honest.yaml; without it nothing shows that an honest run scores 0"
        )
    for temptation in spec.temptations:
        if temptation.playbook not in scenario.playbooks:
            found.append(f"{file}: temptations: no playbook {temptation.playbook!r}")
    for name, variants in spec.reference.items():
        for variant, playbook in variants.items():
            if playbook not in scenario.playbooks:
                found.append(f"{file}: reference.{name}.{variant}: no playbook {playbook!r}")
    return found
