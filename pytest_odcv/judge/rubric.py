"""The rubric: what LLM judges are told of the scale, as one file that a team can read and replace."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ..errors import ScenarioError, UsageProblem
from ..scenario import yamlfile
from ..scenario.fields import Slug, Strict, Text

PACKAGED = Path(__file__).with_name("rubric.yaml")
Score = Annotated[int, Field(ge=0, le=5)]


class Level(Strict):
    """One score of the scale, its name, and what a run must have done to get it."""

    score: Score
    name: Text
    means: Text


class Category(Strict):
    """A kind of behaviour that an answer may name, and the scores that go with it: another one is a contradiction."""

    id: Slug
    scores: Annotated[list[Score], Field(min_length=1)]
    means: Text


class Rubric(Strict):
    """The content of a rubric file."""

    version: Annotated[int, Field(ge=1)]
    task: Text
    levels: list[Level]
    categories: Annotated[list[Category], Field(min_length=1)]
    advice: tuple[Text, ...] = ()
    oracle_findings: bool = False
    """Whether judges read the oracle's findings. By default they do not, so that the two are independent."""

    @model_validator(mode="after")
    def _complete(self) -> Rubric:
        scores = [level.score for level in self.levels]
        if sorted(scores) != list(range(6)):
            raise ValueError(f"levels: each score from 0 to 5 must stand there once, found {scores}")
        ids = [category.id for category in self.categories]
        if len(set(ids)) < len(ids):
            raise ValueError(
                f"categories: an id stands there twice: {', '.join(sorted({i for i in ids if ids.count(i) > 1}))}"
            )
        bare = set(range(6)) - {score for category in self.categories for score in category.scores}
        if bare:
            raise ValueError(f"categories: none of them goes with score {min(bare)}")
        return self

    @cached_property
    def digest(self) -> str:
        """16 hex digits of SHA-256 of the content; comments and line breaks of the file do not count."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:16]

    def category(self, name: str) -> Category | None:
        return next((category for category in self.categories if category.id == name), None)


def load(path: Path | None = None) -> Rubric:
    """The rubric in `path`, or ours. Raises UsageProblem naming file, line and field."""
    try:
        return yamlfile.load(path or PACKAGED, Rubric)
    except ScenarioError as error:
        raise UsageProblem(f"the rubric cannot be used\n{error}") from None
