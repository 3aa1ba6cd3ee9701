"""All gates of a run: from configuration and options, with their baseline. The session asks it whether the configuration can be used,
what it can show, whether a model needs another epoch, and what each gate decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import OdcvError, UsageProblem
from ..results import baseline
from ..results.baseline import Source
from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from ..results.waivers import Waivers
from ..scenario.suite import Suite
from . import spec
from .result import GateResult
from .spec import PRESSURE, Catalog, Correction, GateSpec, Inconclusive
from .text import HOW_TO_CONTROL, listed


def specs(
    tables: Any,
    place: str,
    max_violation_rate: float | None = None,
    max_severity: float | None = None,
    has_baseline: bool = False,
    has_control: bool = False,
    inconclusive: Inconclusive = "warn",
    override: bool = False,
) -> tuple[GateSpec, ...]:
    """The gates of the options, then those of the configuration, then, where there is a baseline and no gate of the configuration uses
    it, one regression gate over everything.

    Args:
        tables: [[tool.odcv.gates]] as they stand in the file `place`.
        inconclusive: What gates do then that do not say it themselves; with `override`, all gates.

    Raises:
        UsageProblem: Also for a regression gate without a baseline, and one on the pressure effect without a control arm.
    """
    configured = spec.read(tables, place, inconclusive)
    by_option = []
    if max_violation_rate is not None:
        by_option.append(GateSpec(max=max_violation_rate, inconclusive=inconclusive))
    if max_severity is not None:
        by_option.append(GateSpec("mean_severity", max_severity, inconclusive=inconclusive))
    wanting = next((gate for gate in configured if gate.is_regression), None)
    if wanting is not None and not has_baseline:
        raise UsageProblem(
            f"{place}: gate {wanting.title!r} compares with a baseline, and there is none: give --odcv-baseline=FILE or DIR, or set "
            "baseline in [tool.odcv]"
        )
    pressed = next((gate for gate in configured if gate.metric == PRESSURE), None)
    if pressed is not None and not has_control:
        raise UsageProblem(
            f"{place}: gate {pressed.title!r} compares with the control arm, which is not run: {HOW_TO_CONTROL}"
        )
    alone = has_baseline and wanting is None
    regression = [GateSpec("regression", inconclusive=inconclusive)] if alone else []
    found = (*by_option, *configured, *regression)
    return tuple(replace(gate, inconclusive=inconclusive) for gate in found) if override else found


@dataclass(frozen=True)
class Board:
    """`most` is the limit of epochs=auto, None for a fixed number. `earlier` are the trials that lie at `source`; `allowed` is
    whether they may be compared though they are not comparable. `correction` is that for several gates of a model."""

    gates: tuple[GateSpec, ...]
    catalog: Catalog
    place: str
    source: Source | None = None
    earlier: tuple[TrialResult, ...] = ()
    allowed: bool = False
    most: int | None = None
    correction: Correction = "none"
    waivers: Waivers = field(default_factory=Waivers)

    def check(self, suite: Suite, judges: str, models: Sequence[str]) -> None:
        """Before anything is paid for: values of `where`, the baseline's models, and whether suite and judges (their digest) are
        still those of the baseline. Raises UsageProblem."""
        spec.check(self.gates, self.catalog, self.place)
        if any(gate.metric == PRESSURE for gate in self.gates):
            self._check_control(suite)
        if self.source is not None:
            for model in models:
                old = baseline.of_model(self.earlier, self.source, model)
                baseline.compared(self.source, baseline.changes_of_suite(old, suite, judges), self.allowed)

    def _check_control(self, suite: Suite) -> None:
        if not any(scenario.has_control for scenario in suite.scenarios):
            raise UsageProblem(
                f"{self.place}: a gate asks for the pressure effect, and no scenario of suite {suite.name} has a control arm: write "
                "prompts.control in scenario.yaml"
            )

    def outlook(self, models: Sequence[str], epochs: int) -> list[str]:
        """What the gates can show with so many epochs, where that is too little; for the header of a run."""
        if not self.gates:
            return []
        from . import (
            outlook,
        )  # Here, as below, because most runs have no gate and need none of its statistics.

        planned = outlook.Planned(
            self.catalog.places, tuple(models), epochs, self.most, self.correction, self.catalog.control
        )
        old = {} if self.source is None else {model: self._old(model) for model in models}
        return list(outlook.lines(self.gates, planned, old))

    def decide(self, run: ModelRun) -> list[GateResult]:
        """Every gate for this model, those that compare last. A baseline that turns out not to be comparable fails its gates with the
        reason."""
        from . import adaptive, family

        run, problem = self._counted(run), ""
        try:
            old, notes = self._baseline(run)
        except OdcvError as error:
            old, notes, problem = [], (), str(error)

        def decided(gate: GateSpec, share: float = 1.0) -> GateResult:
            if problem and gate.is_regression:
                return _broken(gate, run, problem)
            (found,) = adaptive.decide([gate], run, self.catalog, old, notes, self.most, share)
            return _with_waivers(replace(found, against=_against(gate, run)), gate, run)

        mine = [gate for gate in self.gates if gate.where.of_model(run.model)]
        mine.sort(key=lambda gate: gate.is_regression)
        corrected = family.inferring(mine, run.model) if self.correction == "holm" else []
        by_title = family.holm(corrected, decided)
        return [by_title.get(gate.title) or decided(gate) for gate in mine]

    def settled(self, run: ModelRun, epoch: int) -> bool:
        """Whether a model needs no epoch after this one, whose trials are all in. Without a gate for it, nothing asks for more."""
        if self.most is None or epoch >= self.most:
            return True
        from . import adaptive, family
        from .measure import Look

        run = self._counted(run)
        try:
            old, _ = self._baseline(run)
        except OdcvError:
            return True  # More epochs would not make the baseline comparable.
        gates = family.inferring(self.gates, run.model)
        share = 1 / len(gates) if gates and self.correction == "holm" else 1.0
        look = Look(epoch, self.most, share)
        return adaptive.settled(self.gates, run, self.catalog, old, look)

    def _counted(self, run: ModelRun) -> ModelRun:
        """Without the findings that are waived."""
        counted = self.waivers.counted
        return replace(
            run, results=tuple(map(counted, run.results)), control=tuple(map(counted, run.control))
        )

    def _compared(self, gate: GateSpec, run: ModelRun) -> bool:
        return gate.is_regression and gate.where.of_model(run.model)

    def _old(self, model: str) -> list[TrialResult]:
        assert self.source is not None
        return baseline.of_model(self.earlier, self.source, model)

    def _baseline(self, run: ModelRun) -> tuple[list[TrialResult], tuple[str, ...]]:
        """Nothing where no gate of this model compares."""
        if self.source is None or not any(self._compared(gate, run) for gate in self.gates):
            return [], ()
        old = [self.waivers.counted(result) for result in self._old(run.model)]
        return old, baseline.compared(self.source, baseline.changes(old, run.results), self.allowed)


def _against(gate: GateSpec, run: ModelRun) -> tuple[str, ...]:
    trials = [r for r in run.results if gate.selects.holds(r) and (r.violated or not r.known)]
    trials.sort(key=lambda result: -(result.score or 0.0) if result.violated else 1.0)
    return tuple(result.name for result in trials)


def _with_waivers(found: GateResult, gate: GateSpec, run: ModelRun) -> GateResult:
    """Says what was not counted, and what was though it is disputed."""
    noted = [(r, entry) for r in run.results if gate.selects.holds(r) for entry in r.waived]
    waived = [f"{r.name} {entry.rule}" for r, entry in noted if not entry.counts]
    disputed = [f"{r.name} {entry.rule}" for r, entry in noted if entry.disputed]
    parts = [f"Not counted, because they are waived: {listed(waived)}."] if waived else []
    parts += [f"Counted, though they are disputed: {listed(disputed)}."] if disputed else []
    return replace(found, text=" ".join([found.text, *parts]))


def _broken(gate: GateSpec, run: ModelRun, text: str) -> GateResult:
    return GateResult(gate.title, run.model, "fail", text, gate.metric, inconclusive=gate.inconclusive)
