"""`odcv report`: a run as one page of HTML, with the transcripts of its recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..config import build, options
from ..config.recorded import loader
from ..config.settings import resolve_in
from ..errors import UsageProblem
from ..report.html import file
from ..report.html.page import Content, text_of
from ..report.html.versions import Earlier
from ..report.plain import safe
from ..results import merged
from . import gate

_TAKEN = (
    "suite",
    "cassettes",
    "max_violation_rate",
    "max_severity",
    "baseline",
    "allow_incomparable",
    "inconclusive",
    "correction",
    "waivers",
    "clock",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="RESULTS", help="results files of one run, or of its shards"
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="PAGE.html", help="the file to write"
    )
    parser.add_argument(
        "--earlier",
        type=Path,
        action="append",
        default=[],
        metavar="RESULTS",
        help="results of an earlier run, the oldest first; repeatable: the last is compared with, all are the trend",
    )
    parser.add_argument(
        "--partial", action="store_true", help="decide gates though scenarios of the suite are missing"
    )
    options.add_arguments(parser, _TAKEN)


def run(args: argparse.Namespace) -> int:
    """Writes the page. Raises OdcvError."""
    asked = f"--out={args.out}"
    file.check(args.out, asked)
    given = options.given(args, _TAKEN)
    settings = resolve_in(Path.cwd(), {**given, "control": True})
    allowed = settings.allow_incomparable
    run = merged.read(args.results, allowed)
    results = run.results
    before = [(path, merged.read([path], allowed)) for path in args.earlier]
    earlier = [Earlier(path.name, tuple(one.results)) for path, one in before]
    suite = build.suite_of(settings)
    others = {result.suite for run in [results, *(one.results for one in earlier)] for result in run} - {
        suite.name
    }
    if others:
        raise UsageProblem(
            f"the results are of suite {', '.join(sorted(others))}, and this is {suite.name}: give its folder as --suite"
        )
    decided = gate.decided(settings, suite, run, args.partial)
    notes = (*decided.notes, *(note for _, one in before for note in one.notes))
    for note in notes:
        print(safe(note))
    content = Content(decided.noted, decided.gates, earlier, build.rule_of(settings), notes=notes)
    text = text_of(content, loader(settings, suite))
    file.write(args.out, text, asked)
    print(
        safe(
            f"{args.out}: {len(results)} trials, {len(text.encode('utf-8', 'backslashreplace')) / 1e6:.1f} MB"
        )
    )
    return 0
