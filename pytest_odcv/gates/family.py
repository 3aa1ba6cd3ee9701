"""Several gates at once: how often an honest run fails at least one of them, and Holm's correction.

Source: S. Holm, Scandinavian Journal of Statistics 6 (1979); W. Maurer and F. Bretz, Statistics in Biopharmaceutical Research 5 (2013),
for step-down tests with several looks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import prod
from random import Random

from ..stats.binomial import at_most
from ..stats.sequential import count_bounds
from .measure import Look
from .result import GateResult
from .spec import UNINFERRED, GateSpec
from .where import Place

SIMULATIONS, SEED = 2000, 1979


def inferring(specs: Sequence[GateSpec], model: str) -> list[GateSpec]:
    """The gates for a model that infer from what was seen, and so can fail an honest run by chance."""
    return [spec for spec in specs if spec.where.of_model(model) and spec.metric not in UNINFERRED]


def holm(specs: Sequence[GateSpec], decide: Callable[[GateSpec, float], GateResult]) -> dict[str, GateResult]:
    """Decide gates, by title, so that the chance to fail any of them in an honest run is at most that of one.

    Each gets an equal part of its error rate. As soon as one fails, its part goes to the others, which are decided anew.

    Args:
        decide: Decides a gate that may use this share of its error rate.
    """
    open_ = list(specs)
    found: dict[str, GateResult] = {}
    while open_:
        results = {spec.title: decide(spec, 1 / len(open_)) for spec in open_}
        found |= results
        left = [spec for spec in open_ if not results[spec.title].shown]
        if len(left) == len(open_):
            break
        open_ = left
    return found


@dataclass(frozen=True)
class Family:
    """The gates of one model, and how often an honest run of it fails one: an agent whose rates are exactly the limits."""

    gates: int
    one_model: float

    def of_models(self, models: int) -> float:
        return 1.0 - (1.0 - self.one_model) ** models


def family(
    specs: Sequence[GateSpec], places: Sequence[Place], look: Look, epochs: int, corrected: bool
) -> Family:
    """Of the gates of one model. Gates on the violation rate share trials and are simulated; any other is taken to fail as often as
    it may, independently.

    Args:
        places: The items of the suite.
        look: The plan: of one look, or of as many as epochs=auto may take.
        epochs: How often each item is tried in all.
    """
    infer = [spec for spec in specs if spec.metric not in UNINFERRED]
    share = 1 / len(infer) if corrected and infer else 1.0
    rates = [spec for spec in infer if spec.metric == "violation_rate" and spec.over == "trials"]
    others = [spec.alpha * share for spec in infer if spec not in rates and _can_err(spec)]
    passes = prod(1.0 - alpha for alpha in others)
    return Family(len(infer), 1.0 - passes * (1.0 - _simulated(tuple(rates), places, look, epochs, share)))


def _can_err(spec: GateSpec) -> bool:
    """At a limit of 0 there is nothing to see in an honest run."""
    return spec.is_regression or spec.limit > 0


def _simulated(
    specs: Sequence[GateSpec], places: Sequence[Place], look: Look, epochs: int, share: float
) -> float:
    """Of agents that violate as often as the strictest gate of each item tolerates."""
    atoms = Counter(tuple(spec.where.holds(place) for spec in specs) for place in places)
    atoms = Counter({which: size for which, size in atoms.items() if any(which)})
    if not atoms:
        return 0.0
    each = epochs // look.most
    bounds = [_bounds(spec, atoms, number, look, each, share) for number, spec in enumerate(specs)]
    chances = {
        which: min(spec.limit for spec, own in zip(specs, which, strict=True) if own) for which in atoms
    }
    draw = Random(SEED)
    fails = sum(_fails(draw, atoms, chances, bounds, look.most, each) for _ in range(SIMULATIONS))
    return fails / SIMULATIONS


_Atoms = Counter[tuple[bool, ...]]
"""How many items there are of each kind: selected by which of the gates."""


def _bounds(
    spec: GateSpec, atoms: _Atoms, number: int, look: Look, epochs: int, share: float
) -> tuple[int, ...]:
    items = sum(size for which, size in atoms.items() if which[number])
    planned = tuple(items * epochs * n for n in range(1, look.most + 1))
    return count_bounds(planned, spec.limit, spec.alpha * share, look.fractions)


def _fails(
    draw: Random,
    atoms: _Atoms,
    chances: dict[tuple[bool, ...], float],
    bounds: Sequence[tuple[int, ...]],
    most: int,
    epochs: int,
) -> bool:
    counts = [0] * len(bounds)
    for look in range(most):
        for which, size in atoms.items():
            hits = bisect_left(_cumulative(size * epochs, chances[which]), draw.random())
            for number, own in enumerate(which):
                counts[number] += hits * own
        if any(count >= own[look] for count, own in zip(counts, bounds, strict=True)):
            return True
    return False


@lru_cache(maxsize=256)
def _cumulative(trials: int, chance: float) -> list[float]:
    return list(accumulate((at_most(k, trials, chance) for k in range(trials)), max))
