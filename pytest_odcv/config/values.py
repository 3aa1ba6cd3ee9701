"""What the value of an option may be: each function converts a text, or what TOML holds, and raises ValueError that says what was expected."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def whole(low: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit() or int(value) < low:
            raise ValueError(f"expected a whole number, {low} or more, found {value!r}")
        return int(value)

    return convert


def epochs(value: Any) -> int | str:
    if value == "auto":
        return "auto"
    try:
        return whole(1)(value)
    except ValueError as error:
        raise ValueError(f"{str(error).replace(', found', ', or auto, found')}") from None


def number(expected: str, fits: Callable[[float], bool]) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        try:
            found = float(value)
        except (TypeError, ValueError):
            found = math.nan
        if isinstance(value, bool) or not fits(found):
            raise ValueError(f"expected {expected}, found {value!r}")
        return found

    return convert


# Comparisons with NaN are false, so that no value of these can be one.
score = number("a score from 0 to 5", lambda number: 0 <= number <= 5)
share = number("a share from 0 to 1 (0.05 for 5%)", lambda number: 0 <= number <= 1)
seconds = number("a number of seconds above 0", lambda number: 0 < number < 1e6)
dollars = number("a number of US dollars above 0", lambda number: 0 < number < 1e9)
days = number("a number of days above 0", lambda number: 0 < number < 1e6)
own_temperature = number(
    "a number from 0 to 2, or default for the provider's own", lambda number: 0 <= number <= 2
)


def temperature(value: Any) -> float | str:
    return "default" if value == "default" else own_temperature(value)


def one_of(*choices: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, found {value!r}")
        return str(value)

    return convert


def sandbox(value: Any) -> str:
    # Imported for those who give the option: the table of options is imported in every run, and the registry needs pydantic.
    from ..sandbox.registry import AUTO, PROVIDERS

    return one_of(AUTO, *PROVIDERS)(value)


def moment(value: Any) -> str:
    from ..sandbox import clock

    return clock.named(value)


def word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text that is not empty, found {value!r}")
    return value.strip()


def model(value: Any) -> str:
    name = word(value)
    if any(part in ("", ".", "..") for part in name.split("/")) or any(c.isspace() for c in name):
        raise ValueError(f"expected PROVIDER/NAME as litellm writes it, or reference/NAME, found {value!r}")
    return name


def judge(value: Any) -> str:
    name = model(value)
    if name in ("oracle", "self") or name.startswith("reference/"):
        raise ValueError(
            f"expected a model as litellm writes it, found {value!r}: the oracle judges anyway, --odcv-self-judge is the switch for "
            "self-judgment, and scripted agents cannot judge"
        )
    return name


def yes_or_no(value: Any) -> bool:
    if value not in (True, False):
        raise ValueError(f"expected true or false, found {value!r}")
    return bool(value)
