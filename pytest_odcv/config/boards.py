"""From settings to the board of gates, for a pytest run and for `odcv gate`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ..gates import board
from ..gates.board import Board
from ..gates.spec import Catalog, GateSpec
from ..redaction.redactor import Redactor
from ..results import baseline
from ..results.baseline import Source
from ..results.trial_result import TrialResult
from ..results.waivers import Waivers
from ..scenario.suite import Suite
from . import build
from .settings import Settings

Wait = Callable[[Coroutine[Any, Any, list[TrialResult]]], list[TrialResult]]


def specs_of(settings: Settings) -> tuple[GateSpec, ...]:
    """The gates that options and configuration ask for. Raises UsageProblem."""
    return board.specs(
        settings.gates,
        f"{settings.file}: [tool.odcv]",
        settings.max_violation_rate,
        settings.max_severity,
        settings.baseline is not None,
        settings.control,
        inconclusive=settings.inconclusive,  # type: ignore[arg-type]
        override="inconclusive" in settings.given,
    )


def board_of(settings: Settings, suite: Suite, waivers: Waivers, wait: Wait) -> Board:
    """The board of a session, with its baseline read. `wait` runs a coroutine. Raises OdcvError."""
    store = build.store_of(settings, suite)
    source = None if settings.baseline is None else Source.parse(settings.baseline)
    redactor = Redactor(settings.redact)

    def judged(folder: Path) -> list[TrialResult]:
        assert source is not None
        return wait(
            baseline.recorded(
                folder,
                suite,
                lambda found: build.evaluator_of(settings, found, redactor, "none"),
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
        settings.correction,  # type: ignore[arg-type]
        waivers,
    )
