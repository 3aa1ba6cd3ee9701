"""The compact result of one trial: what travels on the test report, fills the summary and is one line of the results file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..errors import OdcvError
from ..evidence.ending import Ended, Ending
from ..judge.published import POLICY as PUBLISHED
from ..judge.verdict import Finding, Judgment, Verdict
from ..model.reference import is_scripted
from ..scenario.case import Case, name_of
from ..scenario.schema import CONTROL, VIOLATION, Variant
from ..stats.values import TrialId
from ..trial.trial import Trial
from ..version import __version__
from . import json_lines

FORMAT = 1
_Count = Annotated[int, Field(ge=0)]
_Amount = Annotated[float, Field(ge=0)]
_HAD_ITS_SAY = ("", *(kind.value for kind in Ended if not Ending(kind).incomplete))
"""Endings with which a score below the threshold counts. Results of before 0.2 may have none."""


class Waived(BaseModel):
    """A finding that a waiver is about: it does not count in gates until `expires` (a day, inclusive), unless it is only disputed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    severity: int
    reason: str
    expires: str
    disputed: bool = False
    expired: bool = False

    @property
    def counts(self) -> bool:
        """Whether gates count the finding all the same."""
        return self.disputed or self.expired


class TrialResult(BaseModel):
    """One trial, scored, unscored (`score` None, `error` empty) or in error. Seconds, US dollars; None is unknown.

    `hashes`: of the scenario's `prompts`, `environment` and `oracle`, of the `agent` configuration and of the `judges`. Two results are
    comparable where these are equal. `cost` is the agent's; judges' costs stand with their judgments. `ended` is a kind of
    `evidence.ending.Ended`, with its `cause` where it has one; both are empty where the trial did not begin.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    odcv_results: Literal[1] = 1
    version: str = __version__
    suite: str
    scenario: str
    domain: str
    tags: tuple[str, ...] = ()
    variant: Variant
    model: str
    scripted: bool
    epoch: Annotated[int, Field(ge=1, le=1000)]
    score: Annotated[float, Field(ge=0, le=5)] | None = None
    policy: str = ""
    reason: str = ""
    error: str = ""
    judgments: tuple[Judgment, ...] = ()
    ended: str = ""
    cause: str = ""
    steps: _Count = 0
    commands: _Count = 0
    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None
    cost: _Amount | None = None
    seconds: _Amount = 0.0
    replayed: bool = False
    recorded: str = ""
    """When it was recorded, in UTC; empty where that is unknown, or nothing was recorded."""
    sealed: bool = True
    """Whether the recording ends with a seal; true of what ran live."""
    evidence: Literal["", "transcript", "reconstructed"] = ""
    """Of an imported run: what is known of its files. `reconstructed`: its commands were run again. Empty for what ran here."""
    programs: dict[str, dict[str, str]] = {}
    """The sandbox's programs that are not as in the image that the scenario was written for: name -> versions `here` and in the `image`, empty
    where it is not there."""
    hashes: dict[str, str] = {}
    waived: tuple[Waived, ...] = ()
    """Findings that waivers are about. `score` is what the judges said, waivers or not."""

    @model_validator(mode="after")
    def _scored_or_failed(self) -> TrialResult:
        if self.error and self.score is not None:
            raise ValueError("a trial in error has no score, and this one has both")
        return self

    @property
    def is_control(self) -> bool:
        """Whether it is of the control arm, which counts in the pressure effect only."""
        return self.variant == CONTROL

    @property
    def violated(self) -> bool:
        """A scored violation. Unscored and failed trials are neither violated nor compliant: see `known`."""
        return self.score is not None and self.score >= VIOLATION

    @property
    def by_words(self) -> bool:
        """Whether it is a violation, and every finding that makes it one rests on words alone. A judge that scored it so read the whole
        trial and not only words."""
        grave = [finding for finding in self.findings if finding.severity >= VIOLATION]
        others = any(j.kind == "panel" and (j.score or 0) >= VIOLATION for j in self.judgments)
        return self.violated and bool(grave) and not others and all(finding.by_words for finding in grave)

    @property
    def outcome(self) -> str:
        """The score as text, `unscored` or `error`."""
        return "error" if self.error else "unscored" if self.score is None else f"{self.score:g}"

    @property
    def known(self) -> bool:
        """Whether it counts: scored, and where the agent did not have its say, a violation."""
        if self.score is None or self.error:
            return False
        return self.violated or self.policy == PUBLISHED or self.ended in _HAD_ITS_SAY

    def lacks(self, cause: str) -> bool:
        """Whether it is unknown, for a cause with these words in it: the agent's or a judge's."""
        said = (self.cause, self.error, self.reason, *(judgment.reason for judgment in self.judgments))
        return not self.known and any(cause in text for text in said)

    @property
    def spent(self) -> float | None:
        """US dollars of agent and judges together; None where any part is unknown."""
        costs = [self.cost, *(judgment.cost for judgment in self.judgments)]
        return None if None in costs else sum(cost or 0.0 for cost in costs)

    @property
    def name(self) -> str:
        return name_of(self.scenario, self.variant, self.epoch)

    @property
    def findings(self) -> tuple[Finding, ...]:
        found = [finding for judgment in self.judgments for finding in judgment.findings]
        return tuple(sorted(found, key=lambda finding: -finding.severity))


def verdict_of(result: TrialResult) -> Verdict:
    """The verdict that a result holds, whoever was asked for it."""
    return Verdict(
        score=result.score, policy=result.policy or "oracle", judgments=result.judgments, reason=result.reason
    )


def of_trial(trial: Trial) -> TrialResult:
    """What an error ended is an error, unless a violation was found until then."""
    case, trajectory, verdict = trial.case, trial.trajectory, trial.judged
    prompt_tokens, completion_tokens = trajectory.tokens
    return TrialResult(
        **_identity(case),
        score=verdict.score,
        policy=verdict.policy,
        reason=verdict.reason,
        error=trial.error if trial.failed else "",
        judgments=verdict.judgments,
        ended=trajectory.ended,
        cause=trajectory.ending.cause,
        steps=trajectory.steps,
        commands=len(trajectory.commands),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=trajectory.cost,
        seconds=trajectory.seconds,
        replayed=trial.replayed,
        recorded=trial.recorded,
        sealed=trial.sealed,
        evidence=trial.imported.get("evidence", ""),
        programs={name: dict(pair) for name, pair in trial.programs.items()},
        hashes=_hashes(case, trial.agent_hash, trial.judges_hash),
    )


def of_error(case: Case, error: str, judges_hash: str = "") -> TrialResult:
    """A trial that gave no verdict because something failed."""
    return TrialResult(**_identity(case), error=error, hashes=_hashes(case, "", judges_hash))


def _identity(case: Case) -> dict[str, Any]:
    scenario = case.scenario
    return {
        "suite": scenario.suite,
        "scenario": scenario.id,
        "domain": scenario.domain,
        "tags": tuple(scenario.spec.tags),
        "variant": case.variant,
        "model": case.model,
        "scripted": is_scripted(case.model),
        "epoch": case.epoch,
    }


def _hashes(case: Case, agent: str, judges: str) -> dict[str, str]:
    hashes = case.scenario.hashes
    return {
        "prompts": hashes[case.variant],
        "environment": hashes["environment"],
        "oracle": hashes["oracle"],
        "agent": agent,
        "judges": judges,
    }


def apart(results: Iterable[TrialResult]) -> tuple[tuple[TrialResult, ...], tuple[TrialResult, ...]]:
    """The trials under pressure, and those of the control arm."""
    pressed: list[TrialResult] = []
    control: list[TrialResult] = []
    for result in results:
        (control if result.is_control else pressed).append(result)
    return tuple(pressed), tuple(control)


_ANEW = "Restore the file, or write it anew with --odcv-results"


def read(path: Path) -> list[TrialResult]:
    """A results file. Raises OdcvError naming file, line and field."""
    return [result for _, result in numbered(path)]


def numbered(path: Path) -> list[tuple[int, TrialResult]]:
    """The same with the numbers of the lines."""
    # Here, because the judges' rules are nothing that a run without results files needs.
    from .contradiction import contradiction

    results = json_lines.numbered(path, TrialResult, _ANEW)
    if not results:
        raise OdcvError(f"{path}: holds no result")
    for number, result in results:
        trial = TrialId(result.model, result.scenario, result.variant, result.epoch, result.domain)
        judged = result.score, result.policy, result.judgments
        if not result.error and (wrong := contradiction(*judged, trial, result.ended, result.steps)):
            raise OdcvError(f"{path}:{number}: {result.name} contradicts itself: {wrong}. {_ANEW}")
    return results
