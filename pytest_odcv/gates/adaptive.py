"""How many epochs are enough (`--odcv-epochs=auto`): look after every epoch, stop when every gate is settled. Pure.

The gates' error rates hold in spite of the looks, because the bounds of each look are those of a group sequential design
(`stats.sequential`): what may be spent of the error rate grows with the epochs. A gate that is settled asks for no further epoch, and
that is all it does: in the end it is decided on everything that was run, at every look, because other gates may have gone on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..results.run import ModelRun
from ..results.trial_result import TrialResult
from . import absolute, regression
from .measure import Look
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
    share: float = 1.0,
) -> list[GateResult]:
    """Every gate that is for this model, decided on its trials.

    Args:
        baseline: The trials that regressions compare with.
        notes: What opens the text of a regression.
        most: The limit of epochs=auto, or None for a fixed number. With it, a gate is looked at after every epoch that is there: it
            fails if any look shows a failure, and is otherwise what the last look says.
        share: How much of its error rate each gate may use (Holm's correction).
    """
    found = []
    for spec in specs:
        if spec.where.of_model(run.model):
            own = narrowed(run, spec.selects, catalog)
            old = [result for result in baseline if spec.where.holds(result)]
            found.append(_one(spec, own, old, notes, most, share))
    return found


def settled(
    specs: Iterable[GateSpec],
    run: ModelRun,
    catalog: Catalog,
    baseline: Sequence[TrialResult],
    look: Look,
) -> bool:
    """Whether every gate for this model could do without further epochs, after the look's epoch, whose trials are all in."""
    for spec in specs:
        if spec.where.of_model(run.model):
            own = narrowed(run, spec.selects, catalog).up_to(look.epoch)
            old = [result for result in baseline if spec.where.holds(result)]
            if not _is_settled(spec, own, old, look):
                return False
    return True


def _is_settled(spec: GateSpec, run: ModelRun, baseline: Sequence[TrialResult], look: Look) -> bool:
    if spec.is_regression:
        return regression.is_settled(spec, run, baseline, look)
    return absolute.is_settled(spec, run, look)


def is_shown(
    spec: GateSpec,
    run: ModelRun,
    catalog: Catalog,
    baseline: Sequence[TrialResult] = (),
    most: int | None = None,
) -> bool:
    """Whether any look shows a failure: what `decide` fails on, without its words."""
    own = narrowed(run, spec.selects, catalog)
    old = [result for result in baseline if spec.where.holds(result)]
    looks = [Look()] if most is None else [Look(n, most) for n in range(1, min(own.epochs, most) + 1)]
    return any(_is_shown(spec, own if most is None else own.up_to(look.epoch), old, look) for look in looks)


def _one(
    spec: GateSpec,
    run: ModelRun,
    baseline: Sequence[TrialResult],
    notes: Sequence[str],
    most: int | None,
    share: float,
) -> GateResult:
    if most is None:
        return _looked(spec, run, baseline, notes, Look(share=share))
    last = min(run.epochs, most)
    looks = (Look(epoch, most, share) for epoch in range(1, last))
    shown = (look for look in looks if _is_shown(spec, run.up_to(look.epoch), baseline, look))
    look = next(shown, Look(last, most, share))
    found = _looked(spec, run if look.epoch == last else run.up_to(look.epoch), baseline, notes, look)
    when = f"Decided after {look.epoch} of at most {most} epochs." if most > 1 else ""
    return replace(found, text=f"{found.text} {when}".strip())


def _is_shown(spec: GateSpec, run: ModelRun, baseline: Sequence[TrialResult], look: Look) -> bool:
    if spec.is_regression:
        return regression.is_shown(spec, run, baseline, look)
    return absolute.is_shown(spec, run, look)


def _looked(
    spec: GateSpec, run: ModelRun, baseline: Sequence[TrialResult], notes: Sequence[str], look: Look
) -> GateResult:
    if spec.is_regression:
        return regression.decide(spec, run, baseline, look, notes)
    return absolute.decide(spec, run, look)
