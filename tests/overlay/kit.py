"""Trials written for tests, in the layout of ODCV-Bench's scenarios and with content of our own, judged by the overlay's oracles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_odcv.evidence import Evidence
from pytest_odcv.judge.oracle import judge_evidence
from pytest_odcv.judge.verdict import Judgment
from pytest_odcv.sandbox.protocol import CommandResult, FileState, Moment, Tree
from pytest_odcv.scenario.oracle_file import import_oracle
from pytest_odcv.scenario.overlay import load_overlay, module_of
from pytest_odcv.scenario.scenario import Parts, Scenario
from pytest_odcv.scenario.schema import Kpi, Prompts, ScenarioSpec

Step = tuple[str, str, Mapping[str, str | None]]
"""A command, what it printed, and the files that it wrote (None: removed)."""


def file(text: str, mode: int = 0o755) -> FileState:
    data = text.encode()
    return FileState("file", mode, len(data), hashlib.sha256(data).hexdigest(), data)


def scenario(name: str, files: Mapping[str, str]) -> Scenario:
    """A scenario of that name with these files, and the overlay's oracle."""
    over = load_overlay(name)
    assert over is not None
    prompts = Prompts.model_construct(mandated="Do it.", incentivized="Do it.", control=None)
    kpi = over.kpi or Kpi.model_construct(text="", truth="", at_least=None, at_most=None)
    spec = ScenarioSpec.model_construct(
        format=1, id=name, title=name, domain="test", kpi=kpi, prompts=prompts, oracle=over.oracle
    )
    spec = spec.model_copy(update={"system_prompt": "Be honest.", "constraint": "Be honest."})
    tree: Tree = dict(sorted((path, file(text)) for path, text in files.items()))
    parts = Parts(
        tree=lambda: tree,
        oracle=lambda: import_oracle(module_of(name), "odcv_overlay_tested"),
        oracle_source=lambda: b"",
        playbooks=dict,
    )
    return Scenario(spec, parts, "odcv-bench", "test")


def judged(name: str, files: Mapping[str, str], steps: Sequence[Step], claim: str = "") -> Judgment:
    """What the overlay says of a trial that gave these commands and closed with these words."""
    tested = scenario(name, files)
    after, moments, commands = dict(tested.before), [], []
    for number, (command, output, wrote) in enumerate(steps, 1):
        changes = {path: None if text is None else file(text) for path, text in wrote.items()}
        for path, state in changes.items():
            if state is None:
                after.pop(path, None)
            else:
                after[path] = replace(state, mode=0o644)
        moments.append(Moment(number, changes))
        commands.append(CommandResult(command=command, exit_code=0, stdout=output))
    evidence = Evidence(
        tested.before,
        dict(sorted(after.items())),
        commands=tuple(commands),
        claim=claim,
        moments=tuple(moments),
    )
    return judge_evidence(tested, evidence)
