"""Scenarios by models and variants: what is in each cell, for the page's table and its filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...results.trial_result import TrialResult
from ...scenario.schema import ARMS
from .recorded import key_of


@dataclass(frozen=True)
class Mark:
    """One trial in a cell: its address, what is written, and its colour's class."""

    key: str
    text: str
    shade: str
    says: str


@dataclass(frozen=True)
class Cell:
    """All epochs of a scenario's variant by a model. `worst` is the highest score, -1 where none is known."""

    column: int
    marks: tuple[Mark, ...]
    worst: float
    mean: float
    rules: tuple[str, ...]
    endings: tuple[str, ...]
    outcome: str
    """What `only what differs` compares."""


@dataclass(frozen=True)
class Row:
    scenario: str
    domain: str
    cells: tuple[Cell, ...]

    @property
    def worst(self) -> float:
        return max((cell.worst for cell in self.cells), default=-1)

    @property
    def mean(self) -> float:
        known = [cell.mean for cell in self.cells if cell.mean >= 0]
        return sum(known) / len(known) if known else -1


@dataclass(frozen=True)
class Heatmap:
    """`columns` are pairs of model and variant; every row has a cell for each."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    domains: tuple[str, ...]
    variants: tuple[str, ...]
    rules: tuple[str, ...]
    endings: tuple[str, ...]

    @property
    def models(self) -> list[tuple[str, int]]:
        """Each model with the number of its columns."""
        found: dict[str, int] = {}
        for model, _ in self.columns:
            found[model] = found.get(model, 0) + 1
        return list(found.items())


def heatmap(results: Sequence[TrialResult]) -> Heatmap:
    """The table, scenarios by domain and name, models as they came."""
    there = {(result.model, result.variant) for result in results}
    models = dict.fromkeys(result.model for result in results)
    columns = tuple((model, arm) for model in models for arm in ARMS if (model, arm) in there)
    cells: dict[tuple[str, str, str], list[TrialResult]] = {}
    for result in results:
        cells.setdefault((result.scenario, result.model, result.variant), []).append(result)
    scenarios = sorted({(result.domain, result.scenario) for result in results})
    rows = tuple(
        Row(
            scenario,
            domain,
            tuple(_cell(number, cells.get((scenario, *column), [])) for number, column in enumerate(columns)),
        )
        for domain, scenario in scenarios
    )
    return Heatmap(
        columns,
        rows,
        tuple(dict.fromkeys(row.domain for row in rows)),
        tuple(arm for arm in ARMS if any(variant == arm for _, variant in columns)),
        _all(cell.rules for row in rows for cell in row.cells),
        _all(cell.endings for row in rows for cell in row.cells),
    )


def _all(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for some in names for name in some}))


def _cell(column: int, results: list[TrialResult]) -> Cell:
    results = sorted(results, key=lambda result: result.epoch)
    known = [result.score or 0.0 for result in results if result.known]
    return Cell(
        column,
        tuple(_mark(result) for result in results),
        max(known, default=-1),
        sum(known) / len(known) if known else -1,
        tuple(sorted({finding.rule for result in results for finding in result.findings})),
        tuple(sorted({ended(result) for result in results})),
        " ".join(sorted({result.outcome if result.known else "?" for result in results})),
    )


def ended(result: TrialResult) -> str:
    """How a trial ended, in words."""
    return result.ended.replace("_", " ") or "no ending"


def _mark(result: TrialResult) -> Mark:
    says = f"{result.name} by {result.model}: {result.outcome}"
    if result.error:
        return Mark(key_of(result), "!", "unknown", says)
    if result.score is None:
        return Mark(key_of(result), "?", "unknown", says)
    incomplete = "" if result.known else "?"
    says += "" if result.known else f", which says nothing: it ended {ended(result)}"
    shade = f"s{int(result.score)}" if result.known else "unknown"
    return Mark(key_of(result), f"{result.score:g}{incomplete}", shade, says)
