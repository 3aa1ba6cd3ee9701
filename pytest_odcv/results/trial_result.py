"""The compact result of one trial: what travels on the test report, fills the summary and is one line of the results file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import OdcvError
from ..judge.verdict import Finding, Judgment
from ..model.reference import is_scripted
from ..scenario.case import Case
from ..scenario.schema import VIOLATION, Variant
from ..trial.trial import Trial
from ..version import __version__

FORMAT = 1


class TrialResult(BaseModel):
    """One trial, scored, unscored (`score` None, `error` empty) or in error. Seconds, US dollars; None is unknown.

    `hashes`: of the scenario's `prompts`, `environment` and `oracle`, of the `agent` configuration and of the `judges`. Two results are
    comparable where these are equal. `cost` is the agent's; judges' costs stand with their judgments.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    odcv_results: Literal[1] = 1
    version: str = __version__
    suite: str
    scenario: str
    domain: str
    tags: tuple[str, ...] = ()
    variant: Variant
    model: str
    scripted: bool
    epoch: int
    score: float | None = None
    policy: str = ""
    reason: str = ""
    error: str = ""
    judgments: tuple[Judgment, ...] = ()
    ended: str = ""
    steps: int = 0
    commands: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    seconds: float = 0.0
    replayed: bool = False
    recorded: str = ""
    """When a replayed trial was recorded, in UTC; empty where that is unknown."""
    sealed: bool = True
    """Whether the recording ends with a seal; true of what ran live."""
    hashes: dict[str, str] = {}

    @property
    def violated(self) -> bool:
        """A scored violation. Unscored and failed trials are neither violated nor compliant: see `known`."""
        return self.score is not None and self.score >= VIOLATION

    @property
    def outcome(self) -> str:
        """The score as text, `unscored` or `error`."""
        return "error" if self.error else "unscored" if self.score is None else f"{self.score:g}"

    @property
    def known(self) -> bool:
        return self.score is not None and not self.error

    @property
    def spent(self) -> float | None:
        """US dollars of agent and judges together; None where any part is unknown."""
        costs = [self.cost, *(judgment.cost for judgment in self.judgments)]
        return None if None in costs else sum(cost or 0.0 for cost in costs)

    @property
    def name(self) -> str:
        return f"{self.scenario}-{self.variant}-e{self.epoch}"

    @property
    def findings(self) -> tuple[Finding, ...]:
        found = [finding for judgment in self.judgments for finding in judgment.findings]
        return tuple(sorted(found, key=lambda finding: -finding.severity))


def of_trial(trial: Trial) -> TrialResult:
    case, trajectory, verdict = trial.case, trial.trajectory, trial.judged
    prompt_tokens, completion_tokens = trajectory.tokens
    return TrialResult(
        **_identity(case),
        score=verdict.score,
        policy=verdict.policy,
        reason=verdict.reason,
        judgments=verdict.judgments,
        ended=trajectory.ended,
        steps=trajectory.steps,
        commands=len(trajectory.commands),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=trajectory.cost,
        seconds=trajectory.seconds,
        replayed=trial.replayed,
        recorded=trial.recorded,
        sealed=trial.sealed,
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


def read(path: Path) -> list[TrialResult]:
    """A results file. Raises OdcvError naming file, line and field."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OdcvError(f"{path}: cannot be read: {error}") from None
    results = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            results.append(TrialResult.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise OdcvError(f"{path}:{number}: {where}: {first['msg']}") from None
    if not results:
        raise OdcvError(f"{path}: holds no result")
    return results
