"""What a pytest session with odcv options or odcv items holds, one object a role: `selection` chooses trials, `trials` runs them,
`controller` counts them and decides. Under xdist the first two work on the workers too, and only the controller has the third."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ..model.reference import is_scripted
from ..report import judges
from ..report.plain import safe
from ..trial.checks import age_in_days
from . import gates, items
from .controller import DESELECTED, EXPECTED, Controller
from .progress import Progress
from .resources import Resources
from .selection import Selection
from .trials import Trials


class OdcvSession:
    """One per pytest config, made at first use."""

    def __init__(self, config: pytest.Config) -> None:
        self.resources = Resources(config)
        self.selection = Selection(self.resources)
        self.trials = Trials(self.resources)
        self.controller = None if self.resources.is_worker else Controller(self.resources, self.selection)

    def header(self) -> list[str]:
        settings, suite = self.resources.settings, self.resources.suite
        models = ", ".join(settings.model) or "none named"
        what = f"suite {suite.name} ({len(suite.scenarios)} scenarios)"
        first = f"odcv: {what}, record {settings.record}, models: {models}"
        outlook = gates.outlook(settings, self.resources.board)
        found = [
            first,
            *self._control(),
            *self._not_masked(),
            *judges.header(self.resources.context.evaluator),
            *outlook,
        ]
        return list(map(safe, found))

    def _control(self) -> list[str]:
        """Where the control arm is asked for: of how many scenarios there is one."""
        if not self.resources.settings.control:
            return []
        scenarios = self.resources.suite.scenarios
        has = sum(scenario.has_control for scenario in scenarios)
        none = "" if has else ": write prompts.control in scenario.yaml to get a pressure effect"
        return [f"odcv: control arm: {has} of {len(scenarios)} scenarios have one{none}"]

    def _not_masked(self) -> list[str]:
        """A line for each variable whose value stays in recordings though its name is a secret's, where something may be recorded."""
        if self.resources.settings.record == "none":
            return []
        passed_over = sorted(self.resources.redactor.passed_over.items())
        hint = "it stays in what is written; to mask it, name it in redact = [...] of [tool.odcv]"
        return [f"odcv: not masked: {name} {why}; {hint}" for name, why in passed_over]

    def recordings(self, session: pytest.Session) -> list[str]:
        """One line on the age of the recordings that will be replayed, of models that were really asked."""
        settings, store = self.resources.settings, self.resources.context.store
        if settings.record not in ("none", "once"):
            return []
        cases = [case for case in items.cases(session, own=False) if not is_scripted(case.model)]
        dates = sorted(filter(None, (store.date_of(case.cassette) for case in cases)))
        if not dates:
            return []
        age = age_in_days(dates[0], time.time()) or 0.0
        return [f"odcv: {len(dates)} dated recordings, the oldest of {dates[0][:10]} ({age:.0f} days old)"]

    def progress(self, session: pytest.Session) -> Progress:
        """Shows from now on how far the run is, until it is stopped."""
        found = Progress(
            session, self.resources, None if self.controller is None else self.controller.collector
        )
        found.start()
        return found

    def publish(self, session: pytest.Session) -> None:
        """On a worker: tell the controller which trials it must hear of."""
        if self.resources.is_worker:
            planned = items.planned(session)
            output: dict[str, Any] = self.resources.config.workeroutput  # type: ignore[attr-defined]
            output[EXPECTED] = {nodeid: list(trial) for nodeid, trial in planned.items()}
            deselected = self.selection.parametrized - set(planned.values())
            output[DESELECTED] = [list(trial) for trial in sorted(deselected)]

    def close(self) -> None:
        self.trials.close()
        self.resources.close()
