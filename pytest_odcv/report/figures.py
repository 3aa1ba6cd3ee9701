"""Figures of a run, drawn by matplotlib: SVG without styles of its own, so that a strict page may hold it, or PNG."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree

from ..errors import UsageProblem
from ..results.scores import ModelScores
from .plain import one_line, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEVERITY = ("#d6e6f4", "#abd0e6", "#6aaed6", "#fdae6b", "#f47b2e", "#7f2704")
"""Colours of the scores 0 to 5: blue below the threshold, orange from it on, darker the worse, so that no colour-blind reader confuses them."""
_LINE = "#b35806"
_NAME = 36
_SVG = "http://www.w3.org/2000/svg"
_PLAIN_STYLES = re.compile(r"^(fill|stroke|opacity|font-size|text-anchor|dominant-baseline)")


def rates(scores: Sequence[ModelScores]) -> Figure:
    """Violation rate of each model as a dot, its 95% interval as a whisker."""
    figure, axes = _axes(len(scores))
    for row, model in enumerate(reversed(scores)):
        low, high = model.interval
        axes.plot([100 * low, 100 * high], [row, row], color=_LINE, linewidth=2, solid_capstyle="butt")
        if model.rate is not None:
            axes.plot([100 * model.rate], [row], "o", color=_LINE, markersize=7)
    _rows(axes, scores)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("violation rate, %, with 95% interval")
    axes.grid(axis="x", color="#999999", alpha=0.4)
    return figure


def severities(scores: Sequence[ModelScores]) -> Figure:
    """Of each model, the trials by score, as one bar."""
    figure, axes = _axes(len(scores), legend=True)
    for score, colour in enumerate(SEVERITY):
        counts = [model.histogram[score] for model in reversed(scores)]
        before = [sum(model.histogram[:score]) for model in reversed(scores)]
        bars = axes.barh(
            range(len(scores)),
            counts,
            left=before,
            color=colour,
            edgecolor="#666666",
            linewidth=0.5,
            label=str(score),
        )
        for bar, count in zip(bars, counts, strict=True):
            if count:
                x, y = bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2
                dark = score < 5
                axes.text(
                    x,
                    y,
                    str(count),
                    ha="center",
                    va="center",
                    color="#111111" if dark else "#ffffff",
                    fontsize=8,
                )
    _rows(axes, scores)
    axes.set_xlabel("scored trials by score, 0 (legitimate) to 5 (systemic fraud)")
    axes.legend(title="score", ncols=6, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=8)
    return figure


def trend(lines: Sequence[tuple[str, Sequence[tuple[str, float | None]]]]) -> Figure:
    """Violation rate of each model over builds: for each its name, and name and rate (0..1, None unknown) of the builds in time."""
    figure, axes = _axes(8, legend=True)
    builds = list(dict.fromkeys(build for _, points in lines for build, _ in points))
    marks = "os^Dv*PX"
    for number, (name, points) in enumerate(lines[:12]):
        known = [(builds.index(build), 100 * rate) for build, rate in points if rate is not None]
        axes.plot(
            [x for x, _ in known],
            [y for _, y in known],
            marker=marks[number % len(marks)],
            label=_shown(name),
        )
    axes.set_xticks(range(len(builds)))
    axes.set_xticklabels([_shown(build) for build in builds], parse_math=False, rotation=20, ha="right")
    axes.set_ylim(-2, 102)
    axes.set_ylabel("violation rate, %")
    axes.grid(axis="y", color="#999999", alpha=0.4)
    legend = axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=8, ncols=2)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _axes(rows: int, legend: bool = False) -> tuple[Figure, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageProblem("figures need the extra report: pip install 'pytest-odcv[report]'") from None
    height = 1.0 + 0.36 * max(rows, 1) + (0.5 if legend else 0)
    figure = Figure(figsize=(7.2, min(height, 40)), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _rows(axes: Any, scores: Sequence[ModelScores]) -> None:
    axes.set_yticks(range(len(scores)))
    axes.set_yticklabels([_shown(model.model) for model in reversed(scores)], parse_math=False)
    axes.set_ylim(-0.6, max(len(scores), 1) - 0.4)


def _shown(name: str) -> str:
    return one_line(visible(name), _NAME)


def image(figure: Figure, kind: Literal["svg", "png"]) -> bytes:
    """The figure as a file."""
    import matplotlib

    out = io.BytesIO()
    # Names may have characters that the font lacks: the SVG keeps them as text, and a viewer has other fonts.
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "odcv"}):
        warnings.simplefilter("ignore")
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None} if kind == "svg" else {}
        figure.savefig(out, format=kind, dpi=150, metadata=metadata)
    return out.getvalue()


def inline(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an element of a page, with its text alternative and without any style of its own.

    Args:
        name: Unique in the page; letters and digits.
        title: A short name for who cannot see it.
        description: What it shows, in words.
    """
    # matplotlib wrote it, with names escaped: it is no document of a stranger's.
    root = ElementTree.fromstring(image(figure, "svg"))
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag.rpartition("}")[2] in ("style", "metadata")]:
            parent.remove(child)
    for element in root.iter():
        _unstyled(element)
        _renamed(element, name)
    for tag, text in (("desc", description), ("title", title)):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = visible(text)
        root.insert(0, element)
    root.attrib.pop("height", None)
    root.attrib.pop("width", None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-desc", "class": "figure"}
    return ElementTree.tostring(root, encoding="unicode")


def _unstyled(element: ElementTree.Element) -> None:
    """Its style as attributes, which no policy of a page forbids; black follows the colour of the page's text."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            key, value = "font-size", size[1] if size else "10"
        if _PLAIN_STYLES.match(key):
            element.set(key, "currentColor" if value in ("#000000", "black") else value)
    # The white ground is the page's own.
    if element.get("fill") == "#ffffff" and element.tag.endswith("path"):
        element.set("fill", "none")
    if element.tag.endswith("text") and "fill" not in element.attrib:
        element.set("fill", "currentColor")


def _renamed(element: ElementTree.Element, name: str) -> None:
    """Ids of a figure are its own: a page may hold several."""
    for key, value in list(element.attrib.items()):
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key.endswith("href") and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif value.startswith("url(#"):
            element.set(key, f"url(#{name}-{value[5:]}")
