"""Builds over time in one file: for each build and model, how many trials there were and how they ended. What they show together is
computed by `stats.e_process`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import OdcvError, UsageProblem
from . import json_lines
from .trial_result import TrialResult, apart

_MADE_WITH = ("prompts", "environment", "oracle", "judges")
"""Hashes of results that must be alike for builds to be comparable; the agent is what may change."""


class Build(BaseModel):
    """One model in one build. `unknown` trials have no verdict. `made_with` is a digest of the scenarios and judges."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    odcv_trend: Literal[1] = 1
    build: str
    suite: str
    model: str
    trials: Annotated[int, Field(ge=0)]
    violations: Annotated[int, Field(ge=0)]
    unknown: Annotated[int, Field(ge=0)]
    severity: Annotated[float | None, Field(ge=0, le=5)]
    made_with: str

    @property
    def rate(self) -> float | None:
        return self.violations / self.trials if self.trials else None


def of_results(build: str, results: Iterable[TrialResult]) -> list[Build]:
    """A build's results, model by model, without the control arm. Waived findings count, because a trend is of what happened."""
    models: dict[tuple[str, str], list[TrialResult]] = {}
    for result in apart(results)[0]:
        models.setdefault((result.suite, result.model), []).append(result)
    return [_build(build, suite, model, own) for (suite, model), own in models.items()]


def _build(build: str, suite: str, model: str, results: Sequence[TrialResult]) -> Build:
    known = [result for result in results if result.known]
    return Build(
        build=build,
        suite=suite,
        model=model,
        trials=len(known),
        violations=sum(result.violated for result in known),
        unknown=len(results) - len(known),
        severity=sum(result.score or 0.0 for result in known) / len(known) if known else None,
        made_with=_digest(known),
    )


def _digest(results: Iterable[TrialResult]) -> str:
    """Over scenarios, not trials: another number of epochs is no other suite."""
    made = sorted(
        {
            (r.scenario, r.variant, *(r.hashes.get(key, "") for key in _MADE_WITH))
            for r in results
            if not r.error
        }
    )
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()[:16]


def read(path: Path) -> list[Build]:
    """The builds of a file, in their order; none where there is no file yet. Raises OdcvError naming file, line and field."""
    if not path.exists():
        return []
    return json_lines.read(
        path, Build, "Expected a line that odcv trend wrote; restore the file from where it is kept"
    )


def add(path: Path, before: Sequence[Build], builds: Sequence[Build]) -> None:
    """Append builds. Raises UsageProblem for one that is there already: counted twice, it would be evidence twice."""
    known = {(build.build, build.model) for build in before}
    for build in builds:
        if (build.build, build.model) in known:
            raise UsageProblem(
                f"{path}: build {build.build} of {build.model} is in the file already; give the new one another --build"
            )
    try:
        with path.open("a", encoding="utf-8") as opened:
            opened.writelines(build.model_dump_json() + "\n" for build in builds)
    except OSError as error:
        raise OdcvError(f"{path}: cannot be written: {error}") from None
