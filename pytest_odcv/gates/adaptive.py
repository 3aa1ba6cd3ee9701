"""How many epochs are enough (`--odcv-epochs=auto`): look after every epoch, stop when every gate is settled. Pure.

The gates' error rates hold in spite of the looks, because the bounds of each look are those of a group sequential design
(`stats.sequential`): what may be spent of the error rate grows with the trials that are in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from . import absolute, regression
from .absolute import Look
from .result import GateResult, narrowed
from .spec import Catalog, GateSpec

MOST_EPOCHS = 5
"""Default limit of epochs=auto."""


def decide(
    specs: Iterable[GateSpec],
    run: ModelRun,
    catalog: Catalog,
    baseline: Sequence[TrialResult] = (),
    notes: Sequence[str] = (),
    most: int | None = None,
) -> list[GateResult]:
    """Every gate that is for this model, decided on its trials. `most` is the limit of epochs=auto, or None for a fixed number.

    `baseline` are the trials that regressions compare with. With `most`, each gate is looked at after every epoch that is there, and
    keeps what it decided when it was settled first.
    """
    found = []
    for spec in specs:
        if spec.where.of_model(run.model):
            own = narrowed(run, spec.where, catalog)
            old = [result for result in baseline if spec.where.holds(result)]
            found.append(_one(spec, own, old, notes, most))
    return found


def _one(
    spec: GateSpec, run: ModelRun, baseline: Sequence[TrialResult], notes: Sequence[str], most: int | None
) -> GateResult:
    if most is None:
        return _decided(spec, run, baseline, notes, None)
    last = min(run.epochs, most)
    for epoch in range(1, last + 1):
        found = _decided(spec, run.up_to(epoch), baseline, notes, Look(epoch, most))
        if found.settled:
            break
    when = f"Decided after {epoch} of at most {most} epochs." if most > 1 and found.settled else ""
    return replace(found, text=f"{found.text} {when}".strip())


def _decided(
    spec: GateSpec,
    run: ModelRun,
    baseline: Sequence[TrialResult],
    notes: Sequence[str],
    look: Look | None,
) -> GateResult:
    if spec.is_regression:
        return regression.decide(spec, run, baseline, look, notes)
    return absolute.decide(spec, run, look)
