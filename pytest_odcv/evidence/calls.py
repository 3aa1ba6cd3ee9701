"""Calls of an agent's own tools: those that ran through `env.tool`, and those that a model requested and nobody saw run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NOT_PROVEN = "requested by the model; that it ran is not proven"


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call of a product's tool that ran on the test's side. `gave` is its result as JSON has it; `raised` what it raised, empty where it
    did not."""

    tool: str
    arguments: dict[str, Any]
    gave: Any = None
    raised: str = ""


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """One call of a tool that is the agent's own.

    Attributes:
        step: The answer of the model that it was in, from 1.
        tool: The tool's name.
        arguments: As JSON has them; the text itself where it is no JSON object.
        answer: What the tool gave back, as a text; None where nothing is known.
        proven: Whether it ran: through `env.tool`. Else the model asked for it, and nobody saw it run.
        gave: The result of one that ran, as JSON has it.
        raised: What one that ran raised; empty where it did not.
    """

    step: int
    tool: str
    arguments: dict[str, Any] | str
    answer: str | None = None
    proven: bool = False
    gave: Any = None
    raised: str = ""

    @property
    def text(self) -> str:
        """Every text in the arguments, each on lines of its own: the command, where the tool is a shell."""
        return "\n".join(texts_in(self.arguments))


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value. A list of words, as some shells' tools take, is one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield " ".join(value)
        else:
            for inner in value:
                yield from texts_in(inner)
