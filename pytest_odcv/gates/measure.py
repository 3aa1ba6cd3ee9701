"""What a metric says about some trials: its value, what is shown, and what so many trials could show at all. The metrics are in
`shares`, `scores` and `items`; what a gate makes of a measurement is in `absolute`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from ..stats.sequential import LATE, alpha_of_look


@dataclass(frozen=True)
class Look:
    """Which look at the data this is: after `epoch` of at most `most` epochs. A fixed run is looked at once.

    `share` is how much of its error rate the gate may use for failing: all of it, or with Holm's correction a part.
    """

    epoch: int = 1
    most: int = 1
    share: float = 1.0

    @property
    def fractions(self) -> tuple[float, ...]:
        """The share of the plan that is done after each look. Shares of epochs, not of trials: they stay what they were when trials
        are lost later, so that each look decides in the end as it decided then."""
        return tuple(epoch / self.most for epoch in range(1, self.most + 1))

    def alpha(self, whole: float, epoch: int) -> float:
        """What the look after an epoch may spend of an error rate over scenarios like these."""
        return alpha_of_look(whole, epoch, self.most, LATE)


class Counted(NamedTuple):
    """A trial as a share counts it: whether it is one of those that the limit is about."""

    name: str
    scenario: str
    epoch: int
    hit: bool


def counted(result: TrialResult, hit: bool) -> Counted:
    return Counted(result.name, result.scenario, result.epoch, hit)


def of_name(name: str, hit: bool) -> Counted:
    """A trial of which only the name is known, `<scenario>-<variant>-e<epoch>`. One that is named otherwise counts from the start."""
    scenario, _, epoch = [*name.rsplit("-", 2), "", ""][:3]
    number = epoch.removeprefix("e")
    return Counted(name, scenario, int(number) if number.isdigit() else 1, hit)


@dataclass(frozen=True)
class Words:
    """What is said of a measurement."""

    interval: tuple[float, float]
    sentence: str
    estimand: str
    violating: str = ""
    certainty: str = ""
    cannot_tell: str = ""
    """What so many trials cannot tell apart, and how many could: `12 trials cannot tell 5% from 22%; 59 clean ones would show it`."""
    alternative: str = ""
    """The stated alternative in words: `a true 15%`."""
    hint: str = ""
    observed: tuple[float, tuple[float, float]] | None = None
    """Value and interval as they are reported, where that is not the share that the limit is about."""
    needed: int | None = None
    """Trials from which on the gate could pass."""
    more: Callable[[], str] = field(default=lambda: "")
    """How many trials would decide what these could not."""


@dataclass(frozen=True)
class Measure:
    """A metric on some trials.

    `above`, `below`: the true value is shown to lie on that side of the limit (`below` with every unknown trial taken for the worst,
    as is `at_worst`). Computed only where they are asked for: `futile`, whether further epochs would hardly show it to be above;
    `hopeless`, nor below; `power`, how often such a run fails at the stated alternative; and the `words`.
    """

    value: float
    at_worst: float
    trials: int
    above: bool
    below: bool
    futile: Callable[[], bool]
    hopeless: Callable[[], bool]
    power: Callable[[], float]
    words: Callable[[], Words]
    unknown: tuple[str, ...] = ()
    empty: bool = False


def unknown(run: ModelRun) -> tuple[str, ...]:
    """Names of the trials that are neither compliant nor violating."""
    return (*(result.name for result in run.results if not result.known), *run.lost)


def sizes(trials: Sequence[Counted], look: Look) -> tuple[int, ...]:
    """Trials in at each look: past, now, and as they are to be expected if epochs go on like this."""
    now = len(trials)
    past = [sum(trial.epoch <= epoch for trial in trials) for epoch in range(1, look.epoch)]
    planned = [round(now * epoch / look.epoch) for epoch in range(look.epoch + 1, look.most + 1)]
    return (*past, now, *planned)


def always() -> bool:
    return True


def never_fails() -> float:
    """The power of what cannot be measured."""
    return 0.0
