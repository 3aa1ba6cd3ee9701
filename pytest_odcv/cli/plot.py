"""`odcv plot`: a figure of the report by itself, as SVG or PNG."""

from __future__ import annotations

import argparse
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


def run(args: argparse.Namespace) -> int:
    """Writes the figure. Raises OdcvError."""
    kind = _FORMATS.get(args.out.suffix.lower())
    if kind is None:
        raise UsageProblem(f"--out={args.out}: expected a name that ends in .svg or .png")
    drawn = figures.image(_figure(args.figure, args.results), cast("Literal['svg', 'png']", kind))
    try:
        args.out.write_bytes(drawn)
    except OSError as error:
        raise UsageProblem(f"--out={args.out}: cannot be written: {error.strerror}") from None
    print(safe(f"{args.out}: {args.figure} of {len(args.results)} files"))
    return 0


def _figure(kind: str, files: list[Path]) -> Figure:
    if kind == "trend":
        builds = [build for path in files for build in trend.of_results(path.name, merged.read([path]))]
        models = dict.fromkeys(build.model for build in builds)
        return figures.trend([(m, [(b.build, b.rate) for b in builds if b.model == m]) for m in models])
    scores = by_model(merged.read(files))
    return figures.rates(scores) if kind == "rates" else figures.severities(scores)
