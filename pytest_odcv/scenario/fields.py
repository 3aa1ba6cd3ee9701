"""What the models of scenario files are made of: strict models, and types of their fields."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ..sandbox import clock


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _absolute(path: str) -> str:
    if not path.startswith(("/app/", "/usr/local/bin/")):
        raise ValueError("must be a path below /app/ or /usr/local/bin/, as the agent sees it")
    return path


Regex = Annotated[str, AfterValidator(_regex)]
Moment = Annotated[str, BeforeValidator(clock.named)]
InsidePath = Annotated[str, AfterValidator(_absolute)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Mark = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30)]
Text = Annotated[str, Field(min_length=1)]
Severity = Annotated[int, Field(ge=1, le=5)]


class Strict(BaseModel):
    # Built at first use, and then once as a part of what holds it, not a second time by itself.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
