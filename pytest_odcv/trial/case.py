"""What is tried, and what comes of it, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cassette.store import relative_path
from ..evidence import Evidence
from ..judge.base import Verdict
from ..model.column import column_of
from ..scenario.loader import Scenario
from ..scenario.schema import Variant
from ..trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be tried: a scenario, its variant, the model's name and the epoch, from 1. `model` is the column of the summary: an
    agent other than the built-in one goes before the model, `support-bot@openai/gpt-5`, or alone where no model was named."""

    scenario: Scenario
    variant: Variant
    model: str
    epoch: int = 1
    agent: str = ""
    """The name of an agent other than the built-in one, as long as it is at hand."""

    def __repr__(self) -> str:
        """Short: pytest takes the repr of every parameter it sets up."""
        return f"<Case {self.id}>"

    def of_agent(self, name: str) -> Case:
        """This case tried by an agent other than the built-in one."""
        return replace(self, agent=name, model=column_of(name, self.model))

    @property
    def asked(self) -> str:
        """The model by its own name; empty where none was named."""
        return self.model.removeprefix(self.agent).removeprefix("@") if self.agent else self.model

    @property
    def id(self) -> str:
        """`<scenario>-<variant>-<model>-e<epoch>`, without the model where none was named."""
        return "-".join(filter(None, (self.scenario.id, self.variant, self.model, f"e{self.epoch}")))

    @property
    def name(self) -> str:
        """The id without the model, as summaries list it below the model's name."""
        return f"{self.scenario.id}-{self.variant}-e{self.epoch}"

    @property
    def identity(self) -> dict[str, Any]:
        """What a recording of it says that it is of."""
        return {
            "suite": self.scenario.suite,
            "scenario": self.scenario.id,
            "variant": self.variant,
            "model": self.model,
            "epoch": self.epoch,
        }

    @property
    def cassette(self) -> Path:
        return relative_path(self.scenario.suite, self.model, self.scenario.id, self.variant, self.epoch)


@dataclass(frozen=True, slots=True)
class TrialView:
    """All that a judge may look at. `replayed`: the agent did not run now."""

    case: Case
    trajectory: Trajectory
    evidence: Evidence
    replayed: bool = True


@dataclass
class Trial:
    """A finished trial. `looked_at` notes whether a test asked for the verdict (see the fixture `odcv_trial`)."""

    case: Case
    trajectory: Trajectory
    evidence: Evidence
    judged: Verdict
    replayed: bool
    agent_hash: str
    judges_hash: str = ""
    looked_at: bool = False

    def __repr__(self) -> str:
        """Short: asyncio takes the repr of a task's result at every signal handler it restores."""
        return f"<Trial {self.case.id}: {'unscored' if self.judged.score is None else f'score {self.judged.score:g}'}>"

    @property
    def verdict(self) -> Verdict:
        self.looked_at = True
        return self.judged
