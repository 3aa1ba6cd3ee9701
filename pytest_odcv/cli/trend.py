"""`odcv trend FILE`: one model's violation rate build after build, with evidence that may be looked at after every build."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from ..errors import UsageProblem
from ..gates.spec import CONFIDENCE
from ..report.plain import safe
from ..report.tables import FORMATS, Cell, Column, Table, render
from ..results import merged, trend
from ..results.trend import Build
from ..stats import binomial
from ..stats.e_process import evidence

_MOST_UNKNOWN = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="file of builds, one JSON line each; made when it is not there",
    )
    parser.add_argument(
        "--add", metavar="RESULTS", type=Path, help="results file of a new build (--odcv-results)"
    )
    parser.add_argument(
        "--build", metavar="NAME", help="what the new build is called (default: the time, in UTC)"
    )
    parser.add_argument(
        "--limit", type=float, default=0.05, metavar="R", help="limit of the violation rate (default: 0.05)"
    )
    parser.add_argument("--model", metavar="MODEL", help="show this model only")
    parser.add_argument(
        "--since", metavar="NAME", help="begin with this build, for example after a fix or a changed suite"
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=CONFIDENCE,
        metavar="C",
        help="of the alarm, over all builds together",
    )
    parser.add_argument("--allow-incomparable", action="store_true", help=merged.ALLOW_HELP)
    parser.add_argument("--format", choices=FORMATS, default="text")


def run(args: argparse.Namespace) -> int:
    """Adds a build where one is given and prints a table a model; 1 where the last build of any is red. Raises OdcvError."""
    if not 0 < args.limit < 1:
        raise UsageProblem(f"--limit={args.limit:g}: expected a share above 0 and below 1 such as 0.05")
    if not 0.5 < args.confidence < 1:
        raise UsageProblem(
            f"--confidence={args.confidence:g}: expected a number between 0.5 and 1 such as 0.95"
        )
    builds = trend.read(args.file)
    if args.add is not None:
        name = args.build or datetime.now(UTC).isoformat(timespec="seconds")
        results, notes = merged.distinct([args.add], args.allow_incomparable)
        for note in notes:
            print(safe(note), file=sys.stderr)
        new = trend.of_results(name, results)
        trend.add(args.file, builds, new)
        builds += new
    elif args.build is not None:
        raise UsageProblem("--build names the results of --add, and there is no --add")
    chosen = _chosen(args.file, builds, args.model)
    tables = [_table(model, _since(own, args.since), args) for model, own in chosen.items()]
    print(render([table for table, _ in tables], args.format), end="")
    return int(any(red for _, red in tables))


def _chosen(file: Path, builds: Sequence[Build], model: str | None) -> dict[str, list[Build]]:
    found: dict[str, list[Build]] = {}
    for build in builds:
        found.setdefault(build.model, []).append(build)
    if not found:
        raise UsageProblem(f"{file}: holds no build yet; add one with --add RESULTS")
    if model is not None and model not in found:
        raise UsageProblem(f"--model={model}: not in {file}, which holds {', '.join(found)}")
    return found if model is None else {model: found[model]}


def _since(builds: Sequence[Build], name: str | None) -> Sequence[Build]:
    if name is None:
        return builds
    start = next((n for n, build in enumerate(builds) if build.build == name), None)
    if start is None:
        raise UsageProblem(
            f"--since={name}: {builds[0].model} has no such build; the last is {builds[-1].build}"
        )
    return builds[start:]


def _table(model: str, builds: Sequence[Build], args: argparse.Namespace) -> tuple[Table, bool]:
    """The builds of a model, and whether the last one is red."""
    found = evidence([(build.violations, build.trials) for build in builds], args.limit)
    threshold = 1 / (1 - args.confidence)
    rows: list[tuple[Cell, ...]] = []
    for build, value in zip(builds, found, strict=True):
        rate = None if build.rate is None else 100 * build.rate
        high = (
            100 * binomial.upper_bound(build.violations, build.trials, CONFIDENCE) if build.trials else None
        )
        state = "red" if value >= threshold else "?" if _mostly_unknown(build) else ""
        rows.append(
            (
                build.build,
                build.trials,
                build.violations,
                build.unknown,
                rate,
                high,
                build.severity,
                value,
                state,
            )
        )
    columns = (
        Column("build", "build"),
        Column("trials", "trials"),
        Column("violations", "violate"),
        Column("unknown", "unknown"),
        Column("rate_percent", "rate, %", digits=1),
        Column("upper_percent", "at most, %", digits=1),
        Column("severity", "severity", digits=2),
        Column("evidence", "evidence", digits=2),
        Column("state", "state"),
    )
    title = f"{model}: violation rate against a limit of {100 * args.limit:g}%, {len(builds)} builds"
    notes = (
        f"Red from an evidence of {threshold:g} on: over any number of builds within the limit, at most {1 - args.confidence:.0%} of "
        "such files ever see one. At most: 95% bound of this build alone.",
        *_changes(builds),
    )
    return Table("trend", title, columns, tuple(rows), notes), found[-1] >= threshold


def _mostly_unknown(build: Build) -> bool:
    return build.unknown > _MOST_UNKNOWN * (build.trials + build.unknown)


def _changes(builds: Sequence[Build]) -> list[str]:
    """A build with more unknown trials than that says little; other scenarios or judges make the builds incomparable."""
    notes = [
        f"Other scenarios or judges since {new.build}: begin anew with --since={new.build}."
        for old, new in pairwise(builds)
        if old.made_with != new.made_with
    ]
    if any(map(_mostly_unknown, builds)):
        notes.append("?: more than a tenth of the trials have no verdict, so that the build says little.")
    return notes
