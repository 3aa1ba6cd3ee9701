"""Spans of what a run does: where they begin and end, and what they say. Who collects them is not known here.

Names and attributes are those of OpenTelemetry's semantic conventions for generative AI; `odcv.*` is what these have no word for. Without
a tracer nothing is made, and nothing is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

Attributes = Mapping[str, Any]


class Span(Protocol):
    """One piece of work. Texts that it is given have no secrets that only its trial knows of."""

    content: bool
    """Whether the contents of messages are asked for."""

    def child(
        self, name: str, attributes: Attributes, client: bool = False, began: int | None = None
    ) -> Span:
        """A part of this work, which begins now, or began so many nanoseconds after 1970. `client` is a call of another service."""
        ...

    def current(self) -> Any:
        """A context manager within which spans of other libraries are parts of this one."""
        ...

    def set(self, attributes: Attributes) -> None:
        """Say more. What is None is not said."""
        ...

    def event(self, name: str, attributes: Attributes) -> None: ...

    def fail(self, kind: str, text: str) -> None:
        """It did not come to its end as it should; `kind` is a short name of the reason."""
        ...

    def end(self) -> None: ...


class Tracer(Protocol):
    content: bool

    def span(self, name: str, attributes: Attributes) -> Span:
        """A piece of work that is no part of another."""
        ...


_current: ContextVar[Span | None] = ContextVar("odcv_span", default=None)


def current() -> Span | None:
    """What this context works at."""
    return _current.get()


@contextmanager
def root(tracer: Tracer | None, name: str, attributes: Attributes) -> Iterator[Span | None]:
    """Around a piece of work of its own; None where nobody traces."""
    if tracer is None:
        yield None
        return
    with _ended(tracer.span(name, attributes)) as span:
        yield span


@contextmanager
def part(
    name: str, attributes: Attributes, client: bool = False, over: Span | None = None
) -> Iterator[Span | None]:
    """Around a part of `over`, or of what this context works at; None where nobody traces."""
    over = over or _current.get()
    if over is None:
        yield None
        return
    with _ended(over.child(name, attributes, client)) as span:
        yield span


@contextmanager
def _ended(span: Span) -> Iterator[Span]:
    token = _current.set(span)
    try:
        with span.current():
            yield span
    except BaseException as error:
        span.fail(type(error).__name__, str(error).partition("\n")[0])
        raise
    finally:
        _current.reset(token)
        span.end()
