"""What the gates of a run can show, said before anything is run and paid for: which cannot pass with so many trials, which cannot fail,
and how often several of them fail an honest run together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log

from ..results.trial_result import TrialResult
from ..stats import clusters, power
from ..stats.power import POWER
from ..stats.sequential import count_bounds, count_power
from . import pressure, regression, scores, shares
from .family import family, inferring
from .measure import Look
from .scores import none_above, seen_once
from .spec import PRESSURE, Correction, GateSpec
from .text import count, epochs_option, exactly, percent
from .where import Place


@dataclass(frozen=True)
class Planned:
    """A run before it starts: the items of the suite, how often each is tried (at most), and in how many looks."""

    places: tuple[Place, ...]
    models: tuple[str, ...]
    epochs: int
    most: int | None
    correction: Correction
    control: frozenset[str] = frozenset()
    """The scenarios with a control arm."""

    @property
    def look(self) -> Look:
        return Look() if self.most is None else Look(self.most, self.most)

    def trials(self, spec: GateSpec) -> int:
        return self.epochs * len(self.items(spec))

    def items(self, spec: GateSpec) -> list[Place]:
        return [place for place in self.places if spec.selects.holds(place)]

    def scenarios(self, spec: GateSpec) -> int:
        return len({place.scenario for place in self.items(spec)})


def lines(
    specs: Sequence[GateSpec], planned: Planned, baselines: Mapping[str, Sequence[TrialResult]]
) -> Iterator[str]:
    """One for each gate that could not pass even if every trial complied, and one for all gates together.

    Args:
        baselines: The trials that regressions compare with, by model.
    """
    for spec in specs:
        problem = _cannot_fail(spec) or _problem(spec, planned, baselines)
        if problem:
            yield f"odcv: gate {spec.title}: {problem}"
    yield from _family(specs, planned)


def _problem(spec: GateSpec, planned: Planned, baselines: Mapping[str, Sequence[TrialResult]]) -> str:
    if spec.is_regression:
        models = [model for model in baselines if spec.where.of_model(model)]
        found = (_of_baseline(spec, planned, baselines[model]) for model in models)
        return next((text for text in found if text), "")
    if spec.metric == "each_item":
        of = spec.each[1]
        return "" if planned.epochs >= of else f"each item takes {count(of, 'trial')}: {epochs_option(of)}"
    if spec.metric == "pass_k" and planned.epochs < spec.k:
        return f"a row takes {count(spec.k, 'trial')} of an item: {epochs_option(spec.k)}"
    if spec.metric == PRESSURE:
        tried = [place.scenario for place in planned.items(spec) if place.scenario in planned.control]
        return pressure.outlook(spec, tried, planned.epochs, planned.look)
    return "" if _can_pass(spec, planned) else _sentence(spec, planned)


def _can_pass(spec: GateSpec, planned: Planned) -> bool:
    """Whether a run in which nothing happens passes."""
    n, scenarios = _units(spec, planned), planned.scenarios(spec)
    if spec.metric == "worst_score":
        return seen_once(n, spec) >= POWER
    clean = power.clean_trials_needed(_as_share(spec), spec.confidence)
    shown = clean is not None and clean <= (scenarios if spec.over == "scenarios" else n)
    if spec.reading == "shown_to_stay_below" or shown:
        return shown
    return _design_power(spec, planned, n) >= POWER


def _design_power(spec: GateSpec, planned: Planned, n: int) -> float:
    limit, alternative = _as_share(spec), _as_share(spec, spec.stated_alternative)
    if spec.over == "scenarios":
        worth = clusters.worth(n, planned.scenarios(spec))
        return power.rate_power(worth, limit, alternative, spec.confidence)
    looks = planned.look.most
    sizes = tuple(n * look // looks for look in range(1, looks + 1))
    return count_power(sizes, count_bounds(sizes, limit, spec.alpha, planned.look.fractions), alternative)


def _as_share(spec: GateSpec, value: float | None = None) -> float:
    """A limit, or another value of the metric, as a share: of a mean score, that of the worst score among zeros."""
    value = spec.limit if value is None else value
    return value / 5 if spec.metric == "mean_severity" else value


def _units(spec: GateSpec, planned: Planned) -> int:
    """What the metric counts: trials, or rows of them."""
    if spec.metric == "pass_k":
        return len(planned.items(spec)) * (planned.epochs // spec.k)
    return planned.trials(spec)


def _sentence(spec: GateSpec, planned: Planned) -> str:
    n, scenarios = _units(spec, planned), planned.scenarios(spec)
    if spec.metric == "mean_severity":
        return scores.cannot_tell(spec, n, scenarios=scenarios)
    if spec.metric == "worst_score":
        return none_above(spec, n)
    return shares.cannot_tell(spec, n, scenarios=scenarios)


def _cannot_fail(spec: GateSpec) -> str:
    """The self-aware share is of violating trials, of which there may be few."""
    if spec.metric != "self_aware_share" or not 0 < spec.limit < 1:
        return ""
    least = ceil(log(spec.alpha) / log(spec.limit) - 1e-9)
    return (
        f"it cannot fail with fewer than {count(least, 'violating trial')} judged by the model itself: so many must all "
        f"be self-aware to show more than {exactly(spec.limit)}"
    )


def _of_baseline(spec: GateSpec, planned: Planned, baseline: Sequence[TrialResult]) -> str:
    old = [result for result in baseline if spec.where.holds(result)]
    return regression.outlook(spec, old, planned.epochs, planned.look)


def _family(specs: Sequence[GateSpec], planned: Planned) -> Iterator[str]:
    models = planned.models or ("",)
    infer = inferring(specs, models[0])
    if len(infer) * len(models) < 2 or not infer:
        return
    holm = planned.correction == "holm"
    found = family(infer, planned.places, replace(planned.look, epoch=1), planned.epochs, holm)
    fails = percent(found.of_models(len(models))).replace(".0%", "%")
    text = (
        f"odcv: {count(found.gates, 'gate')} for {count(len(models), 'model')}: of runs of agents that are exactly at the limits, "
        f"about {fails} fail"
    )
    yield (
        f"{text} (with Holm's correction)"
        if holm
        else f"{text}; --odcv-correction=holm keeps it at the rate of one gate a model"
    )
