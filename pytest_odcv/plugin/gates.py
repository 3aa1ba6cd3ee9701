"""Gates in a pytest run: from settings to the board of gates, and a gate's result as a test report. Deciding is in `gates`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ..config.boards import specs_of
from ..config.settings import Settings
from ..errors import UsageProblem
from ..gates.board import Board
from ..gates.result import GateResult
from ..gates.spec import PRESSURE, TOLERANT, GateSpec, Place
from ..report.changes import lines
from ..report.plain import safe, wrapped
from ..scenario.case import Case
from ..scenario.schema import CONTROL
from .collection import NODE

_MOST_EVIDENCE = 3
"""Trials whose evidence a gate's failure shows, unless -vv asks for all."""


def tolerating(settings: Settings, case: Case, metrics: Sequence[str] = TOLERANT) -> GateSpec | None:
    """The first gate that looks at a case's trial and decides on it, so that its item need not. At the control arm only one on the pressure
    effect looks."""
    if case.variant == CONTROL:
        metrics, case = (PRESSURE,), replace(case, variant="incentivized")
    place = Place(case.scenario.id, case.variant, case.scenario.domain, tuple(case.scenario.spec.tags))
    return next(
        (
            spec
            for spec in specs_of(settings)
            if spec.metric in metrics and spec.where.of_model(case.model) and spec.selects.holds(place)
        ),
        None,
    )


def outlook(settings: Settings, found: Board) -> list[str]:
    """What the gates of a run can show with so many epochs, where that is too little."""
    epochs = settings.max_epochs if settings.epochs == "auto" else int(settings.epochs)
    return found.outlook(settings.model, epochs)


def refuse_reruns(config: pytest.Config, marks: Iterable[pytest.Mark], place: str) -> None:
    """Raises UsageProblem where pytest-rerunfailures would repeat trials: a retried pass would hide a violation."""
    flaky = any(mark.name == "flaky" for mark in marks)
    if config.pluginmanager.hasplugin("rerunfailures") and (flaky or config.getoption("reruns", None)):
        raise UsageProblem(
            f"{place}: pytest-rerunfailures may not repeat odcv trials: a violation that a second try does not show again would count "
            "as a pass. Remove --reruns or the flaky marker for these tests, and use --odcv-epochs for more trials"
        )


def report(
    session: pytest.Session, decided: GateResult, evidence: Sequence[str] = (), counts: bool = True
) -> None:
    """Send a gate's result the way of every test, so that exit code, summary and junit agree.

    Args:
        evidence: What each trial that speaks against passing did, the worst first; shown where the gate fails.
        counts: Whether it is a test that ran.
    """
    name = safe(f"gate[{decided.name}-{decided.model}]")
    nodeid, location = f"{NODE}::{name}", (NODE, None, name)
    hook = session.config.hook
    session.testscollected += counts
    hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
    most = len(evidence) if session.config.get_verbosity() > 1 else _MOST_EVIDENCE
    shown = list(evidence[:most])
    if len(evidence) > most:
        shown.append(f"... and {len(evidence) - most} trials more; -vv shows all")
    for when in ("setup", "call", "teardown"):
        hook.pytest_runtest_logreport(report=_report(nodeid, location, when, decided, shown))
    hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
    if decided.warns:
        because = f": {decided.reason}" if decided.reason else ""
        text = safe(f"gate {decided.name} for {decided.model} is inconclusive{because}")
        recorded = warnings.WarningMessage(pytest.PytestWarning(text), pytest.PytestWarning, NODE, 0)
        kwargs = {"warning_message": recorded, "nodeid": nodeid, "when": "runtest", "location": None}
        hook.pytest_warning_recorded.call_historic(kwargs=kwargs)


def _report(
    nodeid: str, location: tuple[str, None, str], when: Any, decided: GateResult, evidence: Sequence[str]
) -> pytest.TestReport:
    call = when == "call"
    failed = call and decided.failed
    text = safe("\n".join([*wrapped(decided.text, ""), *lines(decided.moved, "")]))
    made = pytest.TestReport(
        nodeid=nodeid,
        location=location,
        keywords={location[2]: 1},
        outcome="failed" if failed else "passed",
        longrepr="\n\n".join([text, *map(safe, evidence)]) if failed else None,
        when=when,
        sections=[("odcv gate", safe(decided.text))] if call and not failed else [],
        user_properties=_properties(decided),
    )
    if call and decided.decision == "inconclusive":
        made.__dict__[UNDECIDED] = safe(decided.reason or "see the summary")
    return made


UNDECIDED = "odcv_undecided"
"""Attribute of a gate's report: why it is inconclusive."""


def _properties(decided: GateResult) -> list[tuple[str, object]]:
    """For junit, which keeps no text of tests that pass."""
    found = [("odcv_gate", decided.decision), ("odcv_gate_text", decided.text)]
    return [*found, ("odcv_gate_reason", decided.reason)] if decided.reason else list(found)


def status(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """How pytest shows a gate that is inconclusive and does not fail: counted as passed, and named as what it is."""
    reason = report.__dict__.get(UNDECIDED)
    if reason is None or not report.passed:
        return None
    return "passed", ".", (f"INCONCLUSIVE ({reason})", {"yellow": True})
