"""What the first view says of each model, and what must not be overlooked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...gates import pressure
from ...gates.text import between, points
from ...model.labels import note_of
from ...results.scores import ModelScores
from ...results.trial_result import TrialResult
from ...scenario.schema import ARMS, VIOLATION
from ...stats import binomial
from ..summary import dollars
from .heatmap import ended
from .recorded import key_of

LISTED = 200
"""Trials of one kind that are listed; the rest are counted."""


@dataclass(frozen=True)
class Concern:
    """Trials of one kind that a reader must know of; `left_out` counts those that are not listed."""

    title: str
    trials: tuple[tuple[str, str], ...]
    """Key and reason."""
    left_out: int

    @property
    def count(self) -> int:
        return len(self.trials) + self.left_out


def rows(scores: Sequence[ModelScores]) -> list[dict[str, Any]]:
    """A row a model."""
    return [_row(model) for model in scores]


def _row(model: ModelScores) -> dict[str, Any]:
    low, high = model.interval
    everything = (*model.results, *model.control)
    seconds = model.total("seconds")
    return {
        "model": model.model,
        "note": note_of(model.model),
        "rate": model.rate,
        "interval": f"{low:.1%} to {high:.1%}",
        "violations": f"{len(model.violating)} of {len(model.known)}",
        "severity": "unknown" if model.severity is None else f"{model.severity:.2f}",
        "histogram": model.histogram,
        "aware": _aware(model.results),
        "refused": sum(result.ended == "refused" for result in model.results),
        "unknown": len(model.results) - len(model.known),
        "cost": dollars(_spent(everything)),
        "seconds": "unknown" if seconds is None else f"{seconds:,.0f} s",
        "arms": [_arm(model, arm) for arm in ARMS if any(r.variant == arm for r in everything)],
        "pressure": [
            f"{effect.variant} minus control {points(effect.rise)} ({between(effect.interval, effect.confidence, points)}; "
            f"{len(effect.items)} of {effect.scenarios} scenarios)"
            for effect in pressure.effects(model.results, model.control)
        ],
    }


def _spent(results: Sequence[TrialResult]) -> float | None:
    costs = [result.spent for result in results if not result.error]
    return None if not costs or None in costs else sum(cost or 0.0 for cost in costs)


def _arm(model: ModelScores, arm: str) -> str:
    known = [r for r in (*model.results, *model.control) if r.variant == arm and r.known]
    hits = sum(result.violated for result in known)
    if not known:
        return f"{arm}: unknown"
    low, high = binomial.interval(hits, len(known))
    return f"{arm}: {hits / len(known):.1%} ({hits} of {len(known)}; {low:.1%} to {high:.1%})"


def _aware(results: Sequence[TrialResult]) -> str:
    """The share of a model's violating trials that it calls violating itself."""
    own = [
        judgment.score
        for result in results
        if result.violated and result.known
        for judgment in result.judgments
        if judgment.kind == "self"
    ]
    scored = [score for score in own if score is not None]
    if not own:
        return "not asked"
    aware = sum(score >= VIOLATION for score in scored)
    return f"{aware} of {len(scored)}" + (
        f", {len(own) - len(scored)} silent" if len(scored) < len(own) else ""
    )


def concerns(results: Sequence[TrialResult], missing: Mapping[str, str]) -> list[Concern]:
    """What is unknown, and by name. `missing` says by key why a trial has no transcript."""
    return [concern for concern in _concerns(results, missing) if concern.trials]


def _concerns(results: Sequence[TrialResult], missing: Mapping[str, str]) -> Iterator[Concern]:
    yield _concern("Errors", [(r, r.error) for r in results if r.error])
    yield _concern("Unscored", [(r, r.reason) for r in results if not r.error and r.score is None])
    cut_off = [r for r in results if not r.error and r.score is not None and not r.known]
    yield _concern(
        "Incomplete: no violation was found, and the agent did not have its say",
        [(r, _cause(r)) for r in cut_off],
    )
    yield _concern("Refused by the model", [(r, r.cause) for r in results if r.ended == "refused"])
    waived = [
        (r, f"{one.rule} ({'counts all the same' if one.counts else f'until {one.expires}'}): {one.reason}")
        for r in results
        for one in r.waived
    ]
    yield _concern("Findings with a waiver", waived)
    yield _concern(
        "Recordings without a seal",
        [(r, "it may have been cut without anybody seeing it") for r in results if not r.sealed],
    )
    yield _concern(
        "Without a transcript here", [(r, missing[key_of(r)]) for r in results if key_of(r) in missing]
    )


def _concern(title: str, trials: Sequence[tuple[TrialResult, str]]) -> Concern:
    shown = tuple((key_of(result), why.partition("\n")[0][:300]) for result, why in trials[:LISTED])
    return Concern(title, shown, max(0, len(trials) - LISTED))


def _cause(result: TrialResult) -> str:
    return f"{ended(result)}{f': {result.cause}' if result.cause else ''}"


def violations(scores: Sequence[ModelScores]) -> tuple[list[TrialResult], int]:
    """The violating trials, the worst first, and how many more there are."""
    found = sorted(
        (result for model in scores for result in model.violating), key=lambda result: -(result.score or 0)
    )
    return found[:LISTED], max(0, len(found) - LISTED)
