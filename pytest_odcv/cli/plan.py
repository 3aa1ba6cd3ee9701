"""`odcv plan`: what a number of epochs can show on a suite, and what it costs, before anything is run. Limits are exact binomial sums;
comparisons are seeded simulations of the functions that decide (`stats.power`). Prices come from earlier results.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import NormalDist

from ..errors import UsageProblem
from ..gates.adaptive import MOST_EPOCHS
from ..gates.comparison import scored
from ..gates.spec import CONFIDENCE, GateSpec
from ..report.tables import FORMATS, Cell, Column, Table, render
from ..results import baseline, merged
from ..results.baseline import Source
from ..results.trial_result import TrialResult
from ..scenario.schema import VARIANTS
from ..scenario.suite import Suite, load_suite
from ..stats import margin, power, stratified
from ..stats.compare import Table as CountTable
from ..stats.rates import rate

_EPOCHS = (1, 2, 3, 5, 10)
_RISES = (0.05, 0.10, 0.15)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "suite",
        nargs="?",
        type=Path,
        metavar="SUITE",
        help="folder of scenarios (default: the packaged suite)",
    )
    parser.add_argument(
        "--limit", type=_share, default=0.05, metavar="R", help="limit of the violation rate (default: 0.05)"
    )
    parser.add_argument(
        "--rate",
        type=_share,
        metavar="R",
        help="violation rate that is expected (default: of RESULTS, else 0.02)",
    )
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="results of an earlier run (FILE::MODEL for one of several models): its rate, intraclass correlation and costs",
    )
    parser.add_argument(
        "--epochs", type=_whole, nargs="+", default=list(_EPOCHS), metavar="N", help="epochs to plan for"
    )
    parser.add_argument(
        "--baseline-epochs", type=_whole, metavar="N", help="epochs of the baseline (default: as many)"
    )
    parser.add_argument(
        "--margin",
        type=_share,
        default=0.05,
        metavar="R",
        help="rise that not_worse_than_baseline tolerates (default: 0.05)",
    )
    parser.add_argument("--power", type=_share, default=0.8, metavar="P", help="of detection (default: 0.8)")
    parser.add_argument("--confidence", type=_share, default=CONFIDENCE, metavar="C", help="of the gates")
    parser.add_argument("--allow-incomparable", action="store_true", help=merged.ALLOW_HELP)
    parser.add_argument("--format", choices=FORMATS, default="text")


@dataclass(frozen=True)
class Plan:
    """What is planned for, and what earlier results say; costs of a trial in US dollars and seconds, None where unknown."""

    items: int
    epochs: tuple[int, ...]
    baseline_epochs: int | None
    limit: float
    rate: float
    power: float
    confidence: float
    icc: float
    margin: float
    dollars: float | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()


def run(args: argparse.Namespace) -> int:
    """Prints the tables. Raises OdcvError for input that cannot be used."""
    for name in ("power", "confidence", "margin"):
        if not 0 < getattr(args, name) < 1:
            raise UsageProblem(f"--{name}={getattr(args, name):g}: expected a number between 0 and 1")
    suite = load_suite(args.suite) if args.suite is not None else _configured_suite()
    earlier, taken = _earlier(args.results, args.allow_incomparable)
    plan = _plan(args, len(suite.scenarios) * len(VARIANTS), earlier, taken)
    tables = [limit_table(plan), regression_table(plan), margin_table(plan), cost_table(plan)]
    print(render(tables, args.format), end="")
    return 0


def _configured_suite() -> Suite:
    from ..config import build
    from ..config.settings import resolve_in

    return build.suite_of(resolve_in(Path.cwd(), {}))


def _earlier(text: str | None, allowed: bool) -> tuple[list[TrialResult], Sequence[str]]:
    """The results that are planned by, and what has to be said of them."""
    if text is None:
        return [], ()
    source = Source.parse(text)
    if not source.path.is_file():
        raise UsageProblem(f"--results={text}: expected a results file (JSON lines)")
    results, notes = merged.distinct([source.path], allowed)
    return baseline.of_model(results, source, ""), notes


def _plan(args: argparse.Namespace, items: int, earlier: Sequence[TrialResult], taken: Sequence[str]) -> Plan:
    trials = scored(earlier)
    seen = rate(trials).rate
    alike = power.icc(trials) if earlier else None
    notes = [
        *taken,
        "The icc, how alike trials of one item are, is "
        + (f"{alike:.2f} in these results." if alike is not None else "taken for 0, the careful assumption."),
        f"By {power.SIMULATIONS} seeded simulations of the gate: within 5 points of the truth.",
    ]
    if args.rate is None and seen is None:
        notes.append("The expected rate of 2% is an assumption: give --rate or --results.")
    expected = args.rate if args.rate is not None else seen if seen is not None else 0.02
    return Plan(
        items=items,
        epochs=tuple(sorted(set(args.epochs))),
        baseline_epochs=args.baseline_epochs,
        limit=args.limit,
        rate=expected,
        power=args.power,
        confidence=args.confidence,
        icc=alike or 0.0,
        margin=args.margin,
        dollars=_mean([result.spent for result in earlier if not result.error]),
        seconds=_mean([result.seconds for result in earlier if not result.error]),
        notes=tuple(notes),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """None, unknown, where any is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def limit_table(plan: Plan) -> Table:
    """The gate at a limit, not shown to exceed: exact binomial, on these scenarios."""
    alternative = GateSpec(max=plan.limit).stated_alternative
    rows: list[tuple[Cell, ...]] = []
    for epochs in plan.epochs:
        n = plan.items * epochs
        bound = power.fails_from(n, plan.limit, plan.confidence)
        detected = power.detectable_rate(n, plan.limit, plan.power, plan.confidence)
        rates = plan.rate, plan.limit, alternative
        chance = [power.rate_power(n, plan.limit, r, plan.confidence) for r in rates]
        rows.append((epochs, n, bound if bound <= n else None, _percent(detected), *map(_percent, chance)))
    columns = (
        Column("epochs", "epochs"),
        Column("trials", "trials"),
        Column("fails_from", "fails from"),
        Column("detected_rate_percent", f"seen with {plan.power:.0%}", digits=1),
        Column("fails_at_expected_percent", f"at {plan.rate:.1%}", digits=1),
        Column("fails_at_limit_percent", "at limit", digits=1),
        Column("fails_at_alternative_percent", f"at {alternative:.1%}", digits=1),
    )
    title = f"Limit of {plan.limit:.1%} ({plan.confidence:.0%} confidence), {plan.items} items a model: percent of runs that fail"
    note = f"Fails from: violations. Seen: the true rate in percent that fails {plan.power:.0%} of the runs."
    passes = f"The gate can pass where {power.POWER:.0%} of runs at {alternative:.1%} fail{_enough(plan, alternative)}."
    return Table("limit", title, columns, tuple(rows), (note, passes))


