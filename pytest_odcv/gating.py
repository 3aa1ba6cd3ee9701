"""Gates in a pytest run: from settings to the board of gates, when a model needs no further epoch, and gates as test reports.

Deciding is `gates`' business. On an xdist worker it knows the other workers' results from a folder that all of them write to.
"""

from __future__ import annotations

import secrets
import time
import warnings
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from . import baseline, setup
from .baseline import Source
from .cassette.redact import Redactor
from .collection import NODE
from .errors import UsageProblem
from .gates import board
from .gates.board import Board
from .gates.result import GateResult, ModelRun
from .gates.spec import Catalog, GateSpec
from .report.moved import lines
from .report.plain import wrapped
from .results import TrialResult
from .scenario.suite import Suite
from .settings import Settings

Wait = Callable[[Coroutine[Any, Any, list[TrialResult]]], list[TrialResult]]
_PATIENCE = 600.0
"""Seconds that a worker waits for the others' trials of an epoch before it goes on without knowing."""
_POLL = 0.05


def specs_of(settings: Settings) -> tuple[GateSpec, ...]:
    """The gates that options and configuration ask for. Raises UsageProblem."""
    return board.specs(
        settings.gates,
        f"{settings.file}: [tool.odcv]",
        settings.max_violation_rate,
        settings.max_severity,
        settings.baseline is not None,
    )


def board_of(settings: Settings, suite: Suite, wait: Wait) -> Board:
    """The board of a session, with its baseline read. `wait` runs a coroutine. Raises OdcvError."""
    store = setup.store_of(settings, suite)
    source = None if settings.baseline is None else Source.parse(settings.baseline)
    redactor = Redactor(settings.redact)

    def judged(folder: Path) -> list[TrialResult]:
        assert source is not None
        return wait(
            baseline.recorded(
                folder,
                suite,
                lambda found: setup.judging_of(settings, found, redactor, "none"),
                source.model,
            )
        )

    models = (*settings.model, *store.models(suite.name))
    return Board(
        specs_of(settings),
        Catalog.of(suite, models, others=not settings.model),
        f"{settings.file}: [tool.odcv]",
        source,
        () if source is None else tuple(baseline.read(source, judged)),
        settings.allow_incomparable,
        settings.max_epochs if settings.epochs == "auto" else None,
    )


def refuse_reruns(config: pytest.Config, marks: Iterable[pytest.Mark], place: str) -> None:
    """Raises UsageProblem where pytest-rerunfailures would repeat trials: a retried pass would hide a violation."""
    flaky = any(mark.name == "flaky" for mark in marks)
    if config.pluginmanager.hasplugin("rerunfailures") and (flaky or config.getoption("reruns", None)):
        raise UsageProblem(
            f"{place}: pytest-rerunfailures may not repeat odcv trials: a violation that a second try does not show again would count "
            "as a pass. Remove --reruns or the flaky marker for these tests, and use --odcv-epochs for more trials"
        )


class Epochs:
    """epochs=auto: which models are settled after which epoch. `folder` is None in a run without workers."""

    def __init__(self, board: Board, folder: Path | None) -> None:
        self._board, self._folder = board, folder
        self._settled: dict[tuple[str, int], bool] = {}
        self._known: dict[str, TrialResult] = {}

    def add(self, result: TrialResult) -> None:
        """A trial that ended in this process."""
        self._known[f"{result.model} {result.name}"] = result
        if self._folder is not None:
            name = secrets.token_hex(16)
            (self._folder / f"{name}.part").write_text(result.model_dump_json(), encoding="utf-8")
            (self._folder / f"{name}.part").rename(self._folder / f"{name}.json")

    def needless(self, model: str, epoch: int, expected: Sequence[tuple[str, int]]) -> bool:
        """Whether a model's gates are settled before this epoch. `expected` are name and epoch of all of the model's trials."""
        return any(self._after(model, earlier, expected) for earlier in range(1, epoch))

    def _after(self, model: str, epoch: int, expected: Sequence[tuple[str, int]]) -> bool:
        key = (model, epoch)
        if key not in self._settled:
            names = {name for name, of in expected if of <= epoch}
            results = self._results(model, names)
            known = results is not None
            self._settled[key] = known and self._board.settled(ModelRun(model, tuple(results or ())), epoch)
        return self._settled[key]

    def _results(self, model: str, names: set[str]) -> list[TrialResult] | None:
        """Of these trials, once all are in; None where one is lost or does not come."""
        patience = time.monotonic() + _PATIENCE
        while True:
            self._read()
            found = [r for r in self._known.values() if r.model == model and r.name in names]
            if len(found) == len(names):
                return sorted(found, key=lambda result: result.name)
            if self._folder is None or (self._folder / "lost").exists() or time.monotonic() > patience:
                return None
            time.sleep(_POLL)

    def _read(self) -> None:
        for file in self._folder.glob("*.json") if self._folder is not None else ():
            result = TrialResult.model_validate_json(file.read_text(encoding="utf-8"))
            self._known[f"{result.model} {result.name}"] = result


def report(session: pytest.Session, decided: GateResult) -> None:
    """Send a gate's result the way of every test, so that exit code, summary and junit agree."""
    name = f"gate[{decided.name}-{decided.model}]"
    nodeid, location = f"{NODE}::{name}", (NODE, None, name)
    hook = session.config.hook
    session.testscollected += 1
    hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
    for when in ("setup", "call", "teardown"):
        failed = when == "call" and decided.failed
        text = "\n".join([*wrapped(decided.text, ""), *lines(decided.moved, "")])
        one = pytest.TestReport(
            nodeid=nodeid,
            location=location,
            keywords={name: 1},
            outcome="failed" if failed else "passed",
            longrepr=text if failed else None,
            when=when,
            sections=[("odcv gate", decided.text)] if when == "call" and not failed else [],
        )
        hook.pytest_runtest_logreport(report=one)
    hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
    if decided.warns:
        message = pytest.PytestWarning(f"gate {decided.name} for {decided.model} is inconclusive")
        recorded = warnings.WarningMessage(message, pytest.PytestWarning, NODE, 0)
        kwargs = {"warning_message": recorded, "nodeid": nodeid, "when": "runtest", "location": None}
        hook.pytest_warning_recorded.call_historic(kwargs=kwargs)
