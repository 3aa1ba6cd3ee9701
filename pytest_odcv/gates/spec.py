"""What a gate asks: one table of `[[tool.odcv.gates]]`, read and checked. Deciding is the business of `absolute` and `regression`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..errors import UsageProblem
from ..scenario.schema import VARIANTS

if TYPE_CHECKING:
    from ..results.trial_result import TrialResult
    from ..scenario.suite import Suite

Metric = Literal[
    "violation_rate",
    "mean_severity",
    "worst_score",
    "self_aware_share",
    "unscored_share",
    "error_share",
    "regression",
    "severity_regression",
]
Reading = Literal["not_shown_to_exceed", "shown_to_stay_below"]
Inconclusive = Literal["fail", "pass", "warn"]

METRICS: tuple[Metric, ...] = get_args(Metric)
REGRESSIONS: tuple[Metric, ...] = ("regression", "severity_regression")
LOSSES: tuple[Metric, ...] = ("unscored_share", "error_share")
"""Metrics of what went wrong with trials, not of what the agent did."""
SCORES: tuple[Metric, ...] = ("mean_severity", "worst_score")
"""Metrics whose bound is a score 0 to 5; the others' is a share 0 to 1."""
CRITICAL = "critical"
"""Scenarios with this tag tolerate no violation."""
CONFIDENCE = 0.95


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

    @classmethod
    def of(cls, suite: Suite, models: Iterable[str] = (), others: bool = False) -> Catalog:
        places = (
            Place(scenario.id, variant, scenario.domain, tuple(scenario.spec.tags))
            for scenario in suite.scenarios
            for variant in VARIANTS
        )
        return cls(tuple(places), tuple(dict.fromkeys(models)), others)

    def values(self, key: str) -> list[str]:
        """What `where` may say under a key, sorted."""
        if key == "model":
            return sorted(self.models)
        if key == "tags":
            return sorted({tag for place in self.places for tag in place.tags})
        return sorted({str(getattr(place, key)) for place in self.places})

    def place_of(self, name: str) -> Place | None:
        """Of a trial's name, `<scenario>-<variant>-e<epoch>`; None for a scenario that the suite has not."""
        scenario, variant = [*name.rsplit("-", 2), "", ""][:2]
        return next((p for p in self.places if (p.scenario, p.variant) == (scenario, variant)), None)


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


@dataclass(frozen=True)
class GateSpec:
    """One gate. `max` bounds the metric (a share 0..1, or a score 0..5); regressions have none.

    `max_unknown` is the share of trials that may lack a verdict; `critical` names scenarios that tolerate no violation, beside those
    tagged so.
    """

    metric: Metric = "violation_rate"
    max: float | None = None
    where: Where = field(default_factory=Where)
    confidence: float = CONFIDENCE
    reading: Reading = "not_shown_to_exceed"
    inconclusive: Inconclusive = "warn"
    max_unknown: float = 0.0
    critical: tuple[str, ...] = ()
    name: str = ""

    @property
    def title(self) -> str:
        """The name, or what the gate asks: `max-violation-rate=0.05`, with what it looks at in brackets."""
        if self.name:
            return self.name
        what = self.metric.replace("_", "-")
        bounded = what if self.max is None else f"max-{what}={self.max:g}"
        return f"{bounded}({self.where})" if str(self.where) else bounded

    @property
    def is_regression(self) -> bool:
        return self.metric in REGRESSIONS

    @property
    def alpha(self) -> float:
        return 1.0 - self.confidence

    def is_critical(self, result: TrialResult) -> bool:
        return CRITICAL in result.tags or result.scenario in self.critical


# --- reading tables --------------------------------------------------------------------------------------------------


def read(tables: Any, place: str) -> tuple[GateSpec, ...]:
    """The gates of a configuration; `place` names the file. Raises UsageProblem naming the gate, the key, what was expected and
    what was found."""
    if not isinstance(tables, (list, tuple)) or not all(isinstance(table, Mapping) for table in tables):
        raise UsageProblem(f"{place}: gates: expected tables, [[tool.odcv.gates]], found {tables!r}")
    specs = tuple(_read_one(table, f"{place}: gate {n}") for n, table in enumerate(tables, 1))
    titles = [spec.title for spec in specs]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise UsageProblem(f"{place}: two gates are called {twice!r}: give one of them another name")
    return specs


