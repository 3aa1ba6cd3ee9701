"""Which items' trials may run before the items do. Anything that might have changed a trial, or kept it from being run, holds it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import items
from ._compat import fixture_definitions, is_skipped, upcoming_in_worker
from .custom_agents import is_overridden

_BUILT_IN = ("_pytest", "pytest_odcv", "xdist", "syrupy")
_CHANGES = ("monkeypatch",)
"""Fixtures of pytest's that a test takes to change what trials may see."""
_HOOKS = ("pytest_runtest_setup", "pytest_runtest_protocol", "pytest_runtest_call")


class Ahead:
    """The items after the present one, as far as their trials may run ahead."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._places: dict[pytest.Item, int] = {}
        self.held_back = _hooks_in_conftest(config)
        """Why nothing runs ahead in this session; "" where something may."""

    def of(self, item: pytest.Item) -> Iterator[pytest.Item]:
        """The items after `item` whose trials may run now, in order: up to the first that has to see the state its predecessors leave."""
        if self.held_back:
            return
        for following in self._following(item):
            if is_skipped(following):
                continue
            if not items.owns(following) or items.case_of(following) is None:
                return
            if not may_run_beside(following, item):
                return
            yield following

    def _following(self, item: pytest.Item) -> Iterator[pytest.Item]:
        everything = item.session.items
        queued = upcoming_in_worker(self._config)
        if queued is not None:
            yield from (everything[place] for place in queued)
            return
        if not self._places:
            self._places = {known: place for place, known in enumerate(everything)}
        place = self._places.get(item)
        if place is not None and place < len(everything) and everything[place] is item:
            for number in range(place + 1, len(everything)):
                yield everything[number]


def may_run_beside(item: pytest.Item, present: pytest.Item) -> bool:
    """Whether the trial of `item` may run while `present` is set up or runs: all that it takes is pytest's or ours, or is there
    already and outlives `present`."""
    definitions = fixture_definitions(item)
    for name in getattr(item, "fixturenames", ()):
        if name in _CHANGES:
            return False
        for definition in definitions.get(name, ()):
            module = str(getattr(definition.func, "__module__", "")).partition(".")[0]
            if module not in _BUILT_IN and not _stands(definition, name, item, present):
                return False
    return True


def agent_of(item: pytest.Item) -> Any:
    """The project's own agent that stands for an item already; None where the item gets the built-in one."""
    if not is_overridden(item):
        return None
    return fixture_definitions(item)["odcv_agent"][-1].cached_result[0]


def is_wide(item: pytest.Item) -> bool:
    """Whether the item's agent is the built-in one or one made for more than a single test."""
    return not is_overridden(item) or fixture_definitions(item)["odcv_agent"][-1].scope != "function"


def _stands(definition: Any, name: str, item: pytest.Item, present: pytest.Item) -> bool:
    """Whether a fixture was set up, without an error, and `item` will get that very value."""
    cached = definition.cached_result
    if cached is None or cached[2] is not None or not _is_shared(definition.scope, item, present):
        return False
    callspec = getattr(item, "callspec", None)
    parameter = None if callspec is None else callspec.params.get(name)
    try:
        return bool(cached[1] == parameter) or cached[1] is parameter
    except Exception:  # Of an object's own __eq__.
        return False


def _is_shared(scope: str, item: pytest.Item, present: pytest.Item) -> bool:
    if scope == "session":
        return True
    if scope == "package":
        return item.path.parent == present.path.parent
    kind: Any = {"module": pytest.Module, "class": pytest.Class}.get(scope)
    return kind is not None and item.getparent(kind) is present.getparent(kind)


def _hooks_in_conftest(config: pytest.Config) -> str:
    """A conftest.py with a hook around each test may skip tests or change what they see, and nobody can ask it in advance."""
    for hook in _HOOKS:
        for implementation in getattr(config.hook, hook).get_hookimpls():
            file = str(getattr(implementation.plugin, "__file__", "") or "")
            if file.endswith("conftest.py"):
                return f"{file} has {hook}, which may skip tests or change what they see"
    return ""
