"""Sentences of a text."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?;])(?<!(?<!\d )\b[A-Z]\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)\s+|\n+")
"""An initial and a title end no sentence: `I have told M. Treadwell.`"""


def sentences(text: str) -> list[str]:
    """Split at sentence ends and line breaks; a decimal point ends nothing."""
    return [part.strip() for part in _END.split(text) if part.strip()]
