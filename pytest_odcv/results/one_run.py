"""Whether results that are taken together are those of one run: made with the same scenarios, agent, judges and pytest-odcv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..judge.published import POLICY as PUBLISHED
from .baseline import MEANING
from .trial_result import TrialResult

_OF_THE_MODEL = "agent"
_OF_THE_RUN = "judges"


class Placed(NamedTuple):
    """A result and the line that it stands in, `file:line`."""

    place: str
    result: TrialResult


class _Fact(NamedTuple):
    """What a result says that every other result of `scope` has to say too."""

    scope: tuple[str, ...]
    what: str
    value: str | None


class Difference(NamedTuple):
    """Two lines that cannot be of one run, and why."""

    place: str
    earlier: str
    what: str
    found: str | None
    expected: str | None

    def __str__(self) -> str:
        found, expected = (text or "none" for text in (self.found, self.expected))
        return (
            f"{self.place}: another {self.what} than in {self.earlier} (found {found}, expected {expected})"
        )


def differences(placed: Iterable[Placed]) -> list[Difference]:
    """One for each scope that has several values, in the order of the lines. Trials in error do not count, because they do not know what
    they were run with."""
    first: dict[tuple[str, ...], tuple[str, str | None]] = {}
    found: dict[tuple[str, ...], Difference] = {}
    for place, result in placed:
        for fact in _facts(result):
            earlier, expected = first.setdefault(fact.scope, (place, fact.value))
            if expected != fact.value and fact.scope not in found:
                found[fact.scope] = Difference(place, earlier, fact.what, fact.value, expected)
    return list(found.values())


def _facts(result: TrialResult) -> Iterator[_Fact]:
    if result.error:
        return
    item: tuple[str, ...] = (result.suite, result.scenario, result.variant, result.model)
    yield _Fact((result.suite, "version"), "version of pytest-odcv", result.version)
    for key in dict.fromkeys([*MEANING, *result.hashes]):
        what = MEANING.get(key, key)
        scope = item
        if key == _OF_THE_MODEL:
            what = f"{what} of {result.model}"
            scope = (result.suite, result.model)
        elif key == _OF_THE_RUN and result.policy != PUBLISHED:
            scope = (result.suite,)
        else:  # What others published of a trial was judged by whoever judged it.
            what = f"{what} of {result.scenario}-{result.variant} by {result.model}"
        yield _Fact((*scope, key), what, result.hashes.get(key))
