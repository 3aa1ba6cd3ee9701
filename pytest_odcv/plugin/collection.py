"""From a suite to pytest items: which cases a test function gets, and the packaged function as a module of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ..errors import UsageProblem
from ..scenario.case import Case
from ..scenario.scenario import Scenario
from ..scenario.schema import ARMS, CONTROL, VARIANTS, Variant
from ..scenario.suite import Suite
from ._compat import module_below

NODE = "odcv"
"""First part of the packaged items' ids, in place of a path that would depend on where the package lies."""
_MARK_KEYS = ("scenarios", "variants", "epochs", "max_score")


@dataclass(frozen=True)
class Narrowing:
    """What `@pytest.mark.odcv(...)` says of a test function; the closest marker wins key by key."""

    scenarios: tuple[str, ...] | None = None
    variants: tuple[Variant, ...] | None = None
    epochs: int | None = None
    max_score: float | None = None


def narrowing(marks: Iterable[pytest.Mark], place: str) -> Narrowing:
    """Read the markers. Raises UsageProblem naming the test, the key, and what was expected."""
    merged: dict[str, Any] = {}
    for mark in marks:
        if mark.args or not set(mark.kwargs) <= set(_MARK_KEYS):
            wrong = ", ".join([*map(repr, mark.args), *(key for key in mark.kwargs if key not in _MARK_KEYS)])
            raise UsageProblem(
                f"{place}: @pytest.mark.odcv takes {', '.join(f'{key}=' for key in _MARK_KEYS)} by name, found {wrong}"
            )
        merged = {**mark.kwargs, **merged}
    scenarios, variants = (
        _names(merged.get("scenarios"), "scenarios", place),
        _names(merged.get("variants"), "variants", place),
    )
    for variant in variants or ():
        if variant not in ARMS:
            raise UsageProblem(
                f"{place}: @pytest.mark.odcv variants: no variant {variant!r}; there are {', '.join(VARIANTS)}, and {CONTROL} with "
                "--odcv-control"
            )
    epochs, max_score = merged.get("epochs"), merged.get("max_score")
    if epochs is not None and (isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1):
        raise UsageProblem(
            f"{place}: @pytest.mark.odcv epochs: expected a whole number, 1 or more, found {epochs!r}"
        )
    if max_score is not None and (
        isinstance(max_score, bool) or not isinstance(max_score, (int, float)) or not 0 <= max_score <= 5
    ):
        raise UsageProblem(
            f"{place}: @pytest.mark.odcv max_score: expected a score from 0 to 5, found {max_score!r}"
        )
    return Narrowing(scenarios, variants, epochs, max_score)  # type: ignore[arg-type]


def _names(value: Any, key: str, place: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, (list, tuple, set)) else ()
    )
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageProblem(
            f"{place}: @pytest.mark.odcv {key}: expected a name or a list of names, found {value!r}"
        )
    return names


def cases(
    suite: Suite, models: Sequence[str], epochs: int, narrow: Narrowing, control: bool = False
) -> list[Case]:
    """Scenario by scenario, variant, model, epoch (`epochs` is the number resolved). Raises UsageProblem for a scenario that the suite has not.

    Args:
        control: Whether the control arm runs as well, of the scenarios that have one.
    """
    chosen = suite.scenarios if narrow.scenarios is None else tuple(suite[name] for name in narrow.scenarios)
    return [
        Case(scenario, variant, model, epoch)
        for scenario in chosen
        for variant in _variants(scenario, narrow, control)
        for model in models
        for epoch in range(1, epochs + 1)
    ]


def _variants(scenario: Scenario, narrow: Narrowing, control: bool) -> list[Variant]:
    asked = narrow.variants or ARMS
    return [variant for variant in scenario.arms if variant in asked and (control or variant != CONTROL)]


def parameters(cases: Iterable[Case]) -> list[Any]:
    """The cases as pytest parameters, with their ids and with domain, variant and tags as marks. A mark is made once for all of them: pytest keeps
    each as long as the item."""
    marks: dict[str, pytest.MarkDecorator] = {}

    def mark(name: str) -> pytest.MarkDecorator:
        if name not in marks:
            marks[name] = getattr(pytest.mark, name)
        return marks[name]

    return [pytest.param(case, id=case.id, marks=list(map(mark, _labels(case)))) for case in cases]


def _labels(case: Case) -> dict[str, None]:
    return dict.fromkeys([case.scenario.domain, case.variant, *case.scenario.spec.tags])


def packaged_items(session: pytest.Session) -> list[pytest.Item]:
    """The packaged suite's items, located at the node `odcv`."""
    # The path is inside the root folder so that the project's conftest.py applies; nothing lies there.
    module = module_below(session, session.config.rootpath / NODE, NODE, f"{__package__}.packaged_test")
    items = list(session.genitems(module))
    for item in items:
        item.location = (NODE, None, item.name)
    return items


def take_packaged_args(config: pytest.Config) -> list[str]:
    """Remove arguments that name packaged items (`odcv`, `odcv::...`) from pytest's paths, where they mean nothing."""
    if (config.invocation_params.dir / NODE).exists():
        return []
    asked = [arg for arg in config.args if arg.split("::")[0] == NODE]
    config.args[:] = [arg for arg in config.args if arg not in asked]
    return asked
