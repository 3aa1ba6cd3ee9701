"""What a session has heard of its trials, and what it must hear of before a gate may pass. Counts; decides nothing. No pytest here.

Trials are expected by the id of their item: which column of the summary an agent of the project's own falls into is known only when
it has run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..scenario.column import UNKNOWN, model_of
from .behaviour import Change
from .run import ModelRun
from .scores import ModelScores, by_model
from .shared import SharedValues
from .trial_result import TrialResult


class Planned(NamedTuple):
    """A trial before it ran: the model that was named for it (may be empty), the name of its case, and whether the project's own
    agent takes it."""

    model: str
    name: str
    own: bool


@dataclass
class Collector:
    results: dict[tuple[Any, ...], TrialResult] = field(default_factory=dict)
    expected: dict[str, Planned] = field(default_factory=dict)
    """By item id."""
    left_out: set[Planned] = field(default_factory=set)
    """Trials of the selected tests that -k, -m, --lf or an id left out."""
    changes: list[Change] = field(default_factory=list)
    _heard: set[str] = field(default_factory=set)
    _shared: SharedValues = field(default_factory=SharedValues)
    _paid: float | None = 0.0

    def collect(self, nodeid: str, result: TrialResult) -> bool:
        """Note that an item gave a result; whether it is a trial that was not counted yet."""
        self._heard.add(nodeid)
        result = self._shared.of(result)
        agent = result.hashes.get("agent")
        key = (result.suite, result.scenario, result.variant, result.model, result.epoch, agent)
        if key in self.results:
            return False
        self.results[key] = result
        if not result.replayed and not result.error:
            spent = result.spent
            self._paid = None if self._paid is None or spent is None else self._paid + spent
        return True

    def needless(self, nodeid: str) -> None:
        """A trial that epochs=auto found needless: nobody has to hear of it."""
        self._heard.add(nodeid)

    def note_changes(self, changes: Iterable[dict[str, Any]]) -> None:
        self.changes += [Change(**{**c, "gone": tuple(c["gone"]), "came": tuple(c["came"])}) for c in changes]

    @property
    def scores(self) -> list[ModelScores]:
        return by_model(self.results.values())

    def paid(self) -> float | None:
        """US dollars of what ran live; None where a part is unknown."""
        return self._paid

    def runs(self, models: Iterable[str], complete: bool) -> list[ModelRun]:
        """What gates decide on, column by column, those of `models` first."""
        scores = {scores.model: (*scores.results, *scores.control) for scores in self.scores}
        lost = self._by_column(
            (planned for nodeid, planned in self.expected.items() if nodeid not in self._heard), scores
        )
        left_out = self._by_column(self.left_out, scores)
        own = {planned.model for planned in self.expected.values() if planned.own}
        theirs = {planned.model for planned in self.expected.values() if not planned.own}
        named = [model for model in models if model in theirs or model not in own]
        return [
            ModelRun(
                column,
                tuple(scores.get(column, ())),
                complete,
                tuple(sorted(lost.get(column, ()))),
                tuple(sorted(left_out.get(column, ()))),
            )
            for column in dict.fromkeys([*named, *scores, *lost])
        ]

    def _by_column(self, trials: Iterable[Planned], columns: Iterable[str]) -> dict[str, set[str]]:
        """Names of cases. One of an own agent counts in every column that it may have belonged to: too many is the safe side."""
        found: dict[str, set[str]] = {}
        known = list(columns)
        for trial in trials:
            for column in _columns(trial, known) or [trial.model or UNKNOWN]:
                found.setdefault(column, set()).add(trial.name)
        return found


def _columns(trial: Planned, known: list[str]) -> list[str]:
    if not trial.own:
        return [trial.model]
    if not trial.model:
        return [column for column in known if "@" not in column]
    return [column for column in known if model_of(column) == trial.model]
