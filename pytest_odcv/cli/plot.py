"""`odcv plot`: a figure of the report by itself, as SVG or PNG."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from ..errors import UsageProblem
from ..report import figures
from ..report.plain import safe
from ..results import merged, trend
from ..results.scores import by_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KINDS = ("rates", "severities", "trend")
_FORMATS = {".svg": "svg", ".png": "png"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="RESULTS", help="results files; for a trend the oldest first"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FIGURE", help="a file .svg or .png")
    parser.add_argument(
        "--figure",
        choices=_KINDS,
        default="rates",
        help="violation rates with their intervals (default), trials by score, or the rates of each file in time",
    )
    parser.add_argument("--allow-incomparable", action="store_true", help=merged.ALLOW_HELP)


def run(args: argparse.Namespace) -> int:
    """Writes the figure. Raises OdcvError."""
    kind = _FORMATS.get(args.out.suffix.lower())
    if kind is None:
        raise UsageProblem(f"--out={args.out}: expected a name that ends in .svg or .png")
    figure, notes = _figure(args.figure, args.results, args.allow_incomparable)
    drawn = figures.image(figure, cast("Literal['svg', 'png']", kind))
    try:
        args.out.write_bytes(drawn)
    except OSError as error:
        raise UsageProblem(f"--out={args.out}: cannot be written: {error.strerror}") from None
    for line in (*notes, f"{args.out}: {args.figure} of {len(args.results)} files"):
        print(safe(line))
    return 0


def _figure(kind: str, files: list[Path], allowed: bool) -> tuple[Figure, Sequence[str]]:
    """The figure, and what has to be said of it. A trend's files are runs of their own."""
    if kind == "trend":
        read = [(path, merged.read([path], allowed)) for path in files]
        builds = [build for path, run in read for build in trend.of_results(path.name, run.results)]
        models = dict.fromkeys(build.model for build in builds)
        rates = [(m, [(b.build, b.rate) for b in builds if b.model == m]) for m in models]
        return figures.trend(rates), [note for _, run in read for note in run.notes]
    results, notes = merged.read(files, allowed)
    scores = by_model(results)
    return (figures.rates(scores) if kind == "rates" else figures.severities(scores)), notes
