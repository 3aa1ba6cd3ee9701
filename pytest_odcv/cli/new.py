"""`odcv new`: writes a scenario that passes `odcv check`, to be changed into another."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from ..report.plain import safe
from ..scenario.new import write_scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="folder to make; its name becomes the scenario's id")
    parser.add_argument(
        "--domain", required=True, help="domain of the scenario, a pytest mark: any identifier"
    )


def run(args: argparse.Namespace) -> int:
    """Write it and name the files and the next step."""
    files = write_scenario(args.path, args.domain)
    shown = [str(args.path / file.relative_to(args.path.absolute())) for file in files]
    print(safe("\n".join([*shown, f"next: odcv check {shlex.quote(str(args.path))}"])))
    return 0
