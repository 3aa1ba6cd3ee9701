"""pytest's items as trials: which are ours, what case each tries, and whether the project's own agent takes it."""

from __future__ import annotations

from typing import Any

import pytest

from ..results.collector import Planned
from ..scenario.case import Case
from .custom_agents import is_overridden


def owns(item: pytest.Item) -> bool:
    """Whether it takes a trial, directly or through a fixture."""
    return "odcv_case" in getattr(item, "fixturenames", ())


def case_of(item: pytest.Item) -> Case | None:
    """What an item was parametrized with; None for others' items and where there is no model to try."""
    callspec: Any = getattr(item, "callspec", None)
    case: Case | None = callspec.params.get("odcv_case") if callspec is not None and owns(item) else None
    return case


def epoch_of(item: pytest.Item) -> int:
    case = case_of(item)
    return 0 if case is None else case.epoch


def cases(session: pytest.Session, own: bool | None = None) -> list[Case]:
    """Of the session's items: all, those that an agent of the project's own takes, or the others."""
    chosen = [
        item for item in getattr(session, "items", []) if owns(item) and own in (None, is_overridden(item))
    ]
    return [case for item in chosen if (case := case_of(item)) is not None]


def planned(session: pytest.Session) -> dict[str, Planned]:
    """The trials that a session is to run, by item id."""
    found = {}
    for item in getattr(session, "items", []):
        case = case_of(item)
        if case is not None:
            found[item.nodeid] = Planned(case.model, case.name, is_overridden(item))
    return found
