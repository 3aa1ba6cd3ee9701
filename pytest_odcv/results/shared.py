"""Keeps many results small: what trials of one scenario have in common is in memory once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

from pydantic import BaseModel

from ..judge.verdict import Judgment
from .trial_result import TrialResult

M = TypeVar("M", bound=BaseModel)
_COMMON = (
    "version", "suite", "scenario", "domain", "tags", "variant", "model", "policy", "reason", "error", "ended", "cause", "waived",
)  # fmt: skip
"""Fields of a result whose values repeat. Those of one trial alone would only fill the table of values."""


class SharedValues:
    """Values that several results hold, each once."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def of(self, result: TrialResult) -> TrialResult:
        """An equal result that has in common with those before it what is equal."""
        values = dict(result)
        for name in _COMMON:
            values[name] = self._once((name, values[name]), values[name])
        values["hashes"] = self._once(("hashes", *sorted(result.hashes.items())), result.hashes)
        judgments = ("judgments", result.judgments)
        if judgments not in self._values:
            self._values[judgments] = tuple(map(self._judgment, result.judgments))
        values["judgments"] = self._values[judgments]
        return _made(result, values)

    def _once(self, key: Hashable, value: Any) -> Any:
        return self._values.setdefault(key, value)

    def _judgment(self, judgment: Judgment) -> Judgment:
        return _made(judgment, dict(judgment))


_names: dict[type[BaseModel], set[str]] = {}


def _made(model: M, values: dict[str, Any]) -> M:
    """The model of these values, which are valid. pydantic notes in each which fields were given: in 2.2 KB for a result, so all note the same."""
    kind = type(model)
    return kind.model_construct(_names.setdefault(kind, set(kind.model_fields)), **values)
