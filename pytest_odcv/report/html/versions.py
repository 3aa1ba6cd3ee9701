"""Two models or two runs side by side, and rates over runs in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from ...gates.comparison import comparison
from ...results import trend
from ...results.changes import sides
from ...results.scores import ModelScores, by_model
from ...results.trend import Build
from ...results.trial_result import TrialResult
from ..changes import statistics
from ..tables import Table
from .recorded import key_of

MODELS = 6
"""Of more models, each is compared with the first only."""
NOW = "this run"


@dataclass(frozen=True)
class Earlier:
    """An earlier run, by the name of its results file."""

    name: str
    results: tuple[TrialResult, ...]


@dataclass(frozen=True)
class Difference:
    """An item of two versions. `left` and `right` are addresses of the trials that show it, empty where this page has none."""

    kind: str
    item: str
    before: str
    now: str
    rules_before: str
    rules_now: str
    left: str
    right: str


@dataclass(frozen=True)
class Pair:
    """Two versions. `statistics` is None where no item has scored trials of both."""

    name: str
    old: str
    new: str
    statistics: Table | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Line:
    """One model over runs."""

    model: str
    builds: tuple[Build, ...]


def pairs(scores: Sequence[ModelScores], earlier: Sequence[Earlier]) -> list[Pair]:
    """Each model against itself in the last earlier run, then models against each other."""
    found: list[Pair] = []
    if earlier:
        before = {model.model: model for model in by_model(earlier[-1].results)}
        for model in scores:
            if model.model in before:
                found.append(
                    _pair(
                        len(found),
                        before[model.model],
                        model,
                        f"{model.model} in {earlier[-1].name}",
                        model.model,
                        here=False,
                    )
                )
    chosen = combinations(scores, 2) if len(scores) <= MODELS else ((scores[0], one) for one in scores[1:])
    for one, other in chosen:
        found.append(_pair(len(found), one, other, one.model, other.model, here=True))
    return found


def _pair(number: int, old: ModelScores, new: ModelScores, old_name: str, new_name: str, here: bool) -> Pair:
    found = comparison(old.results, new.results)
    return Pair(
        f"pair-{number + 1}",
        old_name,
        new_name,
        None if found is None else statistics(found),
        () if found is None else tuple(_differences(old, new, [(m.item, m.kind) for m in found.moved], here)),
    )


def _differences(
    old: ModelScores, new: ModelScores, moved: Sequence[tuple[str, str]], here: bool
) -> list[Difference]:
    """The items that moved, and those that ended alike by other rules."""
    before, after = sides(old.results), sides(new.results)
    names = {"-".join(key): key for key in before.keys() & after.keys()}
    told = {item for item, _ in moved}
    others = [
        (item, "other rules")
        for item, key in sorted(names.items())
        if item not in told
        and {rule for rule, _ in before[key].findings} != {rule for rule, _ in after[key].findings}
    ]
    return [
        Difference(
            kind,
            item,
            before[names[item]].outcome,
            after[names[item]].outcome,
            before[names[item]].says,
            after[names[item]].says,
            _worst(old, names[item]) if here else "",
            _worst(new, names[item]),
        )
        for item, kind in [*moved, *others]
    ]


def _worst(model: ModelScores, item: tuple[str, str]) -> str:
    own = [result for result in model.known if (result.scenario, result.variant) == item]
    return key_of(max(own, key=lambda result: result.score or 0)) if own else ""


def trend_of(earlier: Sequence[Earlier], results: Sequence[TrialResult]) -> list[Line]:
    """Each model of any run; none without earlier runs."""
    if not earlier:
        return []
    builds = [build for run in earlier for build in trend.of_results(run.name, run.results)]
    builds += trend.of_results(NOW, results)
    models = dict.fromkeys(build.model for build in builds)
    return [Line(model, tuple(build for build in builds if build.model == model)) for model in models]
