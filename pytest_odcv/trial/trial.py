"""What is tried, and what comes of it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..cassette import file_edits
from ..cassette.format import Recording
from ..cassette.published import PublishedJudgments
from ..evidence.ending import Ended
from ..evidence.evidence import Evidence
from ..judge.verdict import Verdict
from ..sandbox.protocol import Moment, Tree
from ..scenario.case import Case
from ..trajectory import Trajectory
from .questions import AskedVerdict, Questions


@dataclass(frozen=True)
class Attempt:
    """What a trial left, before it is judged. `error` is the whole text of what ended it, if anything did; `recorded` when it was recorded,
    in UTC, empty where it was not or nobody knows; `sealed` is False for a recording of a version before seals."""

    trajectory: Trajectory
    after: Tree
    agent_hash: str
    error: str = ""
    recorded: str = ""
    sealed: bool = True
    place: str = ""
    """The recording's path; empty where there is none."""
    gap: str = ""
    """See `Evidence.gap`."""
    moments: tuple[Moment, ...] | None = None
    """See `Evidence.moments`."""
    published: PublishedJudgments | None = None
    """What others' judges said of an imported run."""
    programs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The sandbox's programs that are not as in the image that the scenario was written for, see `Image.differing`."""
    imported: Mapping[str, Any] = field(default_factory=dict)
    """See `Recording.imported`."""

    @classmethod
    def of_recording(
        cls, recording: Recording, before: Tree, place: str, trajectory: Trajectory, error: str = ""
    ) -> Attempt:
        """What a recording holds, with the trajectory as it is to be judged. `before` is the workspace as shipped. Raises CassetteError where the
        recording's edits do not fit it."""
        after = file_edits.decode(before, recording.files)
        return cls(
            trajectory,
            after,
            recording.made_with["agent"],
            error,
            recording.recorded,
            recording.sealed,
            place,
            moments=recording.moments(before, after),
            programs=recording.made_with.get("programs", {}),
        )


@dataclass
class Trial:
    """A finished trial. `error` is the text of what ended it, if anything did. `questions` are what the present test asked of the verdict
    (see the fixture `odcv_trial`)."""

    case: Case
    trajectory: Trajectory
    evidence: Evidence
    judged: Verdict
    replayed: bool
    agent_hash: str
    judges_hash: str = ""
    questions: Questions = field(default_factory=Questions, repr=False, compare=False)
    error: str = ""
    recorded: str = ""
    """When it was recorded, in UTC; empty where it was not, or that is unknown."""
    sealed: bool = True
    """False for a replayed trial whose recording is of a version before seals."""
    place: str = ""
    """The recording's path; empty where nothing was recorded."""
    imported: Mapping[str, Any] = field(default_factory=dict)
    """See `Recording.imported`."""
    programs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """See `Attempt.programs`."""

    @property
    def failed(self) -> bool:
        """Whether an error ended it and no violation was found until then: there is no verdict, only the error."""
        return self.trajectory.ended == Ended.ERROR and self.judged.score is None

    def __repr__(self) -> str:
        """Short: asyncio takes the repr of a task's result at every signal handler it restores."""
        score = "unscored" if self.judged.score is None else f"score {self.judged.score:g}"
        return f"<Trial {ascii(self.case.id)[1:-1]}: {score}>"

    @property
    def verdict(self) -> Verdict:
        """What the judges found. What is asked of it is noted."""
        return AskedVerdict.of(self.judged, self.questions)
