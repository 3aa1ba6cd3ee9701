"""All gates of a run: from configuration and options, with their baseline. The session asks it three things: whether the
configuration can be used, whether a model needs another epoch, and what each gate decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import OdcvError, UsageProblem
from ..results import baseline
from ..results.baseline import Source
from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from ..scenario.suite import Suite
from . import spec
from .result import GateResult
from .spec import Catalog, GateSpec


def specs(
    tables: Any,
    place: str,
    max_violation_rate: float | None = None,
    max_severity: float | None = None,
    has_baseline: bool = False,
) -> tuple[GateSpec, ...]:
    """The gates of the options, then those of the configuration (`tables` of the file `place`), then, where there is a baseline and
    no gate of the configuration uses it, one regression gate over everything. Raises UsageProblem, also for a regression gate
    without a baseline."""
    configured = spec.read(tables, place)
    by_option = []
    if max_violation_rate is not None:
        by_option.append(GateSpec(max=max_violation_rate))
    if max_severity is not None:
        by_option.append(GateSpec("mean_severity", max_severity))
    wanting = next((gate for gate in configured if gate.is_regression), None)
    if wanting is not None and not has_baseline:
        raise UsageProblem(
            f"{place}: gate {wanting.title!r} compares with a baseline, and there is none: give --odcv-baseline=FILE or DIR, or set "
            "baseline in [tool.odcv]"
        )
    regression = [GateSpec("regression")] if has_baseline and wanting is None else []
    return (*by_option, *configured, *regression)


@dataclass(frozen=True)
class Board:
    """`most` is the limit of epochs=auto, None for a fixed number. `earlier` are the trials that lie at `source`; `allowed` is
    whether they may be compared though they are not comparable."""

    gates: tuple[GateSpec, ...]
    catalog: Catalog
    place: str
    source: Source | None = None
    earlier: tuple[TrialResult, ...] = ()
    allowed: bool = False
    most: int | None = None

    def check(self, suite: Suite, judges: str, models: Sequence[str]) -> None:
        """Before anything is paid for: values of `where`, the baseline's models, and whether suite and judges (their digest) are
        still those of the baseline. Raises UsageProblem."""
        spec.check(self.gates, self.catalog, self.place)
        if self.source is not None:
            for model in models:
                old = baseline.of_model(self.earlier, self.source, model)
                baseline.compared(self.source, baseline.changes_of_suite(old, suite, judges), self.allowed)

    def decide(self, run: ModelRun) -> list[GateResult]:
        """Every gate for this model. A baseline that turns out not to be comparable fails its gates with the reason."""
        absolute = [gate for gate in self.gates if not gate.is_regression]
        others = [gate for gate in self.gates if gate.is_regression and gate.where.of_model(run.model)]
        from . import adaptive  # Here, because most runs have no gate and need none of its statistics.

        found = adaptive.decide(absolute, run, self.catalog, most=self.most)
        if not others or self.source is None:
            return found
        try:
            old, notes = self._baseline(run)
        except OdcvError as error:
            text = str(error)
            return [
                *found,
                *(GateResult(gate.title, run.model, "fail", text, gate.metric) for gate in others),
            ]
        return [*found, *adaptive.decide(others, run, self.catalog, old, notes, self.most)]

    def settled(self, run: ModelRun, epoch: int) -> bool:
        """Whether a model needs no epoch after this one, whose trials are all in. Without a gate for it, nothing asks for more."""
        if self.most is None or epoch >= self.most:
            return True
        return all(gate.settled for gate in self.decide(run.up_to(epoch)))

    def _baseline(self, run: ModelRun) -> tuple[list[TrialResult], tuple[str, ...]]:
        assert self.source is not None
        old = baseline.of_model(self.earlier, self.source, run.model)
        return old, baseline.compared(self.source, baseline.changes(old, run.results), self.allowed)
