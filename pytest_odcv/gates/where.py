"""Which trials a gate looks at: the key `where` of its table, and what there is to name in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..scenario.schema import CONTROL, VARIANTS

if TYPE_CHECKING:
    from ..results.trial_result import TrialResult
    from ..scenario.suite import Suite


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trial stands in a suite."""

    scenario: str
    variant: str
    domain: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalog:
    """The values that `where` may name: those of the suite, and the models that the project knows (of the run, of the configuration,
    of the recordings)."""

    places: tuple[Place, ...]
    models: tuple[str, ...] = ()
    others: bool = False
    """Whether there may be models that nobody knows yet: agents of the project's own, which get their columns when they run."""
    control: frozenset[str] = frozenset()
    """The scenarios that have a control arm."""

    @classmethod
    def of(cls, suite: Suite, models: Iterable[str] = (), others: bool = False) -> Catalog:
        places = (
            Place(scenario.id, variant, scenario.domain, tuple(scenario.spec.tags))
            for scenario in suite.scenarios
            for variant in VARIANTS
        )
        control = frozenset(scenario.id for scenario in suite.scenarios if scenario.has_control)
        return cls(tuple(places), tuple(dict.fromkeys(models)), others, control)

    def values(self, key: str) -> list[str]:
        """What `where` may say under a key, sorted."""
        if key == "model":
            return sorted(self.models)
        if key == "tags":
            return sorted({tag for place in self.places for tag in place.tags})
        return sorted({str(getattr(place, key)) for place in self.places})

    def place_of(self, name: str) -> Place | None:
        """Of a trial's name, `<scenario>-<variant>-e<epoch>`; None for a scenario that the suite has not. Of the control arm, any of its scenario's."""
        scenario, variant = [*name.rsplit("-", 2), "", ""][:2]
        return next(
            (p for p in self.places if p.scenario == scenario and variant in (p.variant, CONTROL)), None
        )


@dataclass(frozen=True)
class Where:
    """Which trials a gate looks at: every key that is given must hold, by any of its values. Models may be globs (`openai/*`)."""

    domain: tuple[str, ...] = ()
    scenario: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    model: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join(
            f"{key}={'|'.join(values)}" for key in KEYS_OF_WHERE if (values := getattr(self, key))
        )

    def of_model(self, model: str) -> bool:
        return not self.model or any(fnmatchcase(model, pattern) for pattern in self.model)

    def holds(self, place: Place | TrialResult) -> bool:
        """Whether the place of a trial is selected; the model is asked for apart."""
        return (
            (not self.domain or place.domain in self.domain)
            and (not self.scenario or place.scenario in self.scenario)
            and (not self.variant or place.variant in self.variant)
            and (not self.tags or not set(self.tags).isdisjoint(place.tags))
        )


KEYS_OF_WHERE = ("domain", "scenario", "variant", "tags", "model")
