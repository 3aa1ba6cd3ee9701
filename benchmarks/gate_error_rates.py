"""How often gates fail when they should not, fail when they should, and pass: a seeded simulation of the very functions that decide.

Nothing here decides: `gates.adaptive` is asked, as a run of pytest asks it. Every metric is tried at its limit (an honest agent that is
just good enough), at its stated alternative (bad enough that it should not pass), and well below the limit; in 1, 3 and 5 epochs and with
epochs=auto; on 12 and 80 items; with items that are all alike and with scenarios that have rates of their own (*clustered*, as alike as
in ODCV-Bench's published data); about these scenarios and over scenarios like these. Each statement is checked under its own model.

Exits with 1 when a promise of the documentation is missed beyond chance: more false alarms than 5% (its 99.9% lower bound is above),
or more than one pass in five at the alternative. Run: python benchmarks/gate_error_rates.py [SHARE], where SHARE scales the numbers
of simulations; the full grid takes half an hour on two cores.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import monotonic

import numpy as np
from _gate_models import MOST, Design, Kind, Where, drawn, results

from pytest_odcv.gates import adaptive
from pytest_odcv.gates.measure import Look
from pytest_odcv.gates.spec import Metric, Over
from pytest_odcv.results.run import ModelRun
from pytest_odcv.stats import binomial

METRICS: tuple[Metric, ...] = (
    "violation_rate",
    "mean_severity",
    "self_aware_share",
    "unscored_share",
    "error_share",
    "incomplete_share",
    "refused_share",
    "pass_k",
    "regression",
    "severity_regression",
    "not_worse_than_baseline",
)
OVERS: tuple[Over, ...] = ("trials", "scenarios")
KINDS: tuple[Kind, ...] = ("independent", "clustered")
ITEMS, EPOCHS = (12, 80), (1, 3, 5, 0)
SIMULATIONS = {"limit": 1000, "alternative": 200, "honest": 200}
REDESIGNED = ("mean_severity", "severity_regression")
NOMINAL, PASSES, SURE, LEAST = 0.05, 0.20, 0.999, 0.02


@dataclass(frozen=True)
class Cell:
    """What became of the runs of one design at one rate; at the limit only failures are counted."""

    runs: int
    failed: int
    passed: int
    epochs: float

    @property
    def fails(self) -> float:
        return self.failed / self.runs

    @property
    def passes(self) -> float:
        return self.passed / self.runs


def simulated(design: Design, where: Where, runs: int) -> Cell:
    seed = zlib.crc32(repr((design, where)).encode())
    old, new = drawn(np.random.default_rng(seed), design, where, runs)
    failed = passed = used = 0
    for sim in range(runs):
        before = [] if old is None else results(design, old, sim, "old")
        run = ModelRun("new", tuple(results(design, new, sim)))
        if where == "limit":
            failed += adaptive.is_shown(design.spec, run, design.catalog, before, design.most)
            continue
        run = _stopped(design, run, before)
        (found,) = adaptive.decide([design.spec], run, design.catalog, before, most=design.most)
        failed += found.decision == "fail"
        passed += found.decision == "pass"
        used += run.epochs
    return Cell(runs, failed, passed, used / runs)


def _stopped(design: Design, run: ModelRun, before: Sequence[object]) -> ModelRun:
    """What epochs=auto would have run."""
    if design.most is None:
        return run
    for epoch in range(1, MOST):
        part = run.up_to(epoch)
        look = Look(epoch, MOST)
        if adaptive.settled([design.spec], part, design.catalog, before, look):  # type: ignore[arg-type]
            return part
    return run


def designs() -> Iterator[Design]:
    for metric in METRICS:
        for over in OVERS:
            for kind in KINDS:
                for items in ITEMS:
                    yield from (Design(metric, over, kind, items, epochs) for epochs in EPOCHS)


def main() -> int:
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    start = monotonic()
    jobs = [
        (design, where, max(20, round(share * n))) for design in designs() for where, n in SIMULATIONS.items()
    ]
    with ProcessPoolExecutor(2) as pool:
        cells = list(pool.map(simulated, *zip(*jobs, strict=True), chunksize=4))
    found = {(design, where): cell for (design, where, _), cell in zip(jobs, cells, strict=True)}
    missed = []
    for metric in METRICS:
        print(f"\n{_title(metric)}")
        print(
            _row(
                "",
                [
                    "at limit fails",
                    "bad fails",
                    "bad passes",
                    "exit 0 warn",
                    "exit 0 fail",
                    "good passes",
                    "epochs",
                ],
            )
        )
        for design in designs():
            if design.metric == metric:
                three = [found[design, where] for where in ("limit", "alternative", "honest")]
                print(_line(design, *three))
                missed += _missed(design, *three)
    print(
        f"\n{len(jobs)} cells in {monotonic() - start:.0f} s. "
        + ("All promises hold." if not missed else "MISSED:")
    )
    print("\n".join(missed))
    return bool(missed)


def _title(metric: Metric) -> str:
    limit, bad, good = (
        Design(metric, "trials", "independent", 80, 1).targets(w)[1]
        for w in ("limit", "alternative", "honest")
    )
    return f"{metric}: at the limit {limit:.1%} of trials are bad, of a bad agent {bad:.1%}, of a good one {good:.1%}"


def _line(design: Design, limit: Cell, bad: Cell, good: Cell) -> str:
    about = "these" if design.over == "trials" else "like these"
    epochs = f"{design.epochs} epochs" if design.epochs else "auto"
    name = f"{about:<10} {design.kind:<12}{design.items:>3} x {epochs}"
    cells = [limit.fails, bad.fails, bad.passes, 1 - bad.fails, bad.passes, good.passes]
    return _row(name, [*(f"{cell:.3f}" for cell in cells), f"{good.epochs:.1f}"])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<40}" + "".join(f"{cell:>15}" for cell in cells)


def _missed(design: Design, limit: Cell, bad: Cell, good: Cell) -> Iterator[str]:
    if binomial.lower_bound(limit.failed, limit.runs, SURE) > NOMINAL:
        yield f"{design}: fails {limit.fails:.3f} of the runs at the limit"
    if binomial.lower_bound(bad.passed, bad.runs, SURE) > PASSES:
        yield f"{design}: passes {bad.passes:.3f} of the runs at the alternative"
    can_fire = bad.fails >= 0.5 and design.metric in REDESIGNED and design.over == "trials"
    if can_fire and binomial.upper_bound(limit.failed, limit.runs, SURE) < LEAST:
        yield f"{design}: fails only {limit.fails:.3f} of the runs at the limit, which wastes power"


if __name__ == "__main__":
    sys.exit(main())
