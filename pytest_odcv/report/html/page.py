"""The page as one text: views that are there from the start, and the trials' pages compressed until they are opened."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from ...gates.result import GateResult
from ...judge.median import DEFAULT, Rule
from ...results.scores import ModelScores, by_model
from ...results.trial_result import TrialResult
from ...scenario.schema import SCALE
from ...version import __version__
from .. import figures
from . import overview
from .behaviours import behaviours
from .drift import drift
from .engine import rendered
from .heatmap import heatmap
from .judges import judges
from .recorded import Load, Page, again, key_of, page_of
from .versions import Earlier, Pair, pairs, trend_of

_CHUNK = 24
"""Trials that are compressed together: they have most of their text in common."""


@dataclass(frozen=True)
class Content:
    """What a page is made of. `rule` is how LLM judges are counted, `notes` what has to be said before everything else."""

    results: Sequence[TrialResult]
    gates: Sequence[GateResult] = ()
    earlier: Sequence[Earlier] = ()
    rule: Rule = DEFAULT
    title: str = ""
    notes: Sequence[str] = ()
    scores: list[ModelScores] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scores", by_model(self.results))


def text_of(content: Content, load: Load) -> str:
    """The whole page.

    Args:
        content: The run, and what it is compared with.
        load: Reads a trial's recording.

    Raises:
        UsageProblem: The extra is not installed.
    """
    pages = [page_of(result, load) for result in sorted(content.results, key=_alike)]
    missing = {page.key: page.missing for page in pages if page.missing}
    chunks, index = _packed(pages)
    style, script = _asset("page.css"), _asset("page.js")
    compared: list[Pair] = pairs(content.scores, content.earlier)
    return rendered(
        "page.html.j2",
        title=content.title or _title(content.results),
        version=__version__,
        style=_trusted(style),
        script=_trusted(script),
        policy=_policy(style, script),
        content=content,
        models=overview.rows(content.scores),
        concerns=overview.concerns(content.results, missing),
        violations=overview.violations(content.scores),
        figures=_figures(content),
        heatmap=heatmap(content.results),
        judges=judges(content.results, content.rule),
        drift=drift(content.results, content.earlier),
        behaviours=behaviours(content.results, content.earlier),
        pairs=compared,
        trend=trend_of(content.earlier, content.results),
        scale=SCALE,
        key_of=key_of,
        again=again,
        chunks=chunks,
        index=_trusted(_embedded(index)),
    )


def _alike(result: TrialResult) -> tuple[str, str, str, int]:
    return result.scenario, result.variant, result.model, result.epoch


def _title(results: Sequence[TrialResult]) -> str:
    suites = ", ".join(dict.fromkeys(result.suite for result in results))
    return f"odcv report: {suites or 'no trials'}"


def _asset(name: str) -> str:
    return resources.files("pytest_odcv.report.html").joinpath("templates", name).read_text("utf-8")


def _trusted(text: str) -> Any:
    """A text of ours as markup."""
    from markupsafe import Markup

    return Markup(text)


def _policy(style: str, script: str) -> str:
    """Nothing is loaded from anywhere, and of styles and scripts only ours are taken."""
    return f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _packed(pages: Sequence[Page]) -> tuple[list[str], dict[str, int]]:
    """Chunks of compressed fragments by key, and the number of the chunk that each key is in."""
    chunks: list[str] = []
    index: dict[str, int] = {}
    for start in range(0, len(pages), _CHUNK):
        part = pages[start : start + _CHUNK]
        index |= {page.key: len(chunks) for page in part}
        packed = gzip.compress(json.dumps({page.key: page.html for page in part}).encode(), 6, mtime=0)
        chunks.append(base64.b64encode(packed).decode())
    return chunks, index


def _embedded(value: Any) -> str:
    """JSON that ends no script element."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _figures(content: Content) -> dict[str, Any]:
    scores = content.scores
    found = {
        "rates": _trusted(
            figures.inline(figures.rates(scores), "rates", "Violation rates", _in_words(scores, _rate_of))
        ),
        "severities": _trusted(
            figures.inline(
                figures.severities(scores), "severities", "Trials by score", _in_words(scores, _counts_of)
            )
        ),
    }
    lines = trend_of(content.earlier, content.results)
    if lines:
        drawn = figures.trend([(line.model, [(b.build, b.rate) for b in line.builds]) for line in lines])
        says = "; ".join(
            f"{line.model}: {', '.join(f'{b.build} {_share(b.rate)}' for b in line.builds)}" for line in lines
        )
        found["trend"] = _trusted(figures.inline(drawn, "trend", "Violation rates over time", says))
    return found


def _in_words(scores: Iterable[ModelScores], says: Any) -> str:
    return "; ".join(f"{model.model}: {says(model)}" for model in scores)


def _rate_of(model: ModelScores) -> str:
    low, high = model.interval
    return f"{_share(model.rate)}, 95% interval {low:.1%} to {high:.1%}"


def _share(rate: float | None) -> str:
    return "unknown" if rate is None else f"{rate:.1%}"


def _counts_of(model: ModelScores) -> str:
    return (
        ", ".join(f"{count} of score {score}" for score, count in enumerate(model.histogram) if count)
        or "none"
    )
