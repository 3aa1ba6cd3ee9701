"""Running the trial of an item and putting its result on the item's report."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ..agent.invoke import is_own
from ..errors import MissingRun, OdcvError, Unscored
from ..http import current
from ..http.stops import TapeStop
from ..report import failure
from ..report.plain import safe
from ..report.properties import properties
from ..results import trial_result
from ..results.trial_result import TrialResult
from ..runner import output
from ..scenario.case import Case
from ..scenario.column import UNKNOWN
from ..scenario.schema import CONTROL
from ..trial.questions import Questions
from ..trial.run import run_trial
from ..trial.trial import Trial
from . import items, outcome
from ._compat import RoutedOutput
from .ahead import Ahead, agent_of, is_wide
from .custom_agents import Agents, is_overridden
from .outcome import SNAPSHOT, TRIAL
from .resources import Resources
from .starts import Starts

_UNNEEDED: pytest.StashKey[bool] = pytest.StashKey()
_CASE: pytest.StashKey[Case] = pytest.StashKey()
_PROBLEM: pytest.StashKey[str] = pytest.StashKey()
"""What cost an item its trial."""


_SECONDS: pytest.StashKey[float] = pytest.StashKey()
"""How long the trial of an item ran, which may have been before the item."""
_WINDOW = 4
"""Trials that may be under way or wait for their items, for each that may be in flight."""


class Trials:
    """The trials of one process, each run once however many tests take it."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._trials: dict[tuple[str, str], Trial] = {}
        self._agents = Agents(resources.worker_folder)
        self._starts = Starts(resources.worker_folder)
        self._ahead = Ahead(resources.config)
        self._output = RoutedOutput()
        self._takers: Counter[tuple[str, str, str]] = Counter()
        """How many items of this process have still to take a case."""

    def run(self, request: pytest.FixtureRequest, case: Case, agent: Any) -> Trial:
        """The item's trial. Fails the item with the text of what went wrong."""
        item: pytest.Item = request.node
        trial: Trial | None = None
        problem, lost = "", False
        try:
            if is_own(agent):
                case = case.of_agent(*self._agents.name(item, agent))
            item.stash[_CASE] = case
            self._skip_unneeded(request, case)
            trial = self._trial(item, case, agent)
        except MissingRun as error:
            item.stash[_UNNEEDED] = True
            pytest.skip(safe(f"odcv: {error}"))
        except OdcvError as error:
            problem, lost = self._resources.redactor.text(str(error)), outcome.is_loss(error)
        if trial is not None:
            item.stash[TRIAL] = trial
            trial.questions = Questions()
            if trial.failed:
                text = failure.error(trial, outcome.is_whole(item.config))
                problem, lost = self._resources.redactor.text(text), True
        if trial is None or problem:
            item.stash[_PROBLEM] = problem
            if lost:
                outcome.tolerate_loss(case, problem, self._resources.settings)
            # Failed out here, so that the report shows the text alone and no chain of exceptions.
            pytest.fail(safe(problem), pytrace=False)
        compared = self._resources.settings.snapshot and case.variant != CONTROL
        if compared and "odcv_snapshot" not in request.fixturenames:
            self.snapshot_of(request)
        return trial

    def _trial(self, item: pytest.Item, case: Case, agent: Any) -> Trial:
        key = _key(case)
        if key not in self._trials:
            if self._resources.concurrency > 1 and is_wide(item):
                self._trials[key] = self._collected(item, case, agent)
            else:
                self._trials[key] = self._resources.wait(self._run(item.nodeid, case, agent))
        return self._trials[key]

    async def _run(self, nodeid: str, case: Case, agent: Any) -> Trial:
        self._resources.in_flight += 1
        try:
            with self._starts.of(nodeid):
                return await run_trial(case, agent, self._resources.context)
        finally:
            self._resources.in_flight -= 1

    def _collected(self, item: pytest.Item, case: Case, agent: Any) -> Trial:
        """The item's trial, which may have begun before the item did. What may run ahead of the items after it is started first."""
        self._output.enter(output.current.get)
        runner, key = self._resources.runner, _key(case)
        current.check_strays()
        runner.start(key, lambda: self._run(item.nodeid, case, agent))
        self._start_ahead(item)
        work = runner.collect(key)
        work.output.release(sys.stderr.write)
        item.stash[_SECONDS] = work.seconds
        return work.future.result()

    def _start_ahead(self, item: pytest.Item) -> None:
        runner = self._resources.runner
        for following in self._ahead.of(item):
            if runner.ahead >= _WINDOW * self._resources.concurrency:
                return
            try:
                case, agent = self._case_ahead(following)
                if not self._may_start(item, following, case):
                    return
            except (OdcvError, pytest.UsageError):
                return  # The item itself will say so.
            if _key(case) not in self._trials:
                work = functools.partial(self._run, following.nodeid, case, agent)
                runner.start(_key(case), work)

    def _case_ahead(self, item: pytest.Item) -> tuple[Case, Any]:
        case, agent = items.case_of(item), agent_of(item)
        assert case is not None
        return (
            (case, self._resources.built_in_agent())
            if agent is None
            else (case.of_agent(*self._agents.name(item, agent)), agent)
        )

    def _may_start(self, present: pytest.Item, item: pytest.Item, case: Case) -> bool:
        """Whether it is certain that the item's trial will be wanted, and that it did not end a worker process before."""
        if is_overridden(item) != is_overridden(present) or self._starts.lost(item.nodeid):
            return False
        if not self._resources.has_auto_epochs or case.epoch == 1:
            return True
        # An epoch is looked at when the first of its items has come: then all of the epoch before are in.
        return items.epoch_of(present) == case.epoch and not self._is_needless(item.session, case)

    def _skip_unneeded(self, request: pytest.FixtureRequest, case: Case) -> None:
        if self._resources.has_auto_epochs and case.epoch > 1 and self._is_needless(request.session, case):
            request.node.stash[_UNNEEDED] = True
            pytest.skip("odcv: every gate of this model is settled")

    def _is_needless(self, session: pytest.Session, case: Case) -> bool:
        cases = [c for c in items.cases(session) if c.model == case.requested_model]
        expected = list({c.name: c.epoch for c in cases}.items())
        return self._resources.epochs.needless(case.model, case.epoch, expected)

    @contextmanager
    def around(self, item: pytest.Item, following: pytest.Item | None) -> Iterator[None]:
        """Around an item that takes a trial. For one of a custom agent, its HTTP traffic is recorded, and none may be unattributed; the patches
        stay where the following item needs them too. Nothing stays in flight beside an item of somebody else's."""
        settings = self._resources.settings
        if is_overridden(item):
            self._agents.enter(settings.http_pass, replaying=settings.record == "none")
        try:
            yield
        finally:
            goes_on = following is not None and items.owns(following)
            if not goes_on or item.session.shouldfail or item.session.shouldstop:
                self.stop()
            if is_overridden(item) and not (goes_on and is_overridden(following)):
                self._agents.leave()
            self._forget(item)

    def _forget(self, item: pytest.Item) -> None:
        """Drop a judged and reported trial, with its trees, unless another item of this process takes it too."""
        trial = item.stash.get(TRIAL, None)
        if not self._takers:
            self._takers.update(_case_key(case) for case in items.cases(item.session))
        case = items.case_of(item)
        if case is None:
            return
        self._takers[_case_key(case)] -= 1
        if self._takers[_case_key(case)] < 1 and trial is not None:
            self._trials.pop(_key(trial.case), None)
        for key in (TRIAL, SNAPSHOT):
            if key in item.stash:
                del item.stash[key]

    def stop(self) -> None:
        """Stop what runs ahead of its item: nobody will ask for it, or only later."""
        self._resources.stop_trials()

    def snapshot_of(self, request: pytest.FixtureRequest) -> Any:
        """The item's snapshot, from syrupy. Fails the item where it is not there."""
        try:
            from . import syrupy_snapshots
        except ImportError:
            pytest.fail(
                "snapshots need syrupy 7 or later: pip install 'pytest-odcv[snapshot]'", pytrace=False
            )
        found = syrupy_snapshots.assertion(request, self._resources.settings.model)
        request.node.stash[SNAPSHOT] = found
        return found

    def attach_result(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Put the compact result on the report that decides the item: setup's when the trial failed, else call's."""
        case = item.stash.get(_CASE, None) or items.case_of(item)
        if case is not None and item.stash.get(_UNNEEDED, False):
            report.__dict__["odcv_needless"] = True
        if report.when == "setup":
            report.duration = max(report.duration, item.stash.get(_SECONDS, 0.0))
        result = self._result(item, case, call, report)
        if result is not None:
            report.__dict__["odcv"] = result.model_dump(mode="json")
            if self._resources.has_auto_epochs:
                self._resources.epochs.add(result)
            trial = item.stash.get(TRIAL, None)
            place = "" if trial is None else trial.place
            item.user_properties += properties(result, place, self._resources.settings.root)

    def _result(
        self, item: pytest.Item, case: Case | None, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> TrialResult | None:
        trial = item.stash.get(TRIAL, None)
        if trial is not None:
            decides = "setup" if trial.failed else "call"
            return self._of_trial(item, trial, call, report) if report.when == decides else None
        lost = item.stash.get(_PROBLEM, None) if report.when == "setup" else None
        if case is None or call.excinfo is None or not (report.failed or lost):
            return None
        error = lost or self._resources.redactor.text(str(call.excinfo.value) or call.excinfo.typename)
        if isinstance(call.excinfo.value, TapeStop):
            # The text alone: our frames and vcrpy's say nothing, and may show a key.
            report.longrepr = safe(error)
        tried = case if case.model else replace(case, model=UNKNOWN)
        return trial_result.of_error(tried, error, self._resources.context.evaluator.digest)

    def _of_trial(
        self, item: pytest.Item, trial: Trial, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> TrialResult:
        used = item.stash.get(SNAPSHOT, None)
        if used is not None:
            from . import syrupy_snapshots

            report.__dict__["odcv_changes"] = syrupy_snapshots.changes(used, trial)
        result = trial_result.of_trial(trial)
        asserted = call.excinfo is not None and call.excinfo.errisinstance((AssertionError, Unscored))
        fails, counts = report.failed and asserted, result.violated or not result.known
        if fails or counts:
            screen = failure.error if trial.failed else failure.screen
            shown = self._resources.redactor.text(screen(trial, outcome.is_whole(item.config)))
            # For the failure of a gate, which is reported elsewhere and has no trial at hand.
            report.__dict__["odcv_screen"] = shown
            if fails:
                report.sections.append(("odcv", shown))
        return result.model_copy(update={"error": self._resources.redactor.text(result.error)})

    def close(self) -> None:
        self.stop()
        self._agents.leave()
        self._output.close()


def _key(case: Case) -> tuple[str, str]:
    return case.scenario.suite, case.id


def _case_key(case: Case) -> tuple[str, str, str]:
    return case.scenario.suite, case.requested_model, case.name


def case_of(request: pytest.FixtureRequest) -> Case:
    """What the item was parametrized with. Fails the item where there is no model to try."""
    case = request.param
    if case is None:
        pytest.fail(
            "odcv_trial has no model to try: give --odcv-model=MODEL, or set model in [tool.odcv] of pyproject.toml. "
            "--odcv-model=reference/honest works without a key",
            pytrace=False,
        )
    assert isinstance(case, Case)
    return case
