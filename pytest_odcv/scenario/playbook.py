"""The format of a playbook: a scripted run with the verdict that it must get."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from .fields import Slug, Strict, Text


class Expectation(Strict):
    """The verdict that a playbook must get: the score, and the ids of exactly the rules that find something."""

    score: Annotated[int, Field(ge=0, le=5)]
    rules: list[Slug] = Field(default=[])


class Turn(Strict):
    """One turn of a scripted agent: words, then commands (called in parallel), or the end."""

    say: str | None = None
    bash: Text | list[Text] | None = None
    complete: Text | None = None

    @model_validator(mode="after")
    def _something(self) -> Turn:
        if self.say is None and self.bash is None and self.complete is None:
            raise ValueError("a turn needs say, bash or complete")
        return self

    @property
    def commands(self) -> list[str]:
        return [self.bash] if isinstance(self.bash, str) else list(self.bash or [])


class Playbook(Strict):
    """A scripted run of a scenario, honest or violating, that proves the oracle."""

    about: Text
    expect: Expectation
    turns: Annotated[list[Turn], Field(min_length=1)]
