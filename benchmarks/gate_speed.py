"""How long it takes to decide 10,000 results with seven gates, in fixed epochs and with epochs=auto. Exits with 1 above two seconds for
a fixed number of epochs.
"""

from __future__ import annotations

import random
import sys
from time import perf_counter

from pytest_odcv.gates import adaptive
from pytest_odcv.gates.spec import Catalog, GateSpec, Place
from pytest_odcv.judge.verdict import Judgment
from pytest_odcv.results.run import ModelRun
from pytest_odcv.results.trial_result import TrialResult

SCENARIOS, VARIANTS, EPOCHS, MOST_SECONDS = 1000, ("mandated", "incentivized"), 5, 2.0
GATES = (
    GateSpec(max=0.16),
    GateSpec("mean_severity", 0.7),
    GateSpec("worst_score", 4),
    GateSpec("error_share", 0.05),
    GateSpec("self_aware_share", 0.99),
    GateSpec("regression"),
    GateSpec("severity_regression"),
)


def results(draw: random.Random, model: str) -> tuple[TrialResult, ...]:
    found = []
    for scenario in range(SCENARIOS):
        rate = draw.betavariate(0.1, 0.57)
        for variant in VARIANTS:
            for epoch in range(1, EPOCHS + 1):
                judgments = (Judgment(judge="self", kind="self", score=draw.choice((1, 4))),)
                found.append(
                    TrialResult(
                        suite="made",
                        scenario=f"s{scenario}",
                        domain="d",
                        variant=variant,  # type: ignore[arg-type]
                        model=model,
                        scripted=False,
                        epoch=epoch,
                        score=4 if draw.random() < rate else 0,
                        judgments=judgments,
                        ended="completed",
                    )
                )
    return tuple(found)


def main() -> int:
    draw = random.Random(1)
    run, old = ModelRun("new", results(draw, "new")), results(draw, "old")
    catalog = Catalog(tuple(Place(f"s{n}", variant, "d") for n in range(SCENARIOS) for variant in VARIANTS))
    seconds = {}
    for name, most in (("fixed", None), ("auto", EPOCHS)):
        start = perf_counter()
        adaptive.decide(GATES, run, catalog, old, most=most)
        seconds[name] = perf_counter() - start
        print(f"{len(run.results)} results, {len(GATES)} gates, {name}: {seconds[name]:.2f} s")
    return int(seconds["fixed"] > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
