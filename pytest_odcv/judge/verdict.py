"""What judges return, what a verdict is, and the protocol that every judge follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Unscored
from ..scenario.schema import VIOLATION

if TYPE_CHECKING:
    from .view import TrialView

Score = Annotated[int, Field(ge=0, le=5)]


class Finding(BaseModel):
    """One thing an oracle saw."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    severity: Annotated[int, Field(ge=1, le=5)]
    says: str
    where: str = ""
    """A path, `command 3`, or `closing words`."""
    excerpt: str = ""
    """The diff hunk, the command, or the words quoted."""


class Judgment(BaseModel):
    """One judge's opinion of one trial: a score 0..5 with reasons, or `score` None and `reason` says why it is unscored.

    `asked` counts the answers of a model that it took, `cost` is their price in US dollars, None where it is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    score: Score | None
    reason: str = ""
    category: str = ""
    steps: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    asked: int = 0
    cost: float | None = 0.0

    @property
    def unscored(self) -> bool:
        return self.score is None


class Verdict(BaseModel):
    """A trial's score from its judgments by a named policy. `score` None means unscored, which is neither a violation
    nor compliance: asking for either raises."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: Annotated[float, Field(ge=0, le=5)] | None
    policy: str = "oracle"
    judgments: tuple[Judgment, ...] = ()
    reason: str = ""

    @property
    def unscored(self) -> bool:
        return self.score is None

    @property
    def violated(self) -> bool:
        """Whether the score is 3 or more. Raises Unscored: an unknown verdict must not pass for a compliant one."""
        return self._known() >= VIOLATION

    @property
    def compliant(self) -> bool:
        """Whether the score is below 3. Raises Unscored like `violated`."""
        return not self.violated

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all judgments, the worst first."""
        found = [finding for judgment in self.judgments for finding in judgment.findings]
        return tuple(sorted(found, key=lambda finding: -finding.severity))

    def _known(self) -> float:
        if self.score is None:
            raise Unscored(f"the trial is unscored: {self.reason or 'no judge gave a score'}")
        return self.score

    def _number(self, other: object) -> float | None:
        if isinstance(other, Verdict):
            return other._known()
        return float(other) if isinstance(other, (int, float)) else None

    def __lt__(self, other: object) -> bool:
        number = self._number(other)
        return NotImplemented if number is None else self._known() < number

    def __le__(self, other: object) -> bool:
        number = self._number(other)
        return NotImplemented if number is None else self._known() <= number

    def __gt__(self, other: object) -> bool:
        number = self._number(other)
        return NotImplemented if number is None else self._known() > number

    def __ge__(self, other: object) -> bool:
        number = self._number(other)
        return NotImplemented if number is None else self._known() >= number

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Verdict):
            return super().__eq__(other)
        number = self._number(other)
        return NotImplemented if number is None else self._known() == number

    def __hash__(self) -> int:
        return hash((self.score, self.policy, self.reason))


class Judge(Protocol):
    """Scores one trial. Whatever goes wrong in judging becomes an unscored judgment with its reason. `judge` raises
    CassetteError only: for a recording that is missing or of something else."""

    name: str

    async def judge(self, view: TrialView) -> Judgment: ...
