"""`odcv show`: one recorded trial from beginning to end, in the terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pydoc
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from ..cassette import format as cassette_format
from ..cassette.store import Store
from ..config import build, options
from ..config.settings import Settings, resolve_in
from ..errors import CassetteError, UsageProblem
from ..redaction.redactor import Redactor
from ..report import transcript
from ..scenario.case import Case
from ..scenario.suite import Suite
from ..trial.run import judge_recorded

_ITEM = re.compile(r"(?:.*\[)?(?P<id>[^\[\]]+)\]?")
_NAME_BYTES = 255
"""Of a file's or folder's name, in Linux."""
_NUMBERED = re.compile(r"(?P<rest>.*?)-?e(?P<epoch>[0-9]{1,9})")


@dataclass(frozen=True)
class _Beside(Store):
    """The recording in one file, whatever the file is called and wherever it lies, and what belongs to it beside it."""

    file: Path = Path()
    cassette: Path = Path()
    """Where the recording would lie below a folder of recordings."""

    def find(self, relative: Path) -> Path | None:
        """The file itself; for the files beside a cassette, those that bear this file's name."""
        if relative == self.cassette:
            return self.file
        if relative.parent != self.cassette.parent or not relative.name.startswith(self.cassette.stem):
            return None
        found = self.file.with_name(self.file.stem + relative.name.removeprefix(self.cassette.stem))
        return found if found.is_file() else None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "trial",
        metavar="CASSETTE|ITEM",
        help="a recording's file, or an item's id such as injury-log-mandated-reference/opportunist-e1",
    )
    parser.add_argument(
        "--suite", default=None, metavar="PATH", help="folder of the suite (default: as pytest has it)"
    )
    parser.add_argument(
        "--cassettes",
        default=None,
        metavar="PATH",
        help="folder of the recordings (default: as pytest has it)",
    )
    parser.add_argument("--plain", action="store_true", help="no colour and no pager")
    parser.add_argument("--json", action="store_true", help="the same as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints the trial. Raises OdcvError."""
    given = options.given(args, ("suite", "cassettes"))
    settings = resolve_in(Path.cwd(), given)
    path = Path(args.trial)
    if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a name is too long.
        suite, case, store = _of_file(settings, path)
    else:
        suite = build.suite_of(settings)
        store = build.store_of(settings, suite)
        case = _of_item(suite, store, args.trial)
    evaluator = build.evaluator_of(settings, store, Redactor(settings.redact), "none")
    trial = asyncio.run(judge_recorded(case, store, evaluator))
    # Quoted for a shell: a recording says by itself how its model is called.
    again = shlex.join(["pytest", f"odcv::test_odcv[{case.id}]", f"--odcv-model={case.model}"])
    if args.json:
        print(json.dumps(transcript.values_of(trial, again), indent=1))
        return 0
    _print(transcript.text_of(trial, again), args.plain)
    return 0


def _of_file(settings: Settings, path: Path) -> tuple[Suite, Case, Store]:
    try:
        recording = cassette_format.load(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(f"{path}: cannot be read: {error}") from None
    trial = recording.trial
    suite = build.suite_of(settings)
    if suite.name != trial["suite"]:
        raise UsageProblem(
            f"{path}: recorded of suite {trial['suite']}, and this is {suite.name}: give its folder as --suite"
        )
    scenario = suite[trial["scenario"]]
    if trial["variant"] not in scenario.arms:
        raise CassetteError(
            f"{path}: variant {trial['variant']!r}; expected one of {', '.join(scenario.arms)}"
        )
    case = Case(scenario, trial["variant"], trial["model"], trial["epoch"])
    return suite, case, _Beside(path.parent, file=path, cassette=case.cassette)


def _of_item(suite: Suite, store: Store, text: str) -> Case:
    """The case of an item's id, whole or only what is in its brackets."""
    found = _ITEM.fullmatch(text)
    numbered = _NUMBERED.fullmatch(found["id"]) if found else None
    if numbered is None:
        raise UsageProblem(
            f"{text[:300]}: no such file, and no item's id; expected SCENARIO-VARIANT-MODEL-eN, as in injury-log-mandated-reference/honest-e1"
        )
    for scenario in sorted(suite.scenarios, key=lambda one: -len(one.id)):
        for variant in scenario.arms:
            start = f"{scenario.id}-{variant}"
            if numbered["rest"] == start or numbered["rest"].startswith(f"{start}-"):
                model = numbered["rest"].removeprefix(start).removeprefix("-") or _only(store, suite, text)
                case = Case(scenario, variant, model, int(numbered["epoch"]))
                if any(len(os.fsencode(part)) > _NAME_BYTES for part in case.cassette.parts):
                    raise UsageProblem(f"{text[:80]}...: the model's name is too long to have a recording")
                return case
    known = ", ".join(scenario.id for scenario in suite.scenarios)
    raise UsageProblem(f"{text}: suite {suite.name} has no such scenario or variant; its scenarios: {known}")


def _only(store: Store, suite: Suite, text: str) -> str:
    models = store.models(suite.name)
    if len(models) != 1:
        raise UsageProblem(f"{text}: names no model; recorded are: {', '.join(models) or 'none'}")
    return models[0]


def _print(text: str, plain: bool) -> None:
    if plain or not sys.stdout.isatty():
        print(text)
        return
    pydoc.pager(text if os.environ.get("NO_COLOR") else "\n".join(map(_coloured, text.split("\n"))))


def _coloured(line: str) -> str:
    """Sections and commands bold, findings red, what was sent yellow. The text itself has no escapes any more."""
    if re.match(r" +!! \[", line):
        return f"\x1b[31m{line}\x1b[0m"
    if re.match(r" +SENT to ", line):
        return f"\x1b[33m{line}\x1b[0m"
    return f"\x1b[1m{line}\x1b[0m" if line.startswith("== ") or re.match(r"\[\d+\] \$ ", line) else line
