"""`odcv merge`: the results of several runs or shards in one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageProblem
from ..report.plain import safe
from ..results import merged


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results",
        type=Path,
        nargs="+",
        metavar="RESULTS",
        help="results files, as --odcv-results writes them",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--allow-incomparable", action="store_true", help=merged.ALLOW_HELP)


def run(args: argparse.Namespace) -> int:
    """Writes the file. Raises OdcvError."""
    results, notes = merged.read(args.results, args.allow_incomparable)
    try:
        args.out.write_text("".join(result.model_dump_json() + "\n" for result in results), encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"--out={args.out}: cannot be written: {error.strerror}") from None
    for line in (*notes, f"{args.out}: {len(results)} trials of {len(args.results)} files"):
        print(safe(line))
    return 0
