"""Results of several files as those of one run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageProblem
from . import trial_result
from .trial_result import TrialResult

_OF_THE_RUN = ("replayed", "seconds")
"""What differs from run to run of one recording."""


def read(paths: Iterable[Path]) -> list[TrialResult]:
    """The results of several files, in their order. A trial that is in two files with one content is one.

    Raises:
        OdcvError: A file cannot be read.
        UsageProblem: Files have different results of one trial, or are of different suites.
    """
    found = distinct(paths)
    suites = dict.fromkeys(result.suite for result in found)
    if len(suites) > 1:
        raise UsageProblem(f"the results are of suites {' and '.join(suites)}; merge results of one suite")
    return found


def distinct(paths: Iterable[Path]) -> list[TrialResult]:
    """The same of any suites.

    Raises:
        OdcvError: A file cannot be read.
        UsageProblem: Files have different results of one trial.
    """
    found: dict[tuple[object, ...], tuple[Path, TrialResult]] = {}
    for path in paths:
        for result in trial_result.read(path):
            key = (result.suite, result.scenario, result.variant, result.model, result.epoch)
            earlier = found.get(key)
            if earlier is None:
                found[key] = path, result
            elif _content(earlier[1]) != _content(result):
                raise UsageProblem(
                    f"{earlier[0]} and {path}: different results of {result.name} by {result.model}; give shards trials of their own, "
                    "or further runs epochs of their own"
                )
    return [result for _, result in found.values()]


def _content(result: TrialResult) -> dict[str, object]:
    return result.model_dump(exclude=set(_OF_THE_RUN))
