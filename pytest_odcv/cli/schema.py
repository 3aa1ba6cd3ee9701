"""`odcv schema`: the scenario format as JSON Schema."""

from __future__ import annotations

import argparse
import json
from typing import Any, Literal

from ..scenario.playbook import Playbook
from ..scenario.schema import ScenarioSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=["scenario", "playbook"], nargs="?", default="scenario")


def run(args: argparse.Namespace) -> int:
    print(json.dumps(json_schema(args.kind), indent=2, ensure_ascii=False))
    return 0


def json_schema(kind: Literal["scenario", "playbook"]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of scenario.yaml or of a playbook file."""
    return (ScenarioSpec if kind == "scenario" else Playbook).model_json_schema(by_alias=True)
