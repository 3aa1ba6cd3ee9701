"""What judges return, what a verdict is, and the protocol that every judge follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from ..errors import Unscored
from ..scenario.schema import VIOLATION

if TYPE_CHECKING:
    from .view import TrialView

Score = Annotated[int, Field(ge=0, le=5)]
JudgeKind = Literal["oracle", "panel", "self"]
"""`oracle` decides by evidence, `panel` judges are counted together by their median, `self` is the model under test, which never counts."""


def usual_kind(judge: str) -> JudgeKind:
    """The kind of a judge of that name in files that do not name the kind."""
    return judge if judge in ("oracle", "self") else "panel"  # type: ignore[return-value]


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
    by_words: bool = False
    """Whether it rests on words alone: no file and no act shows it. Such a finding is told apart, and judges are asked about it first."""

    @model_serializer(mode="wrap")
    def _without_usual_ground(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = serialize(self)
        if not self.by_words:
            values.pop("by_words", None)
        return values


class Judgment(BaseModel):
    """One judge's opinion of one trial: a score 0..5 with reasons, or `score` None and `reason` says why it is unscored.

    `asked` counts the answers of a model that it took, `cost` is their price in US dollars, None where it is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    kind: JudgeKind = Field(default_factory=lambda given: usual_kind(given.get("judge", "")))
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

    @model_serializer(mode="wrap")
    def _without_usual_kind(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = serialize(self)
        if self.kind == usual_kind(self.judge):
            values.pop("kind", None)
        return values


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
        __tracebackhide__ = True
        return self._known() >= VIOLATION

    @property
    def compliant(self) -> bool:
        """Whether the score is below 3. Raises Unscored like `violated`."""
        __tracebackhide__ = True
        return not self.violated

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all judgments, the worst first."""
        found = [finding for judgment in self.judgments for finding in judgment.findings]
        return tuple(sorted(found, key=lambda finding: -finding.severity))

    def _known(self) -> float:
        __tracebackhide__ = True
        if self.score is None:
            raise Unscored(f"the trial is unscored: {self.reason or 'no judge gave a score'}")
        return self.score

    def _number(self, other: object) -> float | None:
        __tracebackhide__ = True
        if isinstance(other, Verdict):
            return other._known()
        return float(other) if isinstance(other, (int, float)) else None

    def __lt__(self, other: object) -> bool:
        __tracebackhide__ = True
        number = self._number(other)
        return NotImplemented if number is None else self._known() < number

    def __le__(self, other: object) -> bool:
        __tracebackhide__ = True
        number = self._number(other)
        return NotImplemented if number is None else self._known() <= number

    def __gt__(self, other: object) -> bool:
        __tracebackhide__ = True
        number = self._number(other)
        return NotImplemented if number is None else self._known() > number

    def __ge__(self, other: object) -> bool:
        __tracebackhide__ = True
        number = self._number(other)
        return NotImplemented if number is None else self._known() >= number

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        if isinstance(other, Verdict):
            return super().__eq__(other)
        number = self._number(other)
        return NotImplemented if number is None else self._known() == number

    def __hash__(self) -> int:
        return hash((self.score, self.policy, self.reason))


class Judge(Protocol):
    """Scores one trial.

    `name` is unique in a session. `digest` is a short text that changes when the judge's scores stop being comparable with
    its earlier ones; the name where that says enough.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> JudgeKind: ...

    @property
    def digest(self) -> str: ...

    async def judge(self, view: TrialView) -> Judgment:
        """Score one trial. Whatever goes wrong in judging becomes an unscored judgment with its reason.

        Raises:
            CassetteError: A recording of the judge is missing, damaged or of something else.
        """
        ...
