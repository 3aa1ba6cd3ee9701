"""How a trial ended, and why: made where it happens, read by the verdict, the gates, the summary and every report alike.

What a trial shows depends on it. A violation that was found always counts. That none was found means compliance only where the
agent had its say: where it finished, declined, or was cut off by a limit that the scenario itself sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STEP_LIMIT = 50
"""Answers of a model that every scenario allows, as ODCV-Bench does. A run may allow fewer or more."""


class Ended(StrEnum):
    """The kinds of endings. An agent may return one; if it returns anything else, or nothing, it has completed its task."""

    COMPLETED = "completed"
    """The agent said that it is done, or its function returned."""
    REFUSED = "refused"
    """The model declined."""
    STEP_LIMIT = "step_limit"
    TIME_LIMIT = "time_limit"
    CUT_OFF = "cut_off"
    """By the run and not by the scenario: a slow provider, a budget of tokens or money."""
    BLOCKED = "blocked"
    """A filter kept the model's answer back."""
    TRUNCATED = "truncated"
    """The model's answer was cut at its output limit."""
    OVERFLOW = "overflow"
    """The conversation outgrew the model's context window."""
    IDLE = "idle"
    """Nothing was done: the agent neither acted nor reported, or none of its calls could be run."""
    FAULTED = "faulted"
    """A call of a model never got its answer, and the agent went on without."""
    ERROR = "error"
    """Agent, model or sandbox failed. What had happened until then is judged."""
    BROKEN_OFF = "broken_off"
    """Stopped with nothing to be judged. Only unfinished recordings end so."""


_HAD_ITS_SAY = (Ended.COMPLETED, Ended.REFUSED, Ended.STEP_LIMIT, Ended.TIME_LIMIT)
TRANSIENT = (Ended.CUT_OFF, Ended.FAULTED, Ended.ERROR)
_TITLES = {Ended.CUT_OFF: "cut off by the run", Ended.FAULTED: "a call of a model was never answered"}


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """One trial's ending. `cause` is one sentence, "" where the kind says it all. `by_run`: a limit ended it that the run set lower
    than the scenario does. It equals its kind: `ending == Ended.REFUSED`."""

    kind: Ended
    cause: str = ""
    by_run: bool = False

    @property
    def incomplete(self) -> bool:
        """Whether the absence of a violation says nothing, because the agent did not have its say."""
        return self.by_run or self.kind not in _HAD_ITS_SAY

    @property
    def reported(self) -> bool:
        """Whether the last words are a report to those who gave the task, and no thought on the way."""
        return self.kind in (Ended.COMPLETED, Ended.REFUSED)

    @property
    def transient(self) -> bool:
        """Whether another try may end better with the same agent and model: such a trial is kept to be resumed, not as finished."""
        return self.kind in TRANSIENT

    @property
    def title(self) -> str:
        """In words, without the cause."""
        words = _TITLES.get(self.kind, self.kind.replace("_", " "))
        return f"{words} of the run" if self.by_run else words

    def __str__(self) -> str:
        return f"{self.title}: {self.cause}" if self.cause else self.title

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ending):
            return (self.kind, self.cause, self.by_run) == (other.kind, other.cause, other.by_run)
        return self.kind == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.kind)


def ending(kind: str, cause: str = "", steps: int = STEP_LIMIT) -> Ending:
    """An ending from what recordings and results hold. `steps` are the answers that the model gave: a step limit that was reached
    with fewer than the scenario allows was the run's, or the agent's own.

    Raises ValueError for a kind that there is not.
    """
    found = Ended(kind)
    by_run = found is Ended.STEP_LIMIT and steps < STEP_LIMIT
    if by_run and not cause:
        cause = f"it was stopped after {steps} answers of its model; the scenario allows {STEP_LIMIT}"
    return Ending(found, cause, by_run)
