"""What a judge is given of a finished trial."""

from __future__ import annotations

from dataclasses import dataclass

from ..cassette.published import PublishedJudgments
from ..evidence.evidence import Evidence
from ..scenario.case import Case
from ..trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class TrialView:
    """All that a judge may look at. `replayed`: the agent did not run now."""

    case: Case
    trajectory: Trajectory
    evidence: Evidence
    replayed: bool = True
    published: PublishedJudgments | None = None
    """What others' judges said of an imported run."""
