"""Counting and deciding, on the controller: which trials are planned, what was heard of them, gates, sinks and the summary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..config import build
from ..errors import OdcvError
from ..gates.result import GateResult
from ..model.budget import SPENT
from ..report import summary
from ..report.plain import safe
from ..results.collector import Collector, Planned
from ..results.sinks import ResultSink
from ..results.trial_result import TrialResult
from . import gates, items
from .outputs import log_commands
from .resources import EPOCHS, Resources
from .selection import Selection

_NAMED = 10
EXPECTED, DESELECTED = "odcv_expected", "odcv_left_out"
"""Keys of a worker's output."""


class Controller:
    """One per session that is not an xdist worker's."""

    def __init__(self, resources: Resources, selection: Selection) -> None:
        self._resources, self._selection = resources, selection
        self.collector = Collector()
        self._gates: list[GateResult] = []
        self._screens: dict[tuple[str, str], str] = {}
        """By model and name, of trials that violate or have no verdict."""
        self._sinks: list[ResultSink] | None = None
        self._has_started_sinks = False
        self._broken_sinks: dict[int, str] = {}
        """By `id`: sinks that failed in mid-run and get no more, and how."""

    def configure(self) -> None:
        """Find what is wrong with options, suite and results file before anything runs. Raises pytest.UsageError (exit 4)."""
        try:
            self._resources.check_distribution()
            self._resources.check_judges()
            self._resources.check_gates()
            self._resolved_sinks()
        except OdcvError as error:
            raise pytest.UsageError(safe(str(error))) from None

    def check_before_run(self, session: pytest.Session) -> None:
        """Before anything is paid for: keys, providers and the sandbox that live trials will need. Raises pytest.UsageError."""
        if self._resources.config.option.collectonly:
            return
        self.collector.expected |= items.planned(session)
        self.collector.left_out |= self._selection.parametrized - set(self.collector.expected.values())
        try:
            self._resources.check_models()
            self._resources.check_gates()
            build.check_live(
                self._resources.settings,
                self._resources.context,
                items.cases(session, own=False),
                items.cases(session, own=True),
            )
            # Last: it empties the results file, and a usage error must leave that of the run before as it is.
            self._started_sinks()
        except OdcvError as error:
            raise pytest.UsageError(safe(str(error))) from None

    # --- what workers say ---------------------------------------------------------------------------------------------

    def hear_plan(self, output: dict[str, Any]) -> None:
        """What a worker published."""
        expected: dict[str, list[Any]] = output.get(EXPECTED, {})
        self.collector.expected |= {nodeid: Planned(*trial) for nodeid, trial in expected.items()}
        self.collector.left_out.update(Planned(*trial) for trial in output.get(DESELECTED, ()))

    def share_epochs(self, workerinput: dict[str, Any]) -> None:
        if self._resources.has_auto_epochs:
            workerinput[EPOCHS] = self._resources.shared_folder.name

    def lost_worker(self) -> None:
        """With a trial lost, no epoch can be called complete: nobody waits for it."""
        if self._resources.has_auto_epochs:
            (Path(self._resources.shared_folder.name) / "lost").touch()

    # --- results ------------------------------------------------------------------------------------------------------

    def collect(self, nodeid: str, data: dict[str, Any], screen: str = "") -> None:
        """Count a result once, hand it to the sinks at once, and show progress of what ran live. `screen` is what the agent did."""
        result = self._resources.waivers.noted(TrialResult.model_validate(data))
        if not self.collector.collect(nodeid, result):
            return
        if result.violated or not result.known:
            told = screen or f"{result.name}: {result.error or result.reason}"
            self._screens[result.model, result.name] = told
        for sink in self._started_sinks():
            self._hand(sink, sink.write, result)
        config = self._resources.config
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        live = self._resources.settings.record != "none" and not result.replayed
        if live and reporter is not None and config.get_verbosity() >= 0:
            reporter.ensure_newline()
            number = len(self.collector.results)
            reporter.write_line(safe(summary.progress(result, number, self.collector.paid())))

    def _resolved_sinks(self) -> list[ResultSink]:
        if self._sinks is None:
            hook = self._resources.config.hook.pytest_odcv_results
            self._sinks = list(hook(config=self._resources.config, settings=self._resources.settings))
        return self._sinks

    def _started_sinks(self) -> list[ResultSink]:
        sinks = self._resolved_sinks()
        if not self._has_started_sinks:
            self._has_started_sinks = True
            for sink in sinks:
                sink.start()
        return sinks

    def _hand(self, sink: ResultSink, method: Callable[[Any], None], value: Any) -> None:
        """A sink that fails ends neither the run nor the trials to come: they are recorded, and may have been paid for."""
        if id(sink) in self._broken_sinks:
            return
        try:
            method(value)
        except Exception as error:
            name = type(error).__name__
            what = str(error) if isinstance(error, OdcvError) else f"{type(sink).__name__}: {name}: {error}"
            self._broken_sinks[id(sink)] = what

    def _report_broken_sinks(self, session: pytest.Session) -> None:
        for what in self._broken_sinks.values():
            text = f"{what}. Results from there on are missing; what was recorded replays, so run again to write them all."
            gates.report(session, GateResult("results-written", "all", "fail", text))

    # --- deciding -----------------------------------------------------------------------------------------------------

    def finish(self, session: pytest.Session, complete: bool) -> None:
        """After the loop: each gate is reported as a test of its own."""
        if self._resources.config.option.collectonly:
            return
        complete = complete and not session.shouldfail and not session.shouldstop
        try:
            self._resources.check_gates()
        except OdcvError as error:
            gates.report(session, GateResult("configuration", "all", "fail", str(error)))
            self._report_broken_sinks(session)
            return
        settings, board = self._resources.settings, self._resources.board
        tried = self.collector.results or self.collector.expected
        if board.gates and (tried or "model" in settings.given):
            for run in self.collector.runs(settings.model, complete):
                self._gates += board.decide(run)
            for decided in self._gates:
                # Where nothing was tried, a gate that does not fail must not turn pytest's exit code 5 into 0.
                shown = [self._screens.get((decided.model, name), name) for name in decided.against]
                gates.report(session, decided, shown, counts=bool(tried))
        elif not tried and "model" in settings.given and session.testscollected:
            text = "No odcv trial was run though options ask for one: no selected test takes odcv_trial. Check the paths, -k and -m."
            gates.report(session, GateResult("nothing-tried", ", ".join(settings.model), "fail", text))
        self._report_money(session)
        for sink in self._started_sinks():
            self._hand(sink, sink.finish, tuple(self._gates))
        self._report_broken_sinks(session)

    def _report_money(self, session: pytest.Session) -> None:
        """Trials for which the run's money did not suffice fail it, whatever share of unknown trials its gates allow."""
        short = [result.name for result in self.collector.results.values() if result.lacks(SPENT)]
        if not short:
            return
        names = ", ".join(sorted(short)[:_NAMED]) + (
            f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
        )
        text = (
            f"--odcv-max-cost={self._resources.settings.max_cost:g}: the money did not suffice for {len(short)} of "
            f"{len(self.collector.expected)} trials, which are unknown: {names}. What was recorded stays: --odcv-record=once with a higher "
            "limit runs the rest."
        )
        gates.report(session, GateResult("max-cost", "all", "fail", text))

    def summarize(self, reporter: Any) -> None:
        if not self.collector.results:
            return
        self._resources.export()
        reporter.ensure_newline()
        reporter.section("odcv", sep="=")
        rule = self._resources.context.evaluator.rule
        for line in summary.lines(self.collector.scores, self._gates, rule, self.collector.changes):
            reporter.write_line(safe(line))
        for line in log_commands(self._gates):
            reporter.write_line(line)
        for sink in self._resolved_sinks():
            if sink.summary and id(sink) not in self._broken_sinks:
                reporter.write_line(safe(sink.summary))
