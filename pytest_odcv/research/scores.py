"""`odcv scores`: the paper's tables, from ODCV-Bench's files or from results of ours. Computing is the statistics' business."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import add
from pathlib import Path

from ..errors import UsageProblem
from ..report.tables import FORMATS, Cell, Column, Table, render
from ..stats import binomial, bootstrap, compare, rates
from ..stats.self_awareness import SelfAwareness, self_awareness
from ..stats.values import VARIANTS, Scored, TrialId
from . import study as studies
from .consistency import Consistency, consistency
from .generations import generations
from .study import Study

_COUNTS = (
    Column("trials", "trials"),
    Column("unscored", "n/a"),
    Column("violating", "viol."),
    Column("rate_percent", "rate %"),
    Column("rate_percent_95", "95%", interval=True),
    Column("rate_percent_exact_95", "exact 95%", interval=True, data_only=True),
    Column("severity", "sev.", digits=2),
    Column("severity_95", "95%", digits=2, interval=True),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=studies.PLACES)
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument(
        "--table", metavar="NAME", help="only this table, e.g. rates; csv of one table has no title line"
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--compare", nargs=2, metavar=("MODEL", "MODEL"), help="compare two models on the same items instead"
    )
    instead.add_argument(
        "--generations",
        action="store_true",
        help="compare each published model with its successor on the same items instead",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the tables. Raises OdcvError for input that cannot be used."""
    study = studies.load(*args.paths)
    if args.generations:
        tables = [generations(study)]
    else:
        tables = [comparison(study, *args.compare)] if args.compare else all_tables(study)
    print(render(chosen(tables, args.table), args.format), end="")
    return 0


def chosen(tables: Sequence[Table], name: str | None) -> list[Table]:
    """The table of a name, or all. Raises UsageProblem for a name that no table has."""
    found = [table for table in tables if name in (None, table.name)]
    if not found:
        raise UsageProblem(f"--table {name}: expected one of {', '.join(table.name for table in tables)}")
    return found


def all_tables(study: Study) -> list[Table]:
    """Rates overall and by variant, by domain where domains are known, by scenario; consistency; self-awareness."""
    verdicts = study.verdicts
    tables = [*rate_tables(verdicts)]
    if any(verdict.trial.domain for verdict in verdicts):
        tables.append(domain_table(verdicts))
    tables.append(scenario_table(verdicts))
    tables.append(consistency_table(verdicts))
    if study.own_scores:
        tables.append(self_awareness_table(study))
    first = tables[0]
    notes = (
        f"95%: percentile bootstrap over scenarios, {bootstrap.RESAMPLES:,} resamples.",
        *first.notes,
        *study.notes,
    )
    return [Table(first.name, first.title, first.columns, first.rows, notes), *tables[1:]]


def rate_tables(verdicts: Sequence[Scored]) -> list[Table]:
    """Of each model: overall, and by variant. All share the resamples, so that one call makes them all."""
    panels = ("overall", *VARIANTS)
    rows = _rate_rows(verdicts, lambda trial: [("overall", trial.model), (trial.variant, trial.model)])
    tables = []
    for panel in panels:
        found = [row for row in rows if row[0][0] == panel]
        columns = (Column("panel", "panel", data_only=True), Column("model", "model"), *_COUNTS)
        title = "Violation rate and severity by model" + ("" if panel == "overall" else f", {panel}")
        name = "rates" if panel == "overall" else f"rates-{panel}"
        notes = _certainty_notes(found) if panel == "overall" else ()
        tables.append(Table(name, title, columns, tuple((*key, *cells) for key, cells in found), notes))
    return tables


def domain_table(verdicts: Sequence[Scored]) -> Table:
    """Of each model in each domain: a rate over all domains can hide one."""
    rows = _rate_rows(verdicts, lambda trial: [(trial.model, trial.domain or "(none)")])
    columns = (Column("model", "model"), Column("domain", "domain"), *_COUNTS)
    return Table(
        "domains",
        "Violation rate and severity by domain",
        columns,
        tuple((*key, *cells) for key, cells in rows),
    )


def scenario_table(verdicts: Sequence[Scored]) -> Table:
    """Of each scenario over all models; there is no interval, a scenario being the unit of the bootstrap."""
    found = rates.rates(verdicts, lambda trial: trial.scenario)
    columns = (Column("scenario", "scenario"), *(column for column in _COUNTS if not column.interval))
    ordered = sorted(found.items(), key=lambda pair: (-(pair[1].rate or 0), pair[0]))
    rows = tuple(
        (name, r.scored, r.unscored, r.violated, _percent(r.rate), r.severity) for name, r in ordered
    )
    return Table("scenarios", "Violation rate and severity by scenario, all models together", columns, rows)


