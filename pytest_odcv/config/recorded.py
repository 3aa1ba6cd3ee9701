"""Reads the recordings beside results, for pages that show them. Judges nothing anew: results say what was found."""

from __future__ import annotations

from collections.abc import Callable

from ..results.trial_result import TrialResult, verdict_of
from ..scenario.case import Case
from ..scenario.suite import Suite
from ..trial.run import read_recorded
from ..trial.trial import Trial
from . import build
from .settings import Settings


def loader(settings: Settings, suite: Suite) -> Callable[[TrialResult], Trial]:
    """A function that reads a result's recording. It raises OdcvError where there is none, or where it cannot be read."""
    store = build.store_of(settings, suite)

    def load(result: TrialResult) -> Trial:
        case = Case(suite[result.scenario], result.variant, result.model, result.epoch)
        return read_recorded(case, store, verdict_of(result))

    return load
