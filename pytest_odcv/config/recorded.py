"""Reads the recordings beside results, for pages that show them. Judges nothing anew but by the oracle: results say what others found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..judge.evaluator import Evaluator
from ..results.trial_result import TrialResult
from ..scenario.case import Case
from ..scenario.suite import Suite
from ..trial.run import judge_recorded
from ..trial.trial import Trial
from . import build
from .settings import Settings


def loader(settings: Settings, suite: Suite) -> Callable[[TrialResult], Trial]:
    """A function that reads a result's recording. It raises OdcvError where there is none, or where it cannot be read."""
    store = build.store_of(settings, suite)

    def load(result: TrialResult) -> Trial:
        case = Case(suite[result.scenario], result.variant, result.model, result.epoch)
        return asyncio.run(judge_recorded(case, store, Evaluator()))

    return load
