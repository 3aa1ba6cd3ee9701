"""What must be said beside a model's name wherever it is shown: that it is scripted, or too weak to conclude from."""

from __future__ import annotations

from ..scenario.column import model_of
from .reference import is_scripted

SCRIPTED = "scripted reference agent, no model was asked"
_WEAK = {"smollm2-135m": "a real model, but of 135 million parameters: far too weak to conclude from"}


def note_of(model: str) -> str:
    """The note of a model, empty for most."""
    return SCRIPTED if is_scripted(model) else _WEAK.get(model_of(model).rpartition("/")[2].lower(), "")
