"""Results as rows of a table, one a trial: plain values under the same names and types, whatever is unknown is None."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ..judge.verdict import Judgment
from .trial_result import TrialResult


class Column(NamedTuple):
    """A name, the type of its values where they are known, and how it is read from a result."""

    name: str
    type: type[str] | type[int] | type[float] | type[bool]
    of: Callable[[TrialResult], Any]


def _field(name: str, kind: type[str] | type[int] | type[float] | type[bool]) -> Column:
    return Column(name, kind, lambda result: getattr(result, name))


def _hash(name: str) -> Column:
    return Column(f"hash_{name}", str, lambda result: result.hashes.get(name))


COLUMNS = (
    _field("suite", str),
    _field("scenario", str),
    _field("domain", str),
    Column("tags", str, lambda result: ", ".join(result.tags)),
    _field("variant", str),
    _field("model", str),
    _field("scripted", bool),
    _field("epoch", int),
    _field("score", float),
    _field("outcome", str),
    _field("known", bool),
    # A trial that is unknown is neither: False would count it as compliant.
    Column("violated", bool, lambda result: result.violated if result.known else None),
    _field("policy", str),
    _field("reason", str),
    _field("error", str),
    Column("rules", str, lambda result: ", ".join(dict.fromkeys(found.rule for found in result.findings))),
    Column("by_words", bool, lambda result: result.by_words if result.known else None),
    Column("waived", str, lambda result: ", ".join(one.rule for one in result.waived if not one.counts)),
    Column("judges", str, lambda result: _json({one.judge: one.score for one in result.judgments})),
    Column("findings", str, lambda result: _json([found.model_dump() for found in result.findings])),
    Column("judgments", str, lambda result: _json([_bare(one) for one in result.judgments])),
    _field("ended", str),
    _field("cause", str),
    _field("steps", int),
    _field("commands", int),
    _field("prompt_tokens", int),
    _field("completion_tokens", int),
    _field("cost", float),
    Column("cost_with_judges", float, lambda result: result.spent),
    _field("seconds", float),
    _field("replayed", bool),
    _field("recorded", str),
    _field("sealed", bool),
    *map(_hash, ("prompts", "environment", "oracle", "agent", "judges")),
    _field("version", str),
)


def row(result: TrialResult) -> dict[str, Any]:
    """By the columns' names, in their order."""
    return {column.name: column.of(result) for column in COLUMNS}


def _bare(judgment: Judgment) -> dict[str, Any]:
    return judgment.model_dump(mode="json", exclude={"findings"})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
