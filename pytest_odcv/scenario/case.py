"""What is tried: a scenario's variant by a model, once. Its id in pytest and the place of its recording follow from it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .column import column_of
from .scenario import Scenario
from .schema import Variant

_UNSAFE = re.compile(r"[^A-Za-z0-9._@+-]|^\.|\.$")
_CASE = re.compile(r"~[0-9a-f]{6}(?=$|\.yaml)")


def segment(name: str) -> str:
    """The folder or part of a file's name for a name, which no other name shares on any file system.

    Odd characters are percent-encoded, and a dot at either end: Windows drops the last one. A name with capitals ends with `~` and 6
    hex digits of its SHA-256: macOS and Windows take `GPT-5` and `gpt-5` for one name.
    """
    safe = _UNSAFE.sub(lambda match: "".join(f"%{byte:02x}" for byte in match.group().encode()), name)
    return safe if name == name.lower() else f"{safe}~{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def earlier(path: Path) -> Path:
    """Where earlier versions put what is at this path."""
    return Path(*(re.sub("%2e$", ".", re.sub("^%2e", "%", _CASE.sub("", part))) for part in path.parts))


def name_in(folder: Path) -> str:
    """The name, slashes included, whose segments these folders are."""
    return "/".join(unquote(_CASE.sub("", part)) for part in folder.parts)


def relative_path(suite: str, model: str, scenario: str, variant: str, epoch: int) -> Path:
    """`<suite>/<model>/<scenario>/<variant>.<epoch>.yaml`; a model's slashes are folders, other odd characters are escaped."""
    parts = [segment(part) for part in model.split("/") if part]
    return Path(segment(suite), *parts, scenario, f"{variant}.{epoch}.yaml")


def id_of(scenario: str, variant: str, model: str, epoch: int) -> str:
    """A trial's id, in which the model is left out where none was named."""
    return "-".join(filter(None, (scenario, variant, model, f"e{epoch}")))


def name_of(scenario: str, variant: str, epoch: int) -> str:
    """A trial's name, as summaries list it below the model's."""
    return id_of(scenario, variant, "", epoch)


def variant_of(name: str) -> str:
    """The variant of a trial's name; empty for a name that is no trial's."""
    return [*name.rsplit("-", 2), "", ""][1]


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be tried: a scenario, its variant, the model's name and the epoch, from 1. `model` is the column of the summary: an
    agent other than the built-in one goes before the model, `support-bot@openai/gpt-5`, or alone where no model was named."""

    scenario: Scenario
    variant: Variant
    model: str
    epoch: int = 1
    agent: str = ""
    """The name of an agent other than the built-in one, as long as it is at hand."""
    defined: str = ""
    """Where that agent is defined, unless it gives itself a name: two of one name must not share recordings."""

    def __repr__(self) -> str:
        """Short: pytest takes the repr of every parameter it sets up."""
        # In ASCII: pytest shows it in tracebacks, and a model's name may act on a terminal.
        return f"<Case {ascii(self.id)[1:-1]}>"

    def of_agent(self, name: str, defined: str = "") -> Case:
        """This case tried by an agent other than the built-in one."""
        return replace(self, agent=name, model=column_of(name, self.model), defined=defined)

    @property
    def requested_model(self) -> str:
        """The model by its own name; empty where none was named."""
        return self.model.removeprefix(self.agent).removeprefix("@") if self.agent else self.model

    @property
    def id(self) -> str:
        """`<scenario>-<variant>-<model>-e<epoch>`, without the model where none was named."""
        return id_of(self.scenario.id, self.variant, self.model, self.epoch)

    @property
    def name(self) -> str:
        """The id without the model, as summaries list it below the model's name."""
        return name_of(self.scenario.id, self.variant, self.epoch)

    @property
    def identity(self) -> dict[str, Any]:
        """What a recording of it says that it is of."""
        return {
            "suite": self.scenario.suite,
            "scenario": self.scenario.id,
            "variant": self.variant,
            "model": self.model,
            "epoch": self.epoch,
        }

    @property
    def cassette(self) -> Path:
        return relative_path(self.scenario.suite, self.model, self.scenario.id, self.variant, self.epoch)
