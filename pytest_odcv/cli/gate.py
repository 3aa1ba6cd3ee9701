"""`odcv gate`: decides the configured gates over results files. The shards of a run are decided on together, with the exit code of pytest's."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import build, options
from ..config.boards import board_of
from ..config.settings import Settings, resolve_in
from ..errors import UsageProblem
from ..gates.board import Board
from ..gates.result import GateResult
from ..redaction.redactor import Redactor
from ..report import summary
from ..report.markdown import MarkdownFile
from ..report.plain import safe
from ..results import baseline, merged
from ..results.merged import Merged
from ..results.run import ModelRun
from ..results.scores import by_model
from ..results.trial_result import TrialResult
from ..results.waivers import Waivers
from ..scenario.case import name_of
from ..scenario.column import model_of
from ..scenario.schema import VARIANTS
from ..scenario.suite import Suite

_SHOWN = 6
"""Missing trials that are named."""
_TAKEN = (
    "suite",
    "max_violation_rate",
    "max_severity",
    "baseline",
    "allow_incomparable",
    "inconclusive",
    "correction",
    "waivers",
    "markdown",
    "clock",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="RESULTS", help="results files, of shards or runs"
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="decide though scenarios of the suite are missing (else gates that would need them cannot pass)",
    )
    options.add_arguments(parser, _TAKEN)


def run(args: argparse.Namespace) -> int:
    """Prints the summary with the gates; 1 when a gate fails. Raises OdcvError."""
    given = options.given(args, _TAKEN)
    # Whether there is a control arm is a matter of the results here; a gate that needs one fails without.
    settings = resolve_in(Path.cwd(), {**given, "control": True})
    together = merged.read(args.results, settings.allow_incomparable)
    results = together.results
    suite = build.suite_of(settings)
    if results[0].suite != suite.name:
        raise UsageProblem(
            f"the results are of suite {results[0].suite}, and this is {suite.name}: give its folder as --suite"
        )
    found = decided(settings, suite, together, args.partial)
    if not found.gates:
        raise UsageProblem(
            "no gate is configured: give --max-violation-rate=RATE, or gates in [tool.odcv] of pyproject.toml"
        )
    for line in (*found.notes, *summary.lines(by_model(found.noted), found.gates)):
        print(safe(line))
    for gate in found.gates:
        if gate.failed:
            print(safe(gate.text))
    missing = [f"{run.model} {name}" for run in found.runs for name in run.left_out]
    if missing:
        # Whatever a gate that cannot tell may do: a shard that was lost is no reason to be green.
        shown = f"{', '.join(missing[:_SHOWN])}{' and more' if len(missing) > _SHOWN else ''}"
        print(
            safe(
                f"{len(missing)} trials of the suite have no result: {shown}. Add their files, or give --partial if that is meant"
            )
        )
    if settings.markdown is not None:
        _write(settings.root, settings.markdown, results, found.gates)
    return int(bool(missing) or any(gate.failed for gate in found.gates))


@dataclass(frozen=True)
class Decided:
    """Results with their waivers noted, the runs of them model by model, and what the gates say; no gates where none is configured."""

    noted: tuple[TrialResult, ...]
    runs: tuple[ModelRun, ...]
    gates: tuple[GateResult, ...]
    notes: tuple[str, ...] = ()
    """What has to be said of the results: that they were taken together, or with this suite, though they do not belong together."""


def decided(settings: Settings, suite: Suite, together: Merged, partial: bool) -> Decided:
    """The configured gates over results. Raises OdcvError, UsageProblem also for results that were made with another suite."""
    results = together.results
    notes = (*together.notes, *_of_this_suite(suite, results, settings.allow_incomparable))
    waivers = build.waivers_of(settings, suite)
    noted = tuple(waivers.noted(result) for result in results)
    scores = by_model(noted)
    absent = [] if partial else _absent(settings.model, [model.model for model in scores])
    # A shard that held a whole epoch is missed too.
    asked = settings.epochs if isinstance(settings.epochs, int) else 1
    epochs = max([asked, *(result.epoch for result in noted)])
    runs = [_run(suite, model, (), epochs, partial) for model in absent]
    runs += [_run(suite, m.model, (*m.results, *m.control), epochs, partial) for m in scores]
    board = _board(settings, suite, waivers, [run.model for run in runs])
    gates = tuple(
        replace(gate, text=" ".join([*notes, gate.text])) for run in runs for gate in board.decide(run)
    )
    return Decided(noted, tuple(runs), gates, notes)


def _of_this_suite(suite: Suite, results: Sequence[TrialResult], allowed: bool) -> tuple[str, ...]:
    """What of the suite is not as the results were made with: a gate's trials, items and waivers are those of the suite at hand."""
    known = {scenario.id for scenario in suite.scenarios}
    strange = list(dict.fromkeys(result.scenario for result in results if result.scenario not in known))
    if strange:
        raise UsageProblem(
            f"suite {suite.name} has no scenario {', '.join(strange)}, of which there are results: give the suite that they are of as --suite"
        )
    changed = "; ".join(baseline.changes_of_suite(results, suite))
    if changed and not allowed:
        raise UsageProblem(
            f"the results were made with another version of suite {suite.name}. Changed since then: {changed}.\n"
            "Run the trials again, undo the change, give the clock of the run as --clock, or decide all the same with --allow-incomparable"
        )
    if not changed:
        return ()
    return (
        f"Decided on by {merged.ALLOW} though the results are of another version of suite {suite.name}: changed are {changed}.",
    )


def _absent(named: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The models that the configuration names and no result is of."""
    return [model for model in named if not any(model in (column, model_of(column)) for column in columns)]


def _run(suite: Suite, model: str, results: Sequence[TrialResult], epochs: int, partial: bool) -> ModelRun:
    return ModelRun(model, tuple(results), True, (), () if partial else _missing(suite, results, epochs))


def _board(settings: Settings, suite: Suite, waivers: Waivers, models: Sequence[str]) -> Board:
    """The configured gates, checked against the suite, the judges and the baseline. Raises OdcvError."""
    board = board_of(settings, suite, waivers, lambda work: asyncio.run(work))
    if not board.gates:
        return board
    store = build.store_of(settings, suite)
    judges = build.evaluator_of(settings, store, Redactor(settings.redact), "none")
    board.check(suite, judges.digest, models)
    return board


def _missing(suite: Suite, results: Sequence[TrialResult], epochs: int) -> tuple[str, ...]:
    """Names of the trials of the suite that no file has, of so many epochs."""
    planned = {
        name_of(scenario.id, variant, epoch)
        for scenario in suite.scenarios
        for variant in VARIANTS
        for epoch in range(1, epochs + 1)
    }
    return tuple(sorted(planned - {result.name for result in results}))


def _write(root: Path, file: str, results: Sequence[TrialResult], decided: Sequence[GateResult]) -> None:
    sink = MarkdownFile(Path(root, file), appends=False, asked=f"--markdown={file}")
    sink.start()
    for result in results:
        sink.write(result)
    sink.finish(decided)
