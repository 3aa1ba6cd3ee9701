"""Results of several files as those of one run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import UsageProblem
from . import one_run, trial_result
from .one_run import Placed
from .trial_result import TrialResult

_OF_THE_READING = ("replayed", "seconds")
"""What differs from run to run of one recording."""
_SHOWN = 4
ALLOW = "--allow-incomparable"
ALLOW_HELP = "take results together though scenarios, judges, agent or pytest-odcv differ, and say so"


class Merged(NamedTuple):
    """The results of some files, and what every report of them must say: that they are not of one run and were taken together by request."""

    results: list[TrialResult]
    notes: tuple[str, ...] = ()


def read(paths: Iterable[Path], allowed: bool = False) -> Merged:
    """The results of several files, in their order. A trial that is in two files with one content is one.

    Args:
        paths: Of the files.
        allowed: Take them together also where they are not of one run.

    Raises:
        OdcvError: A file cannot be read.
        UsageProblem: Files have different results of one trial, are of different suites, or of several runs, and that is not allowed.
    """
    found = distinct(paths, allowed)
    suites = dict.fromkeys(result.suite for result in found.results)
    if len(suites) > 1:
        raise UsageProblem(f"the results are of suites {' and '.join(suites)}; merge results of one suite")
    return found


def distinct(paths: Iterable[Path], allowed: bool = False) -> Merged:
    """The same of any suites.

    Raises:
        OdcvError: A file cannot be read.
        UsageProblem: Files have different results of one trial, or those of a suite are of several runs, and that is not allowed.
    """
    found: dict[tuple[object, ...], Placed] = {}
    for path in paths:
        for number, result in trial_result.numbered(path):
            key = (result.suite, result.scenario, result.variant, result.model, result.epoch)
            place = f"{path}:{number}"
            earlier = found.setdefault(key, Placed(place, result))
            if _content(earlier.result) != _content(result):
                raise UsageProblem(
                    f"{earlier.place} and {place}: different results of {result.name} by {result.model}; give shards trials of their own, "
                    "or further runs epochs of their own"
                )
    return Merged([result for _, result in found.values()], _notes(found.values(), allowed))


def _notes(placed: Iterable[Placed], allowed: bool) -> tuple[str, ...]:
    differences = one_run.differences(placed)
    if not differences:
        return ()
    more = len(differences) - _SHOWN
    shown = "; ".join(map(str, differences[:_SHOWN])) + (f"; and {more} more" if more > 0 else "")
    if allowed:
        return (f"Taken together by {ALLOW} though these are not results of one run: {shown}.",)
    raise UsageProblem(
        f"these are not results of one run, and cannot be taken as one. {shown}.\n"
        "A rate over them would be of no single version. Give the files of one run, run the older part again, or take them together all "
        f"the same with {ALLOW}"
    )


def _content(result: TrialResult) -> dict[str, object]:
    return result.model_dump(exclude=set(_OF_THE_READING))
