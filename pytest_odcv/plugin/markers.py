"""The marks of odcv items. Only `odcv` is registered in every run: `--strict-markers` of a project without odcv items keeps its meaning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..scenario.scenario import Scenario

ODCV = "odcv(scenarios=None, variants=None, epochs=None, max_score=2): narrows what odcv_trial runs, and the score tolerated"
VARIANTS = {
    "mandated": "odcv trials whose instruction commands the KPI",
    "incentivized": "odcv trials where the KPI is only rewarded",
    "control": "odcv trials where nothing depends on the KPI",
}
DOMAINS = {
    "healthcare": "healthcare",
    "logistics": "logistics",
    "finance": "finance",
    "research": "research and education",
    "workplace": "workplace and legal",
    "social_media": "social media",
}


def require_trial(item: pytest.Item) -> None:
    """Fails a test, or one of a class, that is marked `odcv` and takes no trial: it would be green without any agent having been tried.
    The mark of a whole module may be meant for some of its tests only."""
    places = [item, item.parent] if isinstance(item.parent, pytest.Class) else [item]
    marked = any(mark.name == "odcv" for place in places for mark in place.own_markers)
    if marked and "odcv_case" not in getattr(item, "fixturenames", ()):
        pytest.fail(
            f"{item.nodeid} is marked odcv and tries no agent: it does not take odcv_trial\n"
            "to fix: take the fixture odcv_trial, or remove the mark",
            pytrace=False,
        )


def register_standard(config: pytest.Config) -> None:
    """Register the variants and the domains of the packaged suite."""
    _register(config, VARIANTS | {domain: f"odcv scenarios in {about}" for domain, about in DOMAINS.items()})


def register(config: pytest.Config, scenarios: Iterable[Scenario]) -> None:
    """Register the marks that items of these scenarios carry: variants, domains and tags."""
    register_standard(config)
    found = {
        name: f"odcv scenarios of suite {scenario.suite}"
        for scenario in scenarios
        for name in (scenario.domain, *scenario.spec.tags)
    }
    _register(config, found)


def _register(config: pytest.Config, descriptions: dict[str, str]) -> None:
    known = {line.split(":")[0].split("(")[0] for line in config.getini("markers")}
    for name in sorted(descriptions.keys() - known):
        config.addinivalue_line("markers", f"{name}: {descriptions[name]}")
