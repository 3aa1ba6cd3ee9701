"""The project's own agents, as pytest sees them: whether an item has one, what it is called, and the patch its traffic goes through."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from ..agent.invoke import config_of, digestible, name_of
from ..errors import OdcvError, UsageProblem
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
    """The own agents of a session, by name: two of one name would share their recordings."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str, str]] = {}
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

    def name(self, item: Any, agent: Any) -> str:
        """What the item's agent is called in columns and folders; parameters of its fixture are part of a name that it does not
        give itself. Raises UsageProblem where another agent has that name, or vcrpy is missing."""
        if self._problem is not None:
            raise self._problem
        parameters = _parameters(item, agent)
        name = name_of(agent)
        if parameters and not isinstance(getattr(agent, "name", None), str):
            name = "-".join((name, *parameters))
        plain = getattr(agent, "func", agent)
        made = (
            f"{getattr(plain, '__module__', '')}.{getattr(plain, '__qualname__', type(plain).__qualname__)}"
        )
        identity = (made, digestible(config_of(agent)), " ".join(parameters))
        known = self._known.setdefault(name, identity)
        if known != identity:
            raise UsageProblem(
                f"two agents are called {name}, and would share one column and one set of recordings:\n"
                f"  {_told(known)}\n  {_told(identity)}\n  to fix: give each an attribute `name` of its own"
            )
        return name


def _told(identity: tuple[str, str, str]) -> str:
    made, config, parameters = identity
    return f"{made}, config {config}{f', parameters {parameters}' if parameters else ''}"


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
