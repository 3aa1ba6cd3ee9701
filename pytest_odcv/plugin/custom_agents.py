"""The project's own agents, as pytest sees them: whether an item has one, what it is called, and the patch its traffic goes through."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..agent.invoke import config_of, digestible, name_of
from ..errors import OdcvError, UsageProblem
from ..scenario.case import segment
from ._compat import fixture_definitions

_FIXTURE = "odcv_agent"
_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
_PLACEHOLDER = "no-key-in-a-replay"
_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
"""Variables that keep libraries from traffic of their own: LiteLLM's for a list of prices, OpenAI Agents' for its traces."""


def is_overridden(definition: Any) -> bool:
    """Whether an item, or the function that items are made of, gets its agent from the project and not from this plugin."""
    found = fixture_definitions(definition).get(_FIXTURE, ())
    return bool(found) and found[-1].func.__module__ != f"{__package__}.fixtures"


class Agents:
    """The custom agents of a session, by name: two of one name would share their recordings. With a `shared` folder, also those of the
    other workers."""

    def __init__(self, shared: Path | None = None) -> None:
        self._known: dict[str, Identity] = {}
        self._shared = shared
        self._patches = ExitStack()
        self._entered = False
        self._problem: OdcvError | None = None

    def enter(self, pass_hosts: Sequence[str], replaying: bool) -> None:
        """Patch the HTTP libraries and the environment until `leave`; entered already, it does nothing. What is missing for that is raised
        by `name`. In a run that only replays, SDKs that refuse to start without a key are given a placeholder for one."""
        if self._entered:
            return
        self._entered = True
        from unittest import mock

        from ..http import current
        from ..http.patch import patched

        try:
            self._patches.enter_context(patched())
        except OdcvError as error:
            self._problem = error
        self._patches.enter_context(current.let_through(*pass_hosts))
        self._patches.enter_context(current.guard())
        wanted = _QUIET | (dict.fromkeys(_KEYS, _PLACEHOLDER) if replaying else {})
        missing = {name: value for name, value in wanted.items() if not os.environ.get(name)}
        self._patches.enter_context(mock.patch.dict(os.environ, missing))

    def leave(self) -> None:
        """Undo `enter`, so that a test that is not ours sees its own environment and libraries."""
        self._entered = False
        self._patches.close()

    def name(self, item: Any, agent: Any) -> tuple[str, str]:
        """What the item's agent is called in columns and folders, and where it is defined.

        Parameters of its fixture are part of a name that it does not give itself. An agent that does need not say where it is defined.
        Raises UsageProblem where another agent has that name, or vcrpy is missing.
        """
        if self._problem is not None:
            raise self._problem
        parameters = _parameters(item, agent)
        name = name_of(agent)
        is_named = isinstance(getattr(agent, "name", None), str)
        if parameters and not is_named:
            name = "-".join((name, *parameters))
        plain = getattr(agent, "func", agent)
        made = (
            f"{getattr(plain, '__module__', '')}.{getattr(plain, '__qualname__', type(plain).__qualname__)}"
        )
        defined = _defined(item, agent)
        identity = Identity(made, defined, digestible(config_of(agent)), " ".join(parameters))
        known = self._known.setdefault(name, self._first(name, identity))
        if known != identity:
            raise UsageProblem(
                f"two agents are called {name}, and would share one column and one set of recordings:\n"
                f"  {known}\n  {identity}\n  to fix: give each an attribute `name` of its own"
            )
        return name, "" if is_named else defined

    def _first(self, name: str, identity: Identity) -> Identity:
        """Of all workers' agents of this name, the one that was there first."""
        if self._shared is None:
            return identity
        self._shared.mkdir(exist_ok=True)
        file = self._shared / segment(name)
        try:
            # Whole before it has its name: another worker may read it at once.
            with tempfile.NamedTemporaryFile("w", dir=self._shared, encoding="utf-8") as written:
                json.dump(identity, written)
                written.flush()
                os.link(written.name, file)
        except FileExistsError:
            return Identity(*json.loads(file.read_text(encoding="utf-8")))
        return identity


class Identity(NamedTuple):
    """What tells an agent from others: its qualified name, the file that defines it, its configuration and its fixture's parameters."""

    made: str
    defined: str
    config: str
    parameters: str

    def __str__(self) -> str:
        parameters = f", parameters {self.parameters}" if self.parameters else ""
        return f"{self.made} in {self.defined or 'an unknown place'}, config {self.config}{parameters}"


def _defined(item: Any, agent: Any) -> str:
    """The file that an agent comes from, relative to pytest's root folder with slashes: of a function that needs nothing else its own, of an
    object, a closure or what a library made the one of the fixture that returned it."""
    function = inspect.unwrap(agent) if inspect.isfunction(agent) else None
    if function is None or function.__closure__ or "<locals>" in function.__qualname__:
        function = inspect.unwrap(fixture_definitions(item)[_FIXTURE][-1].func)
    file = Path(function.__code__.co_filename)
    try:
        return file.relative_to(item.config.rootpath).as_posix()
    except ValueError:  # Installed: the module's name is the same on every machine, its folder is not.
        return str(function.__module__)


def _parameters(item: Any, agent: Any) -> list[str]:
    """The ids of the parameters that the agent's fixture depends on, the case and the agent itself aside."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return []
    definitions = fixture_definitions(item)
    wanted, found = [_FIXTURE], []
    while wanted:
        name = wanted.pop()
        if name in found or name in ("odcv_case", "request"):
            continue
        found.append(name)
        for definition in definitions.get(name, ()):
            wanted += definition.argnames
    return [
        _id(item, name) for name, value in callspec.params.items() if name in found and value is not agent
    ]


def _id(item: pytest.Item, name: str) -> str:
    """The parameter's value where that is a plain one, else its place among the values."""
    callspec: Any = item.callspec  # type: ignore[attr-defined]
    value = callspec.params[name]
    return str(value) if isinstance(value, (str, int, float, bool)) else f"{name}{callspec.indices[name]}"
