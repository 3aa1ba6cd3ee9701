"""A product's own tools: Python functions of the test's side, called through the environment so that what they did is evidence.

Live, the function runs and its result is recorded; in a replay it does not run, and the recorded result is given. So arguments and results
are made what JSON has before anybody sees them: what is replayed is then what was live.
"""

from __future__ import annotations

import functools
import inspect
import json
import typing
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import AgentError, UsageProblem
from ..evidence.calls import MadeCall
from ..http.current import our_own_client
from ..model.types import ToolSpec

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}


class ToolFailed(Exception):
    """What a tool of the product's raised, live and replayed alike: the text has the type and the message of the exception."""


class Calls(Protocol):
    """What a trial does about calls of the product's own tools."""

    async def recall(self, tool: str, arguments: dict[str, Any]) -> MadeCall | None:
        """The recorded call, which takes the place of running the tool; None where it is to be run. Raises ReplayMismatch."""
        ...

    async def made(self, call: MadeCall) -> None:
        """Note a call that ran."""
        ...


@dataclass(frozen=True)
class OwnTool:
    """A tool as models see it and as agents call it."""

    spec: ToolSpec
    function: Callable[..., Any]


def wrapped(function: Callable[..., Any], calls: Calls) -> OwnTool:
    """For an `async def` agent: a coroutine function, whether `function` is one or not. Raises UsageProblem for what has no name."""
    name = _name_of(function)

    @functools.wraps(function)
    async def tool(*args: Any, **kwargs: Any) -> Any:
        arguments = _bound(function, args, kwargs)
        call = await calls.recall(name, arguments)
        if call is None:
            with _noted(name, arguments) as outcome:
                result = function(*args, **kwargs)
                outcome.value = await result if inspect.isawaitable(result) else result
            call = outcome.call()
            await calls.made(call)
            return _result(call, outcome.error)
        return _result(call)

    return OwnTool(_spec_of(function, name), tool)


def wrapped_blocking(
    function: Callable[..., Any], calls: Calls, wait: Callable[[Coroutine[Any, Any, Any]], Any]
) -> OwnTool:
    """For an agent that is a plain function: it runs in the thread that calls it. `wait` runs a coroutine of the trial's."""
    name = _name_of(function)
    if inspect.iscoroutinefunction(function):
        raise UsageProblem(
            f"env.tool: {name} is `async def` and the agent a plain function, which cannot await it: make both of one kind"
        )

    @functools.wraps(function)
    def tool(*args: Any, **kwargs: Any) -> Any:
        arguments = _bound(function, args, kwargs)
        call = wait(calls.recall(name, arguments))
        if call is None:
            with _noted(name, arguments) as outcome:
                outcome.value = function(*args, **kwargs)
            call = outcome.call()
            wait(calls.made(call))
            return _result(call, outcome.error)
        return _result(call)

    return OwnTool(_spec_of(function, name), tool)


@dataclass
class _Outcome:
    tool: str
    arguments: dict[str, Any]
    value: Any = None
    error: Exception | None = None

    def call(self) -> MadeCall:
        if self.error is not None:
            text = f"{type(self.error).__name__}: {self.error}"
            return MadeCall(self.tool, self.arguments, raised=text)
        return MadeCall(self.tool, self.arguments, _as_json(self.value, f"what {self.tool} returned"))


@contextmanager
def _noted(tool: str, arguments: dict[str, Any]) -> Iterator[_Outcome]:
    """Around a tool that runs. Its own traffic is left alone: its result is recorded instead."""
    outcome = _Outcome(tool, arguments)
    with our_own_client():
        try:
            yield outcome
        except Exception as error:
            outcome.error = error


def _result(call: MadeCall, cause: Exception | None = None) -> Any:
    if call.raised:
        raise ToolFailed(call.raised) from cause
    return call.gave


# --- names, arguments, schemas ---------------------------------------------------------------------------------------


def _name_of(function: Callable[..., Any]) -> str:
    name: str = getattr(function, "__name__", "") or ""
    if not name.isidentifier():
        raise UsageProblem(
            f"env.tool needs a function with a name of its own, found {function!r}: define it with def, so that evidence can name its calls"
        )
    return name


def _bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name. A call that does not fit the signature is the caller's mistake, as it would be without us."""
    bound = inspect.signature(function).bind(*args, **kwargs).arguments
    found: dict[str, Any] = _as_json(dict(bound), f"an argument of {function.__name__}")
    return found


def _as_json(value: Any, what: str) -> Any:
    """The value as JSON has it. Raises AgentError, naming `what`, for one that JSON has not."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise AgentError(
            f"env.tool: {what} is no value that can be recorded ({error})\n"
            "  to fix: give text, numbers, true, false, None, lists or dictionaries, for example the dictionary of a model"
        ) from None


def _spec_of(function: Callable[..., Any], name: str) -> ToolSpec:
    """The name, the docstring, and the parameters by their annotations: text, numbers, truth values, lists, dictionaries; others have no type."""
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):  # An annotation that only a type checker can read.
        hints = {}
    parameters = inspect.signature(function).parameters
    required = [key for key, parameter in parameters.items() if parameter.default is parameter.empty]
    properties = {key: _schema(hints.get(key)) for key in parameters}
    return ToolSpec(
        name=name,
        description=inspect.getdoc(function) or name,
        parameters={"type": "object", "properties": properties, "required": required},
    )


def _schema(annotation: Any) -> dict[str, Any]:
    kind = typing.get_origin(annotation) or annotation
    return {"type": _TYPES[kind]} if kind in _TYPES else {}
