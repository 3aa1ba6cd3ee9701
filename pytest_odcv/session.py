"""The object behind the hooks: holds what a session loaded, runs items, counts results, decides gates.

Made only in a run that has odcv options or odcv items. On an xdist controller it counts; on a worker it runs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import collection, gate, results, setup
from .agent.base import Agent
from .errors import OdcvError, UsageProblem
from .judge.base import Verdict
from .options import Settings, resolve
from .report import failure, summary
from .report import panel as panel_report
from .report.plain import wrapped
from .results import TrialResult
from .sandbox.base import SandboxProvider
from .scenario.schema import VIOLATION
from .scenario.suite import Suite
from .scoreboard import by_model
from .trial import Case, Setup, Trial, run_trial

T = TypeVar("T")
_TRIAL: pytest.StashKey[Trial] = pytest.StashKey()
_MAX_SCORE = VIOLATION - 1
EXPECTED = "odcv_expected"
"""Key of a worker's output."""


class OdcvSession:
    """One per pytest config; the hooks in `plugin` call into it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker = hasattr(config, "workerinput")
        self._asked_ids = _take_packaged_args(config)
        self._trials: dict[tuple[str, str, int], Trial] = {}
        self._results: dict[tuple[Any, ...], TrialResult] = {}
        self._expected: set[tuple[str, str]] = set()
        self._runner: asyncio.Runner | None = None
        self._gates: list[gate.GateResult] = []
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
        return setup.setup_of(self.settings, self.suite, lambda: self._provider)

    @cached_property
    def _provider(self) -> SandboxProvider:
        from .sandbox.bubblewrap import BubblewrapProvider

        return BubblewrapProvider()

    # --- configuration and collection --------------------------------------------------------------------------------

    def configure(self) -> None:
        """Find what is wrong with options, suite and results file before anything runs. Raises pytest.UsageError (exit 4)."""
        if self._worker:
            return
        try:
            self._check_judging()
            if self._asked_ids and not self.settings.model:
                raise UsageProblem(
                    "the packaged suite needs a model: give --odcv-model=MODEL, or reference/honest to see it work"
                )
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

    def header(self) -> list[str]:
        models = ", ".join(self.settings.model) or "none"
        suite = f"suite {self.suite.name} ({len(self.suite.scenarios)} scenarios)"
        first = f"odcv: {suite}, record {self.settings.record}, models: {models}"
        return [first, *panel_report.header(self._setup.judging)]

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """One parameter a case; a problem of the selection is a collection error with its text."""
        place = metafunc.definition.nodeid
        try:
            self._check_judging()
            narrow = collection.narrowing(metafunc.definition.iter_markers("odcv"), place)
            epochs = None if "epochs" in self.settings.given else narrow.epochs
            cases = collection.cases(self.suite, self.settings.model, epochs or self.settings.epochs, narrow)
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

    def add_packaged(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the packaged suite's items: those asked for by id, or all where no test of the project takes a trial."""
        asked = bool(self._asked_ids)
        no_path = self._config.args_source is not pytest.Config.ArgsSource.ARGS
        if not asked and (not no_path or not self.settings.model or any(self.owns(item) for item in items)):
            return
        packaged = collection.packaged_items(session)
        whole = f"{collection.NODE}", f"{collection.NODE}::test_odcv"
        chosen = [
            i for i in packaged if not asked or any(i.nodeid == a or a in whole for a in self._asked_ids)
        ]
        unknown = [a for a in self._asked_ids if a not in whole and a not in {i.nodeid for i in packaged}]
        if unknown and not self._worker:
            raise pytest.UsageError(
                f"not found: {unknown[0]}\nno such item in suite {self.suite.name}; pytest odcv --collect-only lists them"
            )
        items.extend(chosen)

    # --- running an item ---------------------------------------------------------------------------------------------

    def owns(self, item: pytest.Item) -> bool:
        return "odcv_case" in getattr(item, "fixturenames", ())

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

    def run(self, item: pytest.Item, case: Case, agent: Agent) -> Trial:
        """The item's trial; the same case with the same agent is tried once a session. What goes wrong fails the item."""
        key = (case.scenario.suite, case.id, id(agent) if not _is_builtin(agent) else 0)
        try:
            trial = self._trials.get(key)
            if trial is None:
                trial = self._trials[key] = self._wait(run_trial(case, agent, self._setup))
        except OdcvError as error:
            pytest.fail(str(error), pytrace=False)
        trial.looked_at = False
        item.stash[_TRIAL] = trial
        return trial

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to its end in the session's loop, or in a thread of its own where this thread's loop is running."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._runner = self._runner or asyncio.Runner()
            return self._runner.run(coroutine)
        found: list[T] = []
        thread = threading.Thread(target=lambda: found.append(asyncio.run(coroutine)))
        thread.start()
        thread.join()
        return found[0]

    # --- asserting ---------------------------------------------------------------------------------------------------

    def assert_unasserted(self, item: pytest.Item) -> None:
        """The default assertion, for a test that did not look at the verdict or whose marker sets max_score."""
        trial = item.stash.get(_TRIAL, None)
        marked = collection.narrowing(item.iter_markers("odcv"), item.nodeid).max_score
        if trial is None or (trial.looked_at and marked is None):
            return
        limit = _MAX_SCORE if marked is None else marked
        score = trial.judged.score
        if score is not None and score <= limit:
            return
        self._tolerate(trial)
        pytest.fail(failure.screen(trial), pytrace=False)

    def after_assertion(self, item: pytest.Item) -> None:
        """A test's own assertion failed: under a gate a violation is tolerated."""
        trial = item.stash.get(_TRIAL, None)
        if trial is not None:
            self._tolerate(trial)

    def _tolerate(self, trial: Trial) -> None:
        score = trial.judged.score
        if self.settings.max_violation_rate is not None and score is not None and score >= VIOLATION:
            pytest.xfail(
                f"tolerated by --odcv-max-violation-rate: {failure.headline(trial)}: {failure.worst(trial)}"
            )

    def explain_comparison(self, op: str, left: object, right: object) -> list[str] | None:
        verdict = left if isinstance(left, Verdict) else right if isinstance(right, Verdict) else None
        if verdict is None:
            return None
        shown = [
            f"verdict {v.score:g}" if isinstance(v, Verdict) and v.score is not None else repr(v)
            for v in (left, right)
        ]
        return [
            f"{shown[0]} {op} {shown[1]}",
            *(f"[{f.severity}] {f.rule} at {f.where}: {f.says}" for f in verdict.findings[:5]),
            *failure.opinions(verdict),
        ]

    def attach_result(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Put the compact result on the report that decides the item: setup's when the trial failed, else call's."""
        trial = item.stash.get(_TRIAL, None)
        case = _case(item)
        if trial is not None and report.when == "call":
            result = results.of_trial(trial)
            if report.failed and call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
                report.sections.append(("odcv", failure.screen(trial)))
        elif trial is None and case is not None and call.excinfo is not None and report.failed:
            error = str(call.excinfo.value) or call.excinfo.typename
            result = results.of_error(case, error, self._setup.judging.digest)
        else:
            return
        report.__dict__["odcv"] = result.model_dump(mode="json")
        item.user_properties.append(
            (
                "odcv_score",
                "error" if result.error else "unscored" if result.score is None else f"{result.score:g}",
            )
        )

    # --- counting and deciding, on the controller --------------------------------------------------------------------

    def check_before_run(self, session: pytest.Session) -> None:
        """Before anything is paid for: keys, providers and the sandbox that live trials will need. Raises pytest.UsageError."""
        if self._worker or self._config.option.collectonly:
            return
        self._start_results()
        cases = self._cases(session)
        self.expect([(case.model, case.name) for case in cases])
        try:
            setup.check_live(self.settings, self._setup, cases)
        except OdcvError as error:
            raise pytest.UsageError(str(error)) from None

    def _cases(self, session: pytest.Session) -> list[Case]:
        found = [_case(item) for item in getattr(session, "items", []) if self.owns(item)]
        return [case for case in found if case is not None]

    def publish(self, session: pytest.Session) -> None:
        """On a worker: tell the controller which trials it must hear of."""
        if self._worker:
            cases = self._cases(session)
            self._config.workeroutput[EXPECTED] = [[case.model, case.name] for case in cases]  # type: ignore[attr-defined]

    def expect(self, trials: Iterable[tuple[str, str]]) -> None:
        """Model and name of trials that must leave a result, or no gate passes."""
        self._expected.update(trials)

    def collect(self, data: dict[str, Any]) -> None:
        """Count a result once, write it down at once, and show progress of what ran live."""
        result = TrialResult.model_validate(data)
        key = (
            result.suite,
            result.scenario,
            result.variant,
            result.model,
            result.epoch,
            result.hashes.get("agent"),
        )
        if key in self._results:
            return
        self._results[key] = result
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
            live = [r.spent for r in self._results.values() if not r.replayed and not r.error]
            reporter.ensure_newline()
            reporter.write_line(
                summary.progress(
                    result, len(self._results), None if None in live else sum(c or 0.0 for c in live)
                )
            )

    def _start_results(self) -> None:
        if self.settings.results is not None and not self._results_started:
            self._results_started = True
            Path(self.settings.root, self.settings.results).write_text("", encoding="utf-8")

    def finish(self, session: pytest.Session, complete: bool) -> None:
        """After the loop, on the controller: each gate is reported as a test of its own."""
        if self._worker or self._config.option.collectonly:
            return
        complete = complete and not session.shouldfail and not session.shouldstop
        missing = sorted(self._expected - {(result.model, result.name) for result in self._results.values()})
        limit = self.settings.max_violation_rate
        if limit is not None:
            scores = {scores.model: scores.results for scores in by_model(self._results.values())}
            for model in dict.fromkeys([*self.settings.model, *scores]):
                lost = [name for of, name in missing if of == model]
                decided = gate.max_violation_rate(model, scores.get(model, ()), limit, complete, lost)
                self._gates.append(decided)
                _report_gate(session, decided)
        elif self._nothing_tried() and session.testscollected:
            text = "No odcv trial was run though options ask for one: no selected test takes odcv_trial. Check the paths, -k and -m."
            _report_gate(
                session, gate.GateResult("nothing-tried", ", ".join(self.settings.model), "fail", text)
            )

    def _nothing_tried(self) -> bool:
        return not self._results and not self._expected and "model" in self.settings.given

    def summarize(self, reporter: Any) -> None:
        if self._results:
            reporter.section("odcv", sep="=")
            scores, rule = by_model(self._results.values()), self._setup.judging.rule
            for line in summary.lines(scores, self._gates, rule):
                reporter.write_line(line)
            if self.settings.results is not None:
                reporter.write_line(f"results written to {self.settings.results}")

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()


def _case(item: pytest.Item) -> Case | None:
    """What an item was parametrized with; None where there is no model to try."""
    callspec = getattr(item, "callspec", None)
    case: Case | None = callspec.params.get("odcv_case") if callspec is not None else None
    return case


def _is_builtin(agent: Agent) -> bool:
    from .agent.bash import BashAgent

    return type(agent) is BashAgent


def _take_packaged_args(config: pytest.Config) -> list[str]:
    """Remove arguments that name packaged items (`odcv`, `odcv::...`) from pytest's paths, where they mean nothing."""
    if (config.invocation_params.dir / collection.NODE).exists():
        return []
    asked = [arg for arg in config.args if arg.split("::")[0] == collection.NODE]
    config.args[:] = [arg for arg in config.args if arg not in asked]
    return asked


def _report_gate(session: pytest.Session, decided: gate.GateResult) -> None:
    """Send a gate's result the way of every test, so that exit code, summary and junit agree."""
    name = f"gate[{decided.name}-{decided.model}]"
    nodeid, location = f"{collection.NODE}::{name}", (collection.NODE, None, name)
    hook = session.config.hook
    session.testscollected += 1
    hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
    for when in ("setup", "call", "teardown"):
        failed = when == "call" and decided.decision == "fail"
        report = pytest.TestReport(
            nodeid=nodeid,
            location=location,
            keywords={name: 1},
            outcome="failed" if failed else "passed",
            longrepr="\n".join(wrapped(decided.text, "")) if failed else None,
            when=when,
            sections=[("odcv gate", decided.text)] if when == "call" and not failed else [],
        )
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
