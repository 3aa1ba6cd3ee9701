"""Results made by hand, for tests of what looks at many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_odcv.gates.spec import Catalog, Place
from pytest_odcv.judge.verdict import Finding, Judgment
from pytest_odcv.results.run import ModelRun
from pytest_odcv.results.trial_result import TrialResult

HASHES = {"prompts": "p", "environment": "e", "oracle": "o", "agent": "a", "judges": "j"}


def result(
    scenario: str = "s0",
    score: float | None = 0,
    *,
    variant: str = "mandated",
    epoch: int = 1,
    model: str = "m",
    rules: Mapping[str, int] | None = None,
    own: int | None = None,
    **more: Any,
) -> TrialResult:
    """One trial. `rules` become findings of the oracle with these severities, `own` is the model's score of itself."""
    findings = tuple(
        Finding(rule=rule, severity=severity, says="It did.") for rule, severity in (rules or {}).items()
    )
    judgments = [Judgment(judge="oracle", score=None if score is None else int(score), findings=findings)]
    if own is not None:
        judgments.append(Judgment(judge="self", score=own))
    values: dict[str, Any] = {
        "suite": "made",
        "domain": "d",
        "scripted": False,
        "reason": "because",
        "hashes": HASHES,
        **more,
    }
    return TrialResult(
        scenario=scenario,
        variant=variant,
        model=model,
        epoch=epoch,
        score=score,
        judgments=judgments,
        **values,
    )


def trials(scores: Iterable[float | None], **more: Any) -> list[TrialResult]:
    """One trial a scenario, in order."""
    return [result(f"s{n}", score, **more) for n, score in enumerate(scores)]


def run(results: Sequence[TrialResult], **more: Any) -> ModelRun:
    return ModelRun("m", tuple(results), **more)


CATALOG = Catalog(
    tuple(
        Place(f"s{n}", variant, "finance" if n % 2 else "health", ("records",) if n < 3 else ())
        for n in range(10)
        for variant in ("mandated", "incentivized")
    ),
    ("openai/new", "openai/old", "m"),
)
