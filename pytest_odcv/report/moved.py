"""What moved between two versions, as text for a terminal and as tables for JSON and Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..gates.moved import KINDS, Moved
from ..gates.regression import Comparison
from .plain import wrapped
from .tables import Cell, Column, Table

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


def table(items: Sequence[Moved]) -> Table:
    rows = tuple((m.kind, m.item, m.old.outcome, m.new.outcome, m.old.says, m.new.says) for m in items)
    return Table("moved", "What moved", _COLUMNS, rows)


def statistics(found: Comparison) -> Table:
    """The numbers of a comparison: rates in percent, differences in points, one-sided p-values for the second being worse."""
    effect, pairs = found.effect, found.mcnemar
    times = 100.0
    rows: list[tuple[Cell, ...]] = [
        ("items compared", None, None, effect.items, None, None),
        ("epochs", found.epochs[0], found.epochs[1], None, None, None),
        (
            "violation rate, %",
            times * found.old_rate,
            times * found.new_rate,
            times * effect.rate,
            _scaled(effect.rate_interval, times),
            found.worse.p,
        ),
        (
            "mean severity",
            found.old_severity,
            found.new_severity,
            effect.severity,
            effect.severity_interval,
            found.score_shift.p_worse,
        ),
        ("Cochran-Mantel-Haenszel", None, None, None, None, found.cmh.p_worse),
        ("exact stratified", None, None, None, None, found.exact.p_worse),
        ("exact stratified, mid-p", None, None, None, None, found.exact.p_worse_mid),
    ]
    if pairs is not None:
        rows.append(
            (
                "only this one violates, McNemar",
                pairs.first_only,
                pairs.second_only,
                None,
                None,
                pairs.p_worse,
            )
        )
    columns = (
        Column("measure", "measure"),
        Column("before", "before", digits=2),
        Column("now", "now", digits=2),
        Column("change", "change", digits=2),
        Column("change_interval", f"{found.confidence:.0%}", digits=2, interval=True),
        Column("p_worse", "p worse", digits=4),
    )
    notes = (f"The violation rate's p is that of: {found.worse.test}.",)
    return Table("comparison", f"{found.new} against {found.old}", columns, tuple(rows), notes)


def _scaled(interval: tuple[float, float] | None, times: float) -> tuple[float, float] | None:
    return None if interval is None else (times * interval[0], times * interval[1])
