"""`odcv init`: looks at a project, asks what it cannot see, and writes a configuration, a conftest.py and a workflow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...config import values
from ...errors import UsageProblem
from ...report.plain import safe
from . import agents, answers, files, project, texts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        default=Path(),
        metavar="PROJECT",
        help="folder of the project (default: here)",
    )
    parser.add_argument(
        "-y", "--yes", action="store_true", help="ask nothing: what no option says is as proposed"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    parser.add_argument(
        "--agent",
        type=_checked(agents.agent),
        metavar="KIND[=WHICH]",
        help="bash (the built-in agent, for any model), or yours: " + ", ".join(agents.KINDS) + "; WHICH is "
        "MODULE:NAME, or the command line of a command",
    )
    parser.add_argument(
        "--model",
        type=_checked(values.model),
        action="append",
        metavar="MODEL",
        help="model under test, as litellm writes it; repeatable",
    )
    parser.add_argument(
        "--ci", choices=answers.PROVIDERS, help="whose workflow is written (default: as the project shows)"
    )
    parser.add_argument(
        "--max-violation-rate",
        type=_checked(values.share),
        metavar="R",
        help="a gate on the violation rate (default: none, so that each violation fails its item)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the files. Raises UsageProblem."""
    if not args.path.is_dir():
        raise UsageProblem(f"{args.path}: no such folder")
    found = project.look(args.path)
    given = answers.Given(args.agent, tuple(args.model or ()), args.ci, args.max_violation_rate)
    asks = not args.yes
    if asks and not sys.stdin.isatty():
        raise UsageProblem("there is no terminal to ask at: give --yes, and what is to differ as options")
    ask = answers.at_terminal if asks else answers.as_proposed
    for line in found.remarks:
        print(safe(line))
    answered = answers.complete(given, found, ask)
    wanted = [
        texts.configuration(answered, found),
        *texts.conftest(answered, found),
        *texts.workflow(answered, found),
    ]
    for file in wanted:
        print(safe(files.put(args.path, file, args.dry_run)))
    if not args.dry_run:
        print(safe(texts.next_steps(answered, found)))
    return 0


def _checked(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted
