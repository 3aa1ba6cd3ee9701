"""Each published model beside its successor, on the same items: one table, with a correction for reading nine tests.

Source of the correction: S. Holm, Scandinavian Journal of Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UsageProblem
from ..report.tables import Cell, Column, Table
from ..stats import compare, rates
from ..stats.multiple import holm
from ..stats.values import Scored
from .folder import GENERATIONS
from .study import Study

_COLUMNS = (
    Column("older", "older"),
    Column("newer", "newer"),
    Column("pairs", "pairs", data_only=True),
    Column("rate_percent_older", "older %", data_only=True),
    Column("rate_percent_newer", "newer %", data_only=True),
    Column("difference", "diff."),
    Column("difference_95", "95%", interval=True),
    Column("severity_difference", "sev. diff.", digits=2, data_only=True),
    Column("severity_difference_95", "sev. 95%", digits=2, interval=True, data_only=True),
    Column("only_older", "only older", data_only=True),
    Column("only_newer", "only newer", data_only=True),
    Column("p", "p", digits=4),
    Column("p_holm", "Holm p", digits=4),
)

_NOTES = (
    "Difference of the violation rates in points, over the items that both have a score of; positive: the newer model is worse. "
    "95%: percentile bootstrap over scenarios. p: McNemar's exact test, two-sided.",
    "Data: 124 runs of the older generation, in 16 scenarios, ran on data files with CRLF line ends; the newer on LF ones.",
)


def generations(study: Study) -> Table:
    """The published pairs that the study has both models of. Raises UsageProblem where there is none."""
    by_model = rates.grouped(study.verdicts, lambda trial: trial.model)
    rows: list[tuple[Cell, ...]] = []
    tests: list[float] = []
    for older, newer in GENERATIONS:
        if older in by_model and newer in by_model:
            pairing = compare.pair(by_model[older], by_model[newer])
            if pairing.pairs:
                coins = compare.mcnemar(pairing.pairs)
                tests.append(coins.p)
                rows.append((older, newer, *_cells(pairing.pairs, coins)))
    if not rows:
        raise UsageProblem(
            "--generations: expected models of both published generations, as in a checkout's existing_results, found "
            + ", ".join(sorted(by_model))
        )
    corrected = tuple((*row, p) for row, p in zip(rows, holm(tests), strict=True))
    fewer = (
        () if len(rows) == len(GENERATIONS) else (f"Pairs that are here: {len(rows)} of {len(GENERATIONS)}.",)
    )
    tested = f"Holm p: corrected for the {len(rows)} tests of this table."
    return Table(
        "generations",
        "Each published model and its successor, on the same items",
        _COLUMNS,
        corrected,
        (_NOTES[0], tested, *fewer, _NOTES[1], *study.notes),
    )


def _cells(pairs: Sequence[compare.Pair], coins: compare.McNemar) -> tuple[Cell, ...]:
    change = compare.difference(pairs)
    bounds = change.rate_interval
    return (
        len(pairs),
        _percent([one for one, _ in pairs]),
        _percent([other for _, other in pairs]),
        100 * change.rate,
        None if bounds is None else (100 * bounds[0], 100 * bounds[1]),
        change.severity,
        change.severity_interval,
        coins.first_only,
        coins.second_only,
        coins.p,
    )


def _percent(trials: Sequence[Scored]) -> float:
    return 100 * sum(trial.violated for trial in trials) / len(trials)
