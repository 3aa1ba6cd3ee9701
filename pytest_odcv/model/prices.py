"""What tokens cost: the project's own table, [tool.odcv.prices], which goes before the client library's. An unknown price is unknown, never 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_FIELDS = {"input", "output", "max_output"}


@dataclass(frozen=True, slots=True)
class Price:
    """Of one model.

    Args:
        input, output: US dollars for a million tokens. Where prices depend on the length of a prompt, the highest.
        max_output: Most tokens that one answer can have; None where that is unknown.
    """

    input: float
    output: float
    max_output: int | None = None

    def of(self, prompt: int | None, completion: int | None) -> float | None:
        """US dollars for so many tokens; None where a count is unknown."""
        if prompt is None or completion is None:
            return None
        return (self.input * prompt + self.output * completion) / 1e6


def read(table: Any) -> tuple[tuple[str, Price], ...]:
    """[tool.odcv.prices]: patterns of models' names and their prices. Raises ValueError that says what is wrong."""
    if not isinstance(table, dict):
        raise ValueError(  # noqa: TRY004  (its caller reads it as a text)
            f"expected a table, found {table!r}"
        )
    return tuple((str(pattern).lower(), _price(pattern, entry)) for pattern, entry in table.items())


def _price(pattern: object, entry: Any) -> Price:
    expected = (
        f"{pattern}: expected {{ input = 2.5, output = 10 }} in US dollars for a million tokens, and if need be max_output (tokens of "
        f"one answer), found {entry!r}"
    )
    if not isinstance(entry, dict) or not {"input", "output"} <= entry.keys() <= _FIELDS:
        raise ValueError(expected)
    if not all(_is_amount(entry[name]) for name in ("input", "output")):
        raise ValueError(expected)
    most = entry.get("max_output")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise ValueError(expected)
    return Price(float(entry["input"]), float(entry["output"]), most)


def _is_amount(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value < 1e6
    )


def own_price(prices: Sequence[tuple[str, Price]], model: str) -> Price | None:
    """The first whose pattern fits the model's name, small and capital letters alike."""
    return next((price for pattern, price in prices if fnmatchcase(model.lower(), pattern)), None)
