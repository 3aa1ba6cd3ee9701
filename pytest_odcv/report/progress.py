"""One line on how far a live run is."""

from __future__ import annotations

from dataclasses import dataclass

from .summary import dollars


@dataclass(frozen=True, slots=True)
class State:
    """A moment of a run. `total` is 0 where it is unknown; `calls` are answers a second of models, `cost` US dollars, None where
    unknown, `seconds` the time since the run began, `waits` whether calls wait for a provider's limits."""

    done: int
    total: int
    in_flight: int
    violations: int
    incomplete: int
    calls: float
    retries: int
    cost: float | None
    seconds: float
    waits: bool = False

    @property
    def left(self) -> float | None:
        """Seconds until the projected end, as fast as until now; None while too little is known."""
        if self.done < _ENOUGH or self.total <= self.done:
            return None
        return self.seconds / self.done * (self.total - self.done)


_ENOUGH = 3
"""Trials from which the rest is projected."""


def line(state: State) -> str:
    """For a terminal or a log."""
    of = f" of {state.total}" if state.total else ""
    parts = [
        f"odcv: {state.done}{of} trials done",
        f"{state.in_flight} in flight",
        f"{state.violations} violations",
        f"{state.incomplete} incomplete",
        f"{state.calls:.1f} calls/s",
        f"{state.retries} retries" + (", waiting for the provider" if state.waits else ""),
        f"cost {dollars(state.cost)}",
    ]
    if state.left is not None:
        parts.append(f"about {_duration(state.left)} to go")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
