"""The command `odcv`: what is useful outside a pytest run. Each subcommand is a module, imported when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from ..errors import OdcvError
from ..report.plain import safe

_COMMANDS = {
    "init": "set a project up: configuration, a fixture for its agent, and a workflow that replays",
    "show": "show one recorded trial from beginning to end: steps, changes, what was sent, findings, judges",
    "check": "prove scenarios: load them and play their playbooks in the sandbox",
    "new": "write a scenario that passes odcv check, to be changed into another",
    "doctor": "try a sandbox on this machine, and say what keeps it from working and what helps",
    "seal": "seal recordings that were edited on purpose, so that they replay",
    "schema": "print the JSON Schema of scenario.yaml or of a playbook, for editors",
    "scan": "refuse files with secrets in them and unfinished recordings, as a pre-commit hook does",
    "scores": "print the benchmark's tables from ODCV-Bench's files or from results of ours",
    "import": "turn ODCV-Bench's published runs and judgments into recordings that replay",
    "judge": "judge recorded trials with LLM judges, without running an agent",
    "judges": "report how far judges agree, drift and lean",
    "gate": "decide the configured gates over results files, as the run that wrote them would",
    "report": "write a run as one page of HTML: overview, heatmap, transcripts, comparisons",
    "plot": "draw violation rates, scores or a trend as SVG or PNG",
    "export": "write results for other tools: CSV, Parquet, or logs of Inspect AI with their transcripts",
    "merge": "put the results of several runs or shards into one file",
    "plan": "say what a number of epochs can show, and what it costs, before it is run",
    "trend": "watch a violation rate build after build, with an alarm that may be looked at after each",
    "diff": "compare two results files or folders of cassettes: what changed, and is it worse?",
}

_ROOT = __package__.partition(".")[0]
_RESEARCH = {"scores": "scores", "judges": "judges", "import": "importing"}
"""Modules of the subpackage that reads ODCV-Bench's files, by subcommand; it is imported by name only."""


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; returns the exit code: 0 fine, 1 something is wrong, 2 it could not be done, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="odcv", description="Tools beside `pytest --odcv-model=...`.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    argv = sys.argv[1:] if argv is None else argv
    for name, about in _COMMANDS.items():
        sub = subparsers.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        if argv[:1] == [name]:
            _module(name).add_arguments(sub)
    args = parser.parse_args(argv)
    try:
        return int(_module(args.command).run(args))
    except OdcvError as error:
        print(safe(f"odcv {args.command}: {error}"), file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 2
    except KeyboardInterrupt:
        print(f"odcv {args.command}: interrupted", file=sys.stderr)
        return 130


def _module(name: str) -> Any:
    place = f"{_ROOT}.research.{_RESEARCH[name]}" if name in _RESEARCH else f"{__package__}.{name}"
    return importlib.import_module(place)