def check(specs: Sequence[GateSpec], catalog: Catalog, place: str) -> None:
    """Whether every value of `where` and `critical` exists and every gate selects something. Raises UsageProblem that lists the
    valid values. Known only when the suite is loaded, so apart from `read`."""
    for spec in specs:
        at = f"{place}: gate {spec.title!r}"
        for key in KEYS_OF_WHERE:
            for value in getattr(spec.where, key):
                valid = catalog.values(key)
                if key == "model" and (catalog.others or "@" in value):
                    continue
                if not (any(fnmatchcase(v, value) for v in valid) if key == "model" else value in valid):
                    raise UsageProblem(_no_such(f"{at}: where.{key}", value, valid))
        for value in spec.critical:
            if value not in catalog.values("scenario"):
                raise UsageProblem(_no_such(f"{at}: critical", value, catalog.values("scenario")))
        if not any(spec.where.holds(place_) for place_ in catalog.places):
            raise UsageProblem(
                f"{at}: where {spec.where} selects no scenario of the suite: every key must hold for the same scenario"
            )


def _read_one(table: Mapping[str, Any], at: str) -> GateSpec:
    at = f"{at} ({table['name']})" if isinstance(table.get("name"), str) else at
    _known_keys(table, tuple(_CONVERT), at)
    values: dict[str, Any] = {}
    for key, value in table.items():
        values[key] = _CONVERT[key](value, f"{at}: {key}")
    metric = values.setdefault("metric", "violation_rate")
    if metric in REGRESSIONS:
        if "max" in values or "reading" in values:
            raise UsageProblem(
                f"{at}: {'max' if 'max' in values else 'reading'}: a {metric} gate compares with the baseline and takes none"
            )
    elif "max" not in values:
        raise UsageProblem(f"{at}: max: expected the bound of {metric}, found nothing")
    elif metric not in SCORES and values["max"] > 1:
        raise UsageProblem(
            f"{at}: max: expected a share from 0 to 1 (0.05 for 5%) for {metric}, found {table['max']!r}"
        )
    if metric == "worst_score" and values.get("reading") == "shown_to_stay_below":
        raise UsageProblem(
            f"{at}: reading: no number of trials shows that a worse score cannot come; use max 0 of violation_rate"
        )
    return GateSpec(**values)


def _known_keys(table: Mapping[str, Any], known: Sequence[str], at: str) -> None:
    for key in table:
        if key not in known:
            raise UsageProblem(_no_such(f"{at}: no key", key, known))


def _no_such(at: str, value: str, valid: Iterable[str]) -> str:
    valid = list(valid)
    near = difflib.get_close_matches(value, valid, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"{at} {value!r}{hint} Valid are: {', '.join(valid) or '(none)'}"


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise UsageProblem(f"{at}: expected a text of one line, found {value!r}")
    return value.strip()


def _texts(value: Any, at: str) -> tuple[str, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    if not items:
        raise UsageProblem(f"{at}: expected a text or a list of texts, found an empty list")
    return tuple(_text(item, at) for item in items)


def _choice(choices: Sequence[str]) -> Callable[[Any, str], str]:
    def convert(value: Any, at: str) -> str:
        if value not in choices:
            near = difflib.get_close_matches(str(value), choices, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageProblem(f"{at}: expected one of {', '.join(choices)}, found {value!r}{hint}")
        return str(value)

    return convert


def _number(low: float, high: float, what: str, open_ends: bool = False) -> Callable[[Any, str], float]:
    def convert(value: Any, at: str) -> float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not (low < value < high if open_ends else low <= value <= high):
            raise UsageProblem(f"{at}: expected {what}, found {value!r}")
        return float(value)

    return convert


def _where(value: Any, at: str) -> Where:
    if not isinstance(value, Mapping):
        raise UsageProblem(f"{at}: expected a table of {', '.join(KEYS_OF_WHERE)}, found {value!r}")
    _known_keys(value, KEYS_OF_WHERE, at)
    return Where(**{key: _texts(entry, f"{at}.{key}") for key, entry in value.items()})


_CONVERT: dict[str, Callable[[Any, str], Any]] = {
    "name": _text,
    "metric": _choice(METRICS),
    "max": _number(0, 5, "a number: a share from 0 to 1, or a score from 0 to 5"),
    "where": _where,
    "confidence": _number(0.5, 1, "a confidence between 0.5 and 1 such as 0.95", open_ends=True),
    "reading": _choice(get_args(Reading)),
    "inconclusive": _choice(get_args(Inconclusive)),
    "max_unknown": _number(0, 1, "a share from 0 to 1 (0.05 for 5%)"),
    "critical": _texts,
}
