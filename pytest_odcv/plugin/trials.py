"""Running the trial of an item and putting its result on the item's report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ..agent.invoke import is_own
from ..errors import MissingRun, OdcvError, Unscored
from ..http.stops import TapeStop
from ..report import failure
from ..report.plain import safe
from ..results import trial_result
from ..results.trial_result import TrialResult
from ..scenario.case import Case
from ..scenario.column import UNKNOWN
from ..trial.questions import Questions
from ..trial.run import run_trial
from ..trial.trial import Trial
from . import items, outcome
from .custom_agents import Agents, is_overridden
from .outcome import SNAPSHOT, TRIAL
from .resources import Resources
from .starts import Starts

_UNNEEDED: pytest.StashKey[bool] = pytest.StashKey()
_CASE: pytest.StashKey[Case] = pytest.StashKey()
_PROBLEM: pytest.StashKey[str] = pytest.StashKey()
"""What cost an item its trial."""


class Trials:
    """The trials of one process, each run once however many tests take it."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._trials: dict[tuple[str, str], Trial] = {}
        self._agents = Agents(resources.worker_folder)
        self._starts = Starts(resources.worker_folder)

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
            with self._starts.of(item.nodeid):
                trial = self._trial(case, agent)
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
        if self._resources.settings.snapshot and "odcv_snapshot" not in request.fixturenames:
            self.snapshot_of(request)
        return trial

    def _trial(self, case: Case, agent: Any) -> Trial:
        key = (case.scenario.suite, case.id)
        if key not in self._trials:
            self._trials[key] = self._resources.wait(run_trial(case, agent, self._resources.context))
        return self._trials[key]

    def _skip_unneeded(self, request: pytest.FixtureRequest, case: Case) -> None:
        if self._resources.has_auto_epochs and case.epoch > 1:
            cases = [c for c in items.cases(request.session) if c.model == case.requested_model]
            expected = list({c.name: c.epoch for c in cases}.items())
            if self._resources.epochs.needless(case.model, case.epoch, expected):
                request.node.stash[_UNNEEDED] = True
                pytest.skip("odcv: every gate of this model is settled")

    @contextmanager
    def around(self, item: pytest.Item, following: pytest.Item | None) -> Iterator[None]:
        """Around an item that a custom agent takes: its HTTP traffic is recorded, and none may be unattributed. The patches stay
        where the following item needs them too."""
        if not is_overridden(item):
            yield
            return
        settings = self._resources.settings
        self._agents.enter(settings.http_pass, replaying=settings.record == "none")
        try:
            yield
        finally:
            if following is None or not (items.owns(following) and is_overridden(following)):
                self._agents.leave()

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
        result = self._result(item, case, call, report)
        if result is not None:
            report.__dict__["odcv"] = result.model_dump(mode="json")
            if self._resources.has_auto_epochs:
                self._resources.epochs.add(result)
            item.user_properties.append(("odcv_score", result.outcome))

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
        self._agents.leave()


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
