"""A scenario as a value: what it says, the files it ships, the truth about them, its playbooks and its hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from types import ModuleType
from typing import Any

from ..errors import ScenarioError
from ..evidence.files import Files
from ..sandbox import clock
from ..sandbox.protocol import Limits, Tree
from .image import Image
from .playbook import Playbook
from .schema import ARMS, CONTROL, VARIANTS, Oracle, ScenarioSpec, Variant
from .shipped import with_unix_line_ends

HONEST = "honest"
"""The playbook that every scenario has."""


@dataclass(frozen=True)
class Parts:
    """Where a scenario's contents come from: functions that a loader supplies. Each is called at most once, when it is needed.

    `tree` gives the files of /app and /usr/local/bin, `oracle` the module with `truth` and `check` (None where there is none),
    `oracle_source` its text for hashing, `playbooks` what the reference agents play, by name.
    """

    tree: Callable[[], Tree]
    oracle: Callable[[], ModuleType | None]
    oracle_source: Callable[[], bytes]
    playbooks: Callable[[], dict[str, Playbook]]


@dataclass(frozen=True)
class Scenario:
    """One loaded scenario. `place` says in messages where it lies, such as the path of its folder."""

    spec: ScenarioSpec
    parts: Parts
    suite: str
    place: str
    broken: str = ""
    """Why it cannot be tried, in whole sentences; a run of it that somebody else made can be read all the same."""
    image: Image | None = None
    """The container image that it was written for, if it was for one."""

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def domain(self) -> str:
        return self.spec.domain

    @property
    def has_control(self) -> bool:
        return self.spec.prompts.control is not None

    @property
    def arms(self) -> tuple[Variant, ...]:
        """The variants that it has a prompt for."""
        return ARMS if self.has_control else VARIANTS

    def user_prompt(self, variant: Variant) -> str:
        """Raises ScenarioError for the control variant of a scenario that has none."""
        prompt: str | None = getattr(self.spec.prompts, variant)
        if prompt is None:
            raise ScenarioError(f"{self.place}: scenario {self.id} has no prompts.{variant} in scenario.yaml")
        return prompt

    def limits(self) -> Limits:
        changed = {k: v for k, v in self.spec.limits.model_dump().items() if v is not None}
        return Limits(**changed)

    @property
    def clock(self) -> datetime | None:
        """What the time is when a trial begins; None for today's."""
        return None if self.spec.clock is None else clock.read(self.spec.clock)

    def at(self, moment: str | None) -> Scenario:
        """The scenario with this clock, as `clock.spelled` has it; with None, with none of its own."""
        if moment == self.spec.clock:
            return self
        return replace(self, spec=self.spec.model_copy(update={"clock": moment}))

    @cached_property
    def before(self) -> Tree:
        """The workspace and the tools as shipped, at the paths where the agent finds them."""
        return self.parts.tree()

    @cached_property
    def oracle_module(self) -> ModuleType | None:
        return self.parts.oracle()

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
                f"truth() failed: {type(error).__name__}: {error} ({getattr(self.oracle_module, '__file__', self.place)})"
            ) from error

    @cached_property
    def truth_as_shipped(self) -> Mapping[str, Any]:
        """What `truth_at(pristine, files)` of oracle.py gives for the files as shipped, for `odcv check`; nothing where there is none. Raises
        ScenarioError when it fails."""
        compute = getattr(self.oracle_module, "truth_at", None)
        if compute is None:
            return {}
        try:
            return dict(compute(Files(self.before), Files(self.before)))
        except Exception as error:
            raise ScenarioError(
                f"truth_at() failed: {type(error).__name__}: {error} ({self.place})"
            ) from error

    @cached_property
    def playbooks(self) -> dict[str, Playbook]:
        return self.parts.playbooks()

    def playbook_of(self, agent: str, variant: Variant) -> Playbook:
        """The playbook that the scripted reference agent `agent` plays: in the control variant an honest one, unless the scenario says
        otherwise. Raises ScenarioError listing the agents."""
        roles = self.spec.reference.get(agent)
        name = agent if roles is None else roles.get(variant, HONEST if variant == CONTROL else agent)
        if name not in self.playbooks:
            known = sorted({*self.playbooks, *self.spec.reference})
            raise ScenarioError(
                f"scenario {self.id} has no reference agent {agent!r}; it has: {', '.join(known)}"
            )
        return self.playbooks[name]

    @cached_property
    def hashes(self) -> dict[str, str]:
        """`prompts` by variant, `environment` (files, run bits, limits, clock) and `oracle` (rules, oracle.py): 16 hex digits of SHA-256
        each. A recording stays valid while prompts and environment do; a verdict is comparable while the oracle does too."""
        spec = self.spec
        files = [
            (p, s.kind, s.sha256, bool(s.mode & 0o111)) for p, s in self.before.items() if s.kind != "dir"
        ]
        return {
            "mandated": _digest([spec.system_prompt, spec.prompts.mandated]),
            "incentivized": _digest([spec.system_prompt, spec.prompts.incentivized]),
            **({CONTROL: _digest([spec.system_prompt, spec.prompts.control])} if self.has_control else {}),
            # Without channels and clock as it always was: what was recorded before there were any stays valid.
            "environment": _digest(
                [
                    files,
                    spec.limits.model_dump(),
                    *([spec.channels] if spec.channels else []),
                    *([{"clock": spec.clock}] if spec.clock else []),
                ]
            ),
            "oracle": _digest(
                [
                    _rules(spec.oracle),
                    spec.kpi.model_dump(),
                    hashlib.sha256(self.parts.oracle_source()).hexdigest(),
                ]
            ),
        }

    def matching(self, environment: str | None) -> Scenario:
        """The form of the scenario that has this hash of the environment: itself, or as it was before a checkout converted its line
        ends; itself where neither has it."""
        if environment in (None, self.hashes["environment"]):
            return self
        other = self.with_unix_line_ends
        return other if other.hashes["environment"] == environment else self

    @cached_property
    def with_unix_line_ends(self) -> Scenario:
        """The scenario as it was before a checkout gave its texts CRLF line ends; what was recorded of it stays valid."""
        tree = with_unix_line_ends(self.before)
        source = self.parts.oracle_source().replace(b"\r\n", b"\n")
        return replace(self, parts=replace(self.parts, tree=lambda: tree, oracle_source=lambda: source))


def _rules(oracle: Oracle) -> dict[str, Any]:
    """Rules as they are hashed: without the fields that came later and are not used, so that results of before stay comparable."""
    found = oracle.model_dump(by_alias=True)
    for rule in found["rules"]:
        if rule.get("filed") is False:
            del rule["filed"]
        if rule.get("remarks") is False:
            del rule["remarks"]
        if rule.get("done") and rule["done"].get("call") is None:
            del rule["done"]["call"]
    return found


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]
