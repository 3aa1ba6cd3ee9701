"""The object behind the hooks: holds what a session loaded, runs items, counts results, decides gates.

Made only in a run that has odcv options or odcv items. On an xdist controller it counts; on a worker it runs.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import collection, gating, items, results, setup
from .agent.invoke import is_own
from .asserting import SNAPSHOT, TRIAL
from .cassette.redact import Redactor
from .errors import OdcvError, UsageProblem
from .gates.board import Board
from .gates.result import GateResult
from .http import current
from .model.column import UNKNOWN
from .overriding import Agents, is_overridden
from .report import failure, summary
from .report import panel as panel_report
from .results import TrialResult
from .sandbox.base import SandboxProvider
from .scenario.suite import Suite
from .settings import Settings, resolve
from .tally import Planned, Tally
from .trial import Case, Setup, Trial, run_trial

T = TypeVar("T")
_NEEDLESS: pytest.StashKey[bool] = pytest.StashKey()
_CASE: pytest.StashKey[Case] = pytest.StashKey()
EXPECTED, LEFT_OUT, EPOCHS = "odcv_expected", "odcv_left_out", "odcv_epochs"
"""Keys of a worker's output and input."""


class OdcvSession:
    """One per pytest config; the hooks in `plugin` call into it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker = hasattr(config, "workerinput")
        self._asked_ids = collection.take_packaged_args(config)
        self._trials: dict[tuple[str, str], Trial] = {}
        self._made: set[Planned] = set()
        self.tally = Tally()
        self._agents = Agents()
        self._runner: asyncio.Runner | None = None
        self._gates: list[GateResult] = []
        self._results_started = False

    # --- what is loaded at first use ---------------------------------------------------------------------------------

    @cached_property
    def settings(self) -> Settings:
        return resolve(self._config)

    @cached_property
    def suite(self) -> Suite:
        return setup.suite_of(self.settings)

    @cached_property
    def _setup(self) -> Setup:
        hook = self._config.hook.pytest_odcv_redact

        def redact(text: str) -> str | None:
            found: str | None = hook(text=text) if hook.get_hookimpls() else None
            return found

        redactor = Redactor(self.settings.redact, hooks=(redact,))
        return setup.setup_of(self.settings, self.suite, lambda: self._provider, redactor)

    @cached_property
    def _provider(self) -> SandboxProvider:
        from .sandbox.bubblewrap import BubblewrapProvider

        return BubblewrapProvider()

    @cached_property
    def _board(self) -> Board:
        return gating.board_of(self.settings, self.suite, self._wait)

    @cached_property
    def _epochs(self) -> gating.Epochs:
        shared = self._config.workerinput.get(EPOCHS) if self._worker else None  # type: ignore[attr-defined]
        return gating.Epochs(self._board, None if shared is None else Path(shared))

    @cached_property
    def _shared(self) -> tempfile.TemporaryDirectory[str]:
        """On a controller: where the workers tell each other which trials have ended."""
        return tempfile.TemporaryDirectory(prefix="odcv-epochs-")

    @property
    def _automatic(self) -> bool:
        return self.settings.epochs == "auto"

    # --- configuration and collection --------------------------------------------------------------------------------

    def configure(self) -> None:
        """Find what is wrong with options, suite and results file before anything runs. Raises pytest.UsageError (exit 4)."""
        if self._worker:
            return
        try:
            self._check_judging()
            self._check_gates()
            if (
                self.settings.results is not None
                and not Path(self.settings.root, self.settings.results).parent.is_dir()
            ):
                raise UsageProblem(f"--odcv-results={self.settings.results}: its folder does not exist")
        except OdcvError as error:
            raise pytest.UsageError(str(error)) from None

    def _check_judging(self) -> None:
        judging = self._setup.judging
        for model in self.settings.model:
            judging.check(model)

    def _check_gates(self) -> None:
        self._board.check(self.suite, self._setup.judging.digest, self.settings.model)

    def header(self) -> list[str]:
        models = ", ".join(self.settings.model) or "none named"
        suite = f"suite {self.suite.name} ({len(self.suite.scenarios)} scenarios)"
        first = f"odcv: {suite}, record {self.settings.record}, models: {models}"
        return [first, *panel_report.header(self._setup.judging)]

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """One parameter a case; a problem of the selection is a collection error with its text."""
        place = metafunc.definition.nodeid
        try:
            self._check_judging()
            narrow = collection.narrowing(metafunc.definition.iter_markers("odcv"), place)
            gating.refuse_reruns(self._config, metafunc.definition.iter_markers(), place)
            asked = self.settings.max_epochs if self._automatic else int(self.settings.epochs)
            epochs = None if "epochs" in self.settings.given else narrow.epochs
            own = is_overridden(metafunc.definition)
            models = self.settings.model or (("",) if own else ())
            cases = collection.cases(self.suite, models, epochs or asked, narrow)
            self._made.update(Planned(case.model, case.name, own) for case in cases)
        except (OdcvError, pytest.UsageError) as error:
            raise pytest.Collector.CollectError(str(error)) from None
        self._register_marks(cases)
        parameters = [collection.parameter(case) for case in cases] or [pytest.param(None, id="no-model")]
        metafunc.parametrize("odcv_case", parameters, indirect=True)

    def _register_marks(self, cases: list[Case]) -> None:
        known = {line.split(":")[0].split("(")[0] for line in self._config.getini("markers")}
        for name in sorted(
            {name for c in cases for name in (c.scenario.domain, *c.scenario.spec.tags)} - known
        ):
            self._config.addinivalue_line("markers", f"{name}: odcv scenarios of suite {self.suite.name}")

    def add_packaged(self, session: pytest.Session, chosen: list[pytest.Item]) -> None:
        """Add the packaged suite's items: those asked for by id, or all where no test of the project takes a trial."""
        asked = bool(self._asked_ids)
        no_path = self._config.args_source is not pytest.Config.ArgsSource.ARGS
        if not asked and (not no_path or not self.settings.model or any(items.owns(item) for item in chosen)):
            return
        packaged = collection.packaged_items(session)
        named = self.settings.model or any(is_overridden(item) for item in packaged)
        if not named and not self._worker:
            raise pytest.UsageError(
                "the packaged suite needs a model: give --odcv-model=MODEL, or reference/honest to see it work"
            )
        whole = f"{collection.NODE}", f"{collection.NODE}::test_odcv"
        wanted = [
            i for i in packaged if not asked or any(i.nodeid == a or a in whole for a in self._asked_ids)
        ]
        unknown = [a for a in self._asked_ids if a not in whole and a not in {i.nodeid for i in packaged}]
        if unknown and not self._worker:
            raise pytest.UsageError(
                f"not found: {unknown[0]}\nno such item in suite {self.suite.name}; pytest odcv --collect-only lists them"
            )
        chosen.extend(wanted)

    def order(self, chosen: list[pytest.Item]) -> None:
        """With epochs=auto, trials by epoch, so that there is something to look at after each; other tests stay in their places."""
        if self._automatic:
            places = [n for n, item in enumerate(chosen) if items.case_of(item) is not None]
            owned = sorted((chosen[n] for n in places), key=items.epoch_of)
            for n, item in zip(places, owned, strict=True):
                chosen[n] = item

    def case_of(self, request: pytest.FixtureRequest) -> Case:
        case = request.param
        if case is None:
            pytest.fail(
                "odcv_trial has no model to try: give --odcv-model=MODEL, or set model in [tool.odcv] of pyproject.toml. "
                "--odcv-model=reference/honest works without a key",
                pytrace=False,
            )
        assert isinstance(case, Case)
        return case

    def run(self, request: pytest.FixtureRequest, case: Case, agent: Any) -> Trial:
        """The item's trial; the same case with the same agent is tried once a session. What goes wrong fails the item."""
        item: pytest.Item = request.node
        trial: Trial | None = None
        problem = ""
        try:
            if is_own(agent):
                case = case.of_agent(self._agents.name(item, agent))
            item.stash[_CASE] = case
            self._skip_needless(request, case)
            key = (case.scenario.suite, case.id)
            trial = self._trials.get(key)
            if trial is None:
                trial = self._trials[key] = self._wait(run_trial(case, agent, self._setup))
        except OdcvError as error:
            problem = self._setup.redactor.text(str(error))
        if trial is None:
            # Failed out here, so that the report shows the text alone and no chain of exceptions.
            pytest.fail(problem, pytrace=False)
        trial.looked_at = False
        item.stash[TRIAL] = trial
        if self.settings.snapshot and "odcv_snapshot" not in request.fixturenames:
            self.snapshot_of(request)
        return trial

    @contextmanager
    def watching(self, item: pytest.Item) -> Iterator[None]:
        """Around all of an item that the project's own agent takes: its traffic is recorded, and none may go astray."""
        if not is_overridden(item):
            yield
            return
        self._agents.engage(self.settings.http_pass, self.settings.record == "none")
        with current.guard():
            yield

    def _skip_needless(self, request: pytest.FixtureRequest, case: Case) -> None:
        if self._automatic and case.epoch > 1:
            cases = [c for c in items.cases(request.session) if c.model == case.asked]
            expected = list({c.name: c.epoch for c in cases}.items())
            if self._epochs.needless(case.model, case.epoch, expected):
                request.node.stash[_NEEDLESS] = True
                pytest.skip("odcv: every gate of this model is settled")

    def snapshot_of(self, request: pytest.FixtureRequest) -> Any:
        """The item's snapshot, from syrupy. Fails the item where it is not there."""
        try:
            from . import snapshot_syrupy
        except ImportError:
            pytest.fail(
                "snapshots need syrupy 7 or later: pip install 'pytest-odcv[snapshot]'", pytrace=False
            )
        found = request.node.stash[SNAPSHOT] = snapshot_syrupy.assertion(request, self.settings.model)
        return found

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to its end in the session's loop, or in a thread of its own where this thread's loop is running."""
        if asyncio._get_running_loop() is not None:
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(asyncio.run, coroutine).result()
        self._runner = self._runner or asyncio.Runner()
        return self._runner.run(coroutine)

    def attach_result(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Put the compact result on the report that decides the item: setup's when the trial failed, else call's."""
        trial = item.stash.get(TRIAL, None)
        case = item.stash.get(_CASE, None) or items.case_of(item)
        if case is not None and item.stash.get(_NEEDLESS, False):
            report.__dict__["odcv_needless"] = True
        if trial is not None and report.when == "call":
            used = item.stash.get(SNAPSHOT, None)
            if used is not None:
                from . import snapshot_syrupy

                report.__dict__["odcv_changes"] = snapshot_syrupy.changes(used, trial)
            result = results.of_trial(trial)
            if report.failed and call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
                report.sections.append(("odcv", failure.screen(trial)))
        elif trial is None and case is not None and call.excinfo is not None and report.failed:
            error = self._setup.redactor.text(str(call.excinfo.value) or call.excinfo.typename)
            if isinstance(call.excinfo.value, current.TapeStop):
                report.longrepr = (
                    error  # The text alone: our frames and vcrpy's say nothing, and may show a key.
                )
            tried = case if case.model else replace(case, model=UNKNOWN)
            result = results.of_error(tried, error, self._setup.judging.digest)
        else:
            return
        report.__dict__["odcv"] = result.model_dump(mode="json")
        if self._automatic:
            self._epochs.add(result)
        item.user_properties.append(("odcv_score", result.outcome))

    # --- counting and deciding, on the controller --------------------------------------------------------------------

    def check_before_run(self, session: pytest.Session) -> None:
        """Before anything is paid for: keys, providers and the sandbox that live trials will need. Raises pytest.UsageError."""
        if self._worker or self._config.option.collectonly:
            return
        self._start_results()
        self.tally.expected |= items.planned(session)
        self.tally.left_out |= self._made - set(self.tally.expected.values())
        try:
            self._check_gates()
            setup.check_live(
                self.settings, self._setup, items.cases(session, own=False), items.cases(session, own=True)
            )
        except OdcvError as error:
            raise pytest.UsageError(str(error)) from None

    def publish(self, session: pytest.Session) -> None:
        """On a worker: tell the controller which trials it must hear of."""
        if self._worker:
            planned = items.planned(session)
            output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]
            output[EXPECTED] = {nodeid: list(trial) for nodeid, trial in planned.items()}
            output[LEFT_OUT] = [list(trial) for trial in sorted(self._made - set(planned.values()))]

    def hear_plan(self, output: dict[str, Any]) -> None:
        """On a controller: what a worker published."""
        expected: dict[str, list[Any]] = output.get(EXPECTED, {})
        self.tally.expected |= {nodeid: Planned(*trial) for nodeid, trial in expected.items()}
        self.tally.left_out.update(Planned(*trial) for trial in output.get(LEFT_OUT, ()))

    def share_epochs(self, workerinput: dict[str, Any]) -> None:
        if self._automatic:
            workerinput[EPOCHS] = self._shared.name

    def lost_worker(self) -> None:
        """With a trial lost, no epoch can be called complete: nobody waits for it."""
        if self._automatic:
            (Path(self._shared.name) / "lost").touch()

    def collect(self, nodeid: str, data: dict[str, Any]) -> None:
        """Count a result once, write it down at once, and show progress of what ran live."""
        result = TrialResult.model_validate(data)
        if not self.tally.collect(nodeid, result):
            return
        if self.settings.results is not None:
            self._start_results()
            with Path(self.settings.root, self.settings.results).open("a", encoding="utf-8") as file:
                file.write(result.model_dump_json() + "\n")
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if (
            self.settings.record != "none"
            and not result.replayed
            and reporter is not None
            and self._config.get_verbosity() >= 0
        ):
            reporter.ensure_newline()
            reporter.write_line(summary.progress(result, len(self.tally.results), self.tally.paid()))

    def _start_results(self) -> None:
        if self.settings.results is not None and not self._results_started:
            self._results_started = True
            Path(self.settings.root, self.settings.results).write_text("", encoding="utf-8")

    def finish(self, session: pytest.Session, complete: bool) -> None:
        """After the loop, on the controller: each gate is reported as a test of its own."""
        if self._worker or self._config.option.collectonly:
            return
        complete = complete and not session.shouldfail and not session.shouldstop
        try:
            self._check_gates()
        except OdcvError as error:
            gating.report(session, GateResult("configuration", "all", "fail", str(error)))
            return
        tried = self.tally.results or self.tally.expected
        if self._board.gates and (tried or "model" in self.settings.given):
            for run in self.tally.runs(self.settings.model, complete):
                self._gates += self._board.decide(run)
            for decided in self._gates:
                gating.report(session, decided)
        elif self._nothing_tried() and session.testscollected:
            text = "No odcv trial was run though options ask for one: no selected test takes odcv_trial. Check the paths, -k and -m."
            gating.report(session, GateResult("nothing-tried", ", ".join(self.settings.model), "fail", text))

    def _nothing_tried(self) -> bool:
        return not self.tally.results and not self.tally.expected and "model" in self.settings.given

    def summarize(self, reporter: Any) -> None:
        if self.tally.results:
            reporter.ensure_newline()
            reporter.section("odcv", sep="=")
            rule = self._setup.judging.rule
            for line in summary.lines(self.tally.scores, self._gates, rule, self.tally.changes):
                reporter.write_line(line)
            if self.settings.results is not None:
                reporter.write_line(f"results written to {self.settings.results}")

    def close(self) -> None:
        self._agents.close()
        if self._runner is not None:
            self._runner.close()
        if "_shared" in self.__dict__:
            self._shared.cleanup()
