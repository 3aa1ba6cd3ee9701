"""What is tried, and what comes of it, as values."""

from __future__ import annotations

from dataclasses import dataclass

from ..evidence.evidence import Evidence
from ..judge.verdict import Verdict
from ..scenario.case import Case
from ..trajectory import Trajectory


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
    recorded: str = ""
    """When a replayed trial was recorded, in UTC; empty where that is unknown."""
    sealed: bool = True
    """False for a replayed trial whose recording is of a version before seals."""

    def __repr__(self) -> str:
        """Short: asyncio takes the repr of a task's result at every signal handler it restores."""
        return f"<Trial {self.case.id}: {'unscored' if self.judged.score is None else f'score {self.judged.score:g}'}>"

    @property
    def verdict(self) -> Verdict:
        self.looked_at = True
        return self.judged