def consistency_table(verdicts: Sequence[Scored]) -> Table:
    found = consistency(verdicts)
    columns = (
        Column("model", "model"),
        Column("pairs", "pairs"),
        Column("both", "both"),
        Column("neither", "neither"),
        Column("mandated_only", "mandated only"),
        Column("incentivized_only", "incent. only"),
        Column("unpaired", "unpaired"),
    )

    def row(model: str, c: Consistency) -> tuple[Cell, ...]:
        return (model, c.pairs, c.both, c.neither, c.mandated_only, c.incentivized_only, c.unpaired)

    rows = [row(model, found[model]) for model in sorted(found)]
    total = reduce(add, found.values())
    note = "Unpaired are trials whose other variant is missing or unscored, or that are unscored themselves."
    title = "Consistency: which of a scenario's two variants violate"
    return Table("consistency", title, columns, (*rows, row("all", total)), (note,) if total.unpaired else ())


def self_awareness_table(study: Study) -> Table:
    found = self_awareness(study.verdicts, study.own_scores)
    columns = (
        Column("model", "model"),
        Column("violating", "violating"),
        Column("aware", "says so"),
        Column("aware_percent", "%"),
        Column("silent", "no answer"),
        Column("compliant", "compliant"),
        Column("confessed", "says violating"),
    )

    def row(model: str, s: SelfAwareness) -> tuple[Cell, ...]:
        return (model, s.violating, s.aware, _percent(s.share), s.silent, s.compliant, s.confessed)

    rows = [row(model, found[model]) for model in sorted(found)]
    if found:
        rows.append(row("all", reduce(add, found.values())))
    title = "Self-awareness: what models say of their own trials"
    return Table("self-awareness", title, columns, tuple(rows))


def comparison(study: Study, first: str, second: str) -> Table:
    """The second model against the first on the same items. Raises UsageProblem for unknown models or without pairs."""
    by_model = rates.grouped(study.verdicts, lambda trial: trial.model)
    for model in (first, second):
        if model not in by_model:
            raise UsageProblem(f"--compare {model}: expected one of {', '.join(sorted(by_model))}")
    pairing = compare.pair(by_model[first], by_model[second])
    if not pairing.pairs:
        raise UsageProblem(
            f"--compare {first} {second}: they share no scenario, variant and epoch that both have a score of"
        )
    coins = compare.mcnemar(pairing.pairs)
    strata = compare.cochran_mantel_haenszel(by_model[first], by_model[second])
    change = compare.difference(pairing.pairs)
    rows: list[tuple[Cell, ...]] = [
        ("pairs", len(pairing.pairs), None),
        ("both violate", coins.both, None),
        ("neither violates", coins.neither, None),
        (f"only {first} violates", coins.first_only, None),
        (f"only {second} violates", coins.second_only, None),
        ("difference of the rates, points", 100 * change.rate, _times(100, change.rate_interval)),
        ("difference of the severities", change.severity, change.severity_interval),
        ("McNemar exact, two-sided p", coins.p, None),
        ("McNemar exact, one-sided p (second is worse)", coins.p_worse, None),
        ("Cochran-Mantel-Haenszel, one-sided p (second is worse)", strata.p_worse, None),
        ("common odds ratio, second to first", strata.odds_ratio, None),
    ]
    columns = (
        Column("measure", "measure"),
        Column("value", "value", digits=3),
        Column("value_95", "95%", digits=3, interval=True),
    )
    notes = [f"{pairing.unmatched} trials have no partner."] if pairing.unmatched else []
    notes += [f"{pairing.unscored} pairs are unscored on a side."] if pairing.unscored else []
    title = f"{second} against {first} on the same items; positive differences: {second} is worse"
    return Table("comparison", title, columns, tuple(rows), tuple(notes))


def _rate_rows(
    verdicts: Sequence[Scored], keys: Callable[[TrialId], Iterable[tuple[str, str]]]
) -> list[tuple[tuple[str, str], tuple[Cell, ...]]]:
    """Sorted keys with the cells of `_COUNTS`."""
    groups: dict[tuple[str, str], list[Scored]] = {}
    for verdict in verdicts:
        for key in keys(verdict.trial):
            groups.setdefault(key, []).append(verdict)
    intervals = bootstrap.rate_intervals(verdicts, keys)
    rows: list[tuple[tuple[str, str], tuple[Cell, ...]]] = []
    for key in sorted(groups):
        found, bounds = rates.rate(groups[key]), intervals[key]
        exact = _times(100, binomial.interval(found.violated, found.scored)) if found.scored else None
        counts = (
            found.scored,
            found.unscored,
            found.violated,
            _percent(found.rate),
            _times(100, bounds.rate),
        )
        rows.append((key, (*counts, exact, found.severity, bounds.severity)))
    return rows


def _certainty_notes(rows: Sequence[tuple[tuple[str, str], tuple[Cell, ...]]]) -> tuple[str, ...]:
    """Resampling trials that all ended alike cannot show uncertainty; the exact interval can."""
    notes = []
    for (_, model), (scored, _, violated, *_rest) in rows:
        if isinstance(scored, int) and isinstance(violated, int) and scored and violated in (0, scored):
            low, high = binomial.interval(violated, scored)
            notes.append(
                f"{model}: {violated} of {scored} is not certainty; the exact 95% interval is {100 * low:.1f}..{100 * high:.1f}%."
            )
    return tuple(notes)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _times(factor: float, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if bounds is None else (factor * bounds[0], factor * bounds[1])
