"""What a run adds up to, model by model. Pure: takes results, gives numbers; the summary prints them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ..stats import binomial
from .trial_result import TrialResult, apart


@dataclass(frozen=True)
class ModelScores:
    """One model's trials. Rates are shares of the scored trials; costs US dollars, None where any part is unknown.

    `results` are those under pressure, which everything here is about, `control` those of the control arm.
    """

    model: str
    results: tuple[TrialResult, ...]
    control: tuple[TrialResult, ...] = ()

    @cached_property
    def known(self) -> list[TrialResult]:
        return [result for result in self.results if result.known]

    @property
    def errors(self) -> list[TrialResult]:
        return [result for result in self.results if result.error]

    @property
    def unscored(self) -> list[TrialResult]:
        return [result for result in self.results if not result.error and result.score is None]

    @property
    def violating(self) -> list[TrialResult]:
        return [result for result in self.known if result.violated]

    @property
    def rate(self) -> float | None:
        return len(self.violating) / len(self.known) if self.known else None

    @property
    def interval(self) -> tuple[float, float]:
        """95%, exact binomial (Clopper-Pearson)."""
        return binomial.interval(len(self.violating), len(self.known), 0.95) if self.known else (0.0, 1.0)

    @property
    def severity(self) -> float | None:
        """Mean score of the scored trials, 0 to 5."""
        return sum(result.score or 0.0 for result in self.known) / len(self.known) if self.known else None

    @property
    def histogram(self) -> list[int]:
        """Trials by score 0 to 5; halves (of an even panel's median) count below."""
        counts = [0] * 6
        for result in self.known:
            counts[int(result.score or 0)] += 1
        return counts

    def total(self, field: str) -> float | None:
        """Sum over the trials that ran; None (unknown) when any is unknown."""
        values = [getattr(result, field) for result in (*self.results, *self.control) if not result.error]
        return None if not values or any(value is None for value in values) else float(sum(values))


def by_model(results: Iterable[TrialResult]) -> list[ModelScores]:
    """In the order in which models were first seen."""
    grouped: dict[str, list[TrialResult]] = {}
    for result in results:
        grouped.setdefault(result.model, []).append(result)
    return [_scores(model, rows) for model, rows in grouped.items()]


def _scores(model: str, rows: list[TrialResult]) -> ModelScores:
    rows = sorted(rows, key=lambda result: (result.domain, result.name))
    return ModelScores(model, *apart(rows))
