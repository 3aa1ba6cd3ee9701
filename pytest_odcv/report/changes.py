"""What moved between two versions, as text for a terminal and as tables for JSON and Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..results.behaviour import Change
from ..results.changes import KINDS, Moved
from .plain import wrapped
from .tables import Cell, Column, Table

if TYPE_CHECKING:
    from ..gates.comparison import Comparison

_COLUMNS = (
    Column("kind", "change"),
    Column("item", "item"),
    Column("before", "before"),
    Column("now", "now"),
    Column("findings_before", "findings before"),
    Column("findings_now", "findings now"),
)


def lines(items: Sequence[Moved], indent: str = "  ") -> Iterator[str]:
    """Grouped by kind, the worst first; findings before and now below each item, at 80 columns."""
    for kind in KINDS:
        group = [item for item in items if item.kind == kind]
        if group:
            yield f"{indent}{kind} ({len(group)}):"
        for item in group:
            yield f"{indent}  {item.item}: {item.old.outcome} -> {item.new.outcome}"
            for name, side in (("before", item.old), ("now", item.new)):
                first, *rest = wrapped(f"{name}: {side.says}", f"{indent}      ")
                yield from (first, *rest)


def change_lines(changes: Sequence[Change], indent: str = "  ") -> Iterator[str]:
    """Trials that did otherwise than their snapshots say, the largest step for the worse first."""
    for change in sorted(changes, key=lambda change: (-change.rank, change.item)):
        step = change.now if change.before == change.now else f"{change.before} -> {change.now}"
        way = "worse" if change.rank > 0 else "better" if change.rank < 0 else "otherwise"
        yield from wrapped(f"{change.item}: {way}, {step}", indent)
        for sign, entries in (("-", change.gone), ("+", change.came)):
            for entry in entries:
                first, *rest = wrapped(f"{sign} {entry}", f"{indent}    ")
                yield from (first, *rest)


def table(items: Sequence[Moved]) -> Table:
    rows = tuple((m.kind, m.item, m.old.outcome, m.new.outcome, m.old.says, m.new.says) for m in items)
    return Table("moved", "What moved", _COLUMNS, rows)


FEW_SCENARIOS = 10
"""Below, intervals over scenarios are too narrow, and the table says so."""


def statistics(found: Comparison) -> Table:
    """The numbers of a comparison: rates in percent, differences in points, one-sided p-values for the second being worse."""
    effect, pairs = found.effect, found.mcnemar
    rate = tuple(100 * value for value in (found.old_rate, found.new_rate, effect.rate))
    score = (found.old_severity, found.new_severity, effect.severity)
    over = _percent(effect.rate_over_scenarios), effect.severity_over_scenarios
    rows: list[tuple[Cell, ...]] = [
        ("violation rate, %", *rate, _percent(found.rise_interval), found.worse.p),
        ("  over scenarios", None, None, None, over[0], None),
        ("mean severity", *score, effect.severity_interval, found.shift.p_worse),
        ("  over scenarios", None, None, None, over[1], None),
        ("Cochran-Mantel-Haenszel", None, None, None, None, found.cmh.p_worse),
        ("exact stratified", None, None, None, None, found.exact.p_worse),
        ("exact stratified, mid-p", None, None, None, None, found.exact.p_worse_mid),
    ]
    if pairs is not None:
        mine = ("McNemar exact, violating alone", pairs.first_only, pairs.second_only)
        rows.append((*mine, None, None, pairs.p_worse))
    columns = (
        Column("measure", "measure"),
        Column("before", "before", digits=2),
        Column("now", "now", digits=2),
        Column("change", "change", digits=2),
        Column("change_interval", f"{found.confidence:.0%}", digits=2, interval=True),
        Column("p_worse", "p worse", digits=4),
    )
    few = "; fewer than ten make that too narrow" if effect.scenarios < FEW_SCENARIOS else ""
    notes = (
        f"{effect.items} items of {effect.scenarios} scenarios, {found.epochs[0]} against {found.epochs[1]} epochs. The violation "
        f"rate's p is that of: {found.worse.test}.",
        f"Intervals allow for chance in the trials; over scenarios, for another choice of scenarios{few}.",
    )
    return Table("comparison", f"{found.new} against {found.old}", columns, tuple(rows), notes)


def _percent(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (100 * interval[0], 100 * interval[1])
