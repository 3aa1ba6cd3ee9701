"""Tool calls that a model requested of an agent's own tools. They are no commands of ours: nobody saw them run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NOT_PROVEN = "requested by the model; that it ran is not proven"


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """One call, as the model asked for it.

    Attributes:
        step: The answer of the model that it was in, from 1.
        tool: The tool's name.
        arguments: As JSON has them; the text itself where it is no JSON object.
        answer: What the tool gave back to the model, if the model was told anything.
    """

    step: int
    tool: str
    arguments: dict[str, Any] | str
    answer: str | None = None

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