def _enough(plan: Plan, alternative: float) -> str:
    least = power.trials_needed(plan.limit, alternative, power.POWER, plan.confidence)
    if least is None:
        return ""
    return f": from {least} trials on, {ceil(least / plan.items)} epochs"


def regression_table(plan: Plan) -> Table:
    """The regression gate: the rise that is seen, and how often given rises are."""

    def fires(tables: Sequence[CountTable]) -> bool:
        return stratified.worse(tables).p <= 1.0 - plan.confidence

    rows: list[tuple[Cell, ...]] = []
    for epochs in plan.epochs:
        design = (plan.baseline_epochs or epochs, epochs)
        rise = power.detectable_rise(fires, plan.items, design, plan.rate, plan.power, plan.icc)
        seen = [power.seen(fires, plan.items, design, plan.rate, r, plan.icc) for r in _RISES]
        rows.append((epochs, design[0], _percent(rise), *map(_percent, seen)))
    columns = (
        Column("epochs", "epochs"),
        Column("baseline_epochs", "of baseline"),
        Column("detected_rise_points", f"seen with {plan.power:.0%}", digits=1),
        *(Column(f"seen_at_{r * 100:.0f}_percent", f"at +{r * 100:.0f}", digits=1) for r in _RISES),
    )
    title = f"Regression against a baseline at {plan.rate:.1%}: rises in points, and the percent of runs in which they are seen"
    return Table("regression", title, columns, tuple(rows), plan.notes)


def margin_table(plan: Plan) -> Table:
    """The gate `not_worse_than_baseline`: how often it shows what it is asked for, of an unchanged version and of one at the margin."""
    z = NormalDist().inv_cdf(plan.confidence)

    def shows(tables: Sequence[CountTable]) -> bool:
        return margin.rise_z(tables, plan.margin) <= -z

    rows: list[tuple[Cell, ...]] = []
    for epochs in plan.epochs:
        design = (plan.baseline_epochs or epochs, epochs)
        seen = [power.seen(shows, plan.items, design, plan.rate, r, plan.icc) for r in (0.0, plan.margin)]
        rows.append((epochs, design[0], *map(_percent, seen)))
    columns = (
        Column("epochs", "epochs"),
        Column("baseline_epochs", "of baseline"),
        Column("unchanged_passes_percent", "unchanged", digits=1),
        Column("worse_passes_percent", f"at +{100 * plan.margin:g}", digits=1),
    )
    title = f"Not worse than a baseline at {plan.rate:.1%} by {100 * plan.margin:g} points: percent of runs in which it is shown"
    enough = next((row[0] for row in rows if (row[2] or 0) >= 100 * plan.power), None)  # type: ignore[operator]
    text = (
        f"{enough} epochs show it for {plan.power:.0%} of the runs of an unchanged version."
        if enough
        else f"None of these shows it for {plan.power:.0%} of the runs of an unchanged version: try more --epochs."
    )
    return Table("not_worse", title, columns, tuple(rows), (text,))


def cost_table(plan: Plan) -> Table:
    """What it takes to run one model, as earlier trials did."""
    rows: list[tuple[Cell, ...]] = [
        (
            epochs,
            plan.items * epochs,
            None if plan.dollars is None else plan.dollars * plan.items * epochs,
            None if plan.seconds is None else plan.seconds * plan.items * epochs / 3600,
        )
        for epochs in plan.epochs
    ]
    columns = (
        Column("epochs", "epochs"),
        Column("trials", "trials"),
        Column("dollars", "US dollars", digits=2),
        Column("hours", "hours, one at a time", digits=2),
    )
    auto = f"--odcv-epochs=auto stops after an epoch where every gate is settled, {MOST_EPOCHS} at most."
    unknown = (
        ()
        if plan.dollars is not None
        else ("Prices are unknown: --results of a run with known costs tells them.",)
    )
    return Table("cost", "Cost of one model", columns, tuple(rows), (*unknown, auto))


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1 (0.05 for 5%), found {text!r}")
    return value


def _whole(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, found {text!r}")
    return int(text)
