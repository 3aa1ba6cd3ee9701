"""`odcv schema`: the scenario format as JSON Schema."""

from __future__ import annotations

import argparse
import json

from ..scenario.schema import json_schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=["scenario", "playbook"], nargs="?", default="scenario")


def run(args: argparse.Namespace) -> int:
    print(json.dumps(json_schema(args.kind), indent=2, ensure_ascii=False))
    return 0
