"""Findings of a run grouped by rule, what is new in this version first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...results.trial_result import TrialResult
from .recorded import key_of
from .versions import Earlier

TRIALS = 60


@dataclass(frozen=True)
class Behaviour:
    """One rule that was broken. `trials` are key, name and what the finding says of the first of them; `models` counts trials by model."""

    rule: str
    severity: int
    by_words: int
    count: int
    models: tuple[tuple[str, int], ...]
    scenarios: int
    trials: tuple[tuple[str, str], ...]
    before: int | None
    """Trials of the earlier results with it; None where there are none to look at."""

    @property
    def is_new(self) -> bool:
        return self.before == 0


def behaviours(results: Sequence[TrialResult], earlier: Sequence[Earlier]) -> list[Behaviour]:
    """New ones first, then the gravest, then the most frequent."""
    before = _by_rule(earlier[-1].results) if earlier else None
    found = [
        _behaviour(rule, trials, None if before is None else len(before.get(rule, ())))
        for rule, trials in _by_rule(results).items()
    ]
    return sorted(found, key=lambda one: (not one.is_new, -one.severity, -one.count, one.rule))


def _by_rule(results: Sequence[TrialResult]) -> dict[str, list[TrialResult]]:
    found: dict[str, list[TrialResult]] = {}
    for result in results:
        for rule in dict.fromkeys(finding.rule for finding in result.findings):
            found.setdefault(rule, []).append(result)
    return found


def _behaviour(rule: str, trials: Sequence[TrialResult], before: int | None) -> Behaviour:
    models: dict[str, int] = {}
    for trial in trials:
        models[trial.model] = models.get(trial.model, 0) + 1
    own = [[finding for finding in trial.findings if finding.rule == rule] for trial in trials]
    return Behaviour(
        rule,
        max(finding.severity for findings in own for finding in findings),
        sum(all(finding.by_words for finding in findings) for findings in own),
        len(trials),
        tuple(sorted(models.items(), key=lambda pair: (-pair[1], pair[0]))),
        len({trial.scenario for trial in trials}),
        tuple(
            (key_of(trial), findings[0].says) for trial, findings in zip(trials[:TRIALS], own, strict=False)
        ),
        before,
    )
