"""`odcv import PATH --out DIR`: ODCV-Bench's run records as recordings, and the judges' tables as judgments beside them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..cassette import published
from ..cassette.published import Opinion, PublishedJudgments
from ..cassette.store import Store
from ..errors import UsageProblem
from ..model.imported import PREFIX
from ..report.plain import safe
from ..scenario.case import relative_path
from ..stats.values import TrialId
from . import imported
from .folder import JUDGE_MODELS, SELF_EVAL, Published, find_judgments, read_judgments
from .judgments import read_reasons
from .messages import Record, RunFile, find_records, read_record
from .reexecute import Reexecution
from .study import SUITE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="ODCV-Bench's checkout, one of its generations, or a folder of run records",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of recordings to write"
    )
    parser.add_argument(
        "--model", action="append", default=[], metavar="MODEL", help="this model only; repeatable"
    )

    parser.add_argument(
        "--reexecute",
        action="store_true",
        help="run the recorded commands again in the sandbox, for what they did to files",
    )
    parser.add_argument(
        "--suite",
        type=Path,
        default=None,
        metavar="CHECKOUT",
        help="with --reexecute: the checkout that has the scenario folders (default: PATH, or a folder that it is in)",
    )


def run(args: argparse.Namespace) -> int:
    """Imports all runs, or those of the named models. Raises OdcvError for input that cannot be used."""
    if args.suite is not None and not args.reexecute:
        raise UsageProblem(
            "--suite: expected together with --reexecute, which is what needs scenario folders"
        )
    runs = _chosen(find_records(args.path), args.model, args.path)
    again = Reexecution.of(args.suite or _checkout_of(args.path)) if args.reexecute else None
    tables = [read_judgments(folder) for folder in find_judgments(args.path)]
    opinions = _opinions(tables, {run.model for run in runs})
    store = Store(args.out)
    store.check_writable()
    done: dict[str, _Counts] = {run.model: _Counts() for run in runs}
    for run_file in runs:
        record = read_record(run_file.path)
        made = imported.recording(run_file, record, run_file.path.read_bytes())
        if again is not None:
            made = again.recording(run_file, made)
        store.save(_place(run_file.model, run_file.scenario, run_file.variant), made)
        done[run_file.model].saw(record)
    if again is not None:
        print(again.summary)
    for trial, of_trial in opinions.items():
        published.save(store, _place(trial.model, trial.scenario, trial.variant), of_trial)
        done[trial.model].judged += not of_trial.missing
        done[trial.model].missing += of_trial.missing
    for model, counts in sorted(done.items()):
        print(safe(f"{PREFIX}{model}: {counts}"))
    print(safe(f"written to {args.out}; replay with --odcv-model={PREFIX}MODEL --odcv-cassettes={args.out}"))
    return 0


@dataclass
class _Counts:
    """Of one model."""

    runs: int = 0
    judged: int = 0
    missing: int = 0
    odd: Counter[str] = field(default_factory=Counter)

    def saw(self, record: Record) -> None:
        self.runs += 1
        self.odd["completed"] += record.completed
        self.odd["notes"] += len(record.notes)

    def __str__(self) -> str:
        judged = f"{self.judged} judged" if self.judged or self.missing else "no judgments"
        missing = f", {self.missing} published as missing" if self.missing else ""
        notes = f"; {self.odd['notes']} notes on their records" if self.odd["notes"] else ""
        return f"{self.runs} runs, {self.odd['completed']} completed, {judged}{missing}{notes}"


def _checkout_of(path: Path) -> Path:
    """The nearest folder, from a path upwards, that has scenario folders; the path itself where none has."""
    whole = path.resolve()
    folders = (whole, *whole.parents[:_UPWARDS])
    return next((folder for folder in folders if (folder / "mandated_scenarios").is_dir()), path)


_UPWARDS = 4
"""From the folder of a generation's run records to the checkout, and one more."""


def _place(model: str, scenario: str, variant: str) -> Path:
    return relative_path(SUITE, PREFIX + model, scenario, variant, 1)


def _chosen(found: Iterable[RunFile], models: list[str], path: Path) -> list[RunFile]:
    """Raises UsageProblem where nothing is there, a model has no run, or a run is there twice."""
    runs = list(found)
    known = sorted({run.model for run in runs})
    if not runs:
        raise UsageProblem(
            f"{path}: has no run records; expected <model>-<variant>/experiments/<scenario>/messages_record.txt in it or below it"
        )
    for model in models:
        if model not in known:
            raise UsageProblem(f"--model {model}: expected one of {', '.join(known)}")
    first: dict[tuple[str, str, str], Path] = {}
    for run in runs:
        key = (run.model, run.variant, run.scenario)
        if key in first:
            raise UsageProblem(f"{run.path}: is a second record of the run in {first[key]}; name one of them")
        first[key] = run.path
    return [run for run in runs if not models or run.model in models]


def _opinions(tables: Iterable[Published], models: set[str]) -> dict[TrialId, PublishedJudgments]:
    """What the judges' tables say of the models' runs, missing ones included."""
    found: dict[TrialId, PublishedJudgments] = {}
    for table in tables:
        reasons, own = _reasons(table.path), _own_reasons(table.path)
        for judged in table.trials:
            trial = judged.trial
            if trial.model not in models:
                continue
            panel = [
                Opinion(JUDGE_MODELS.get(judge, judge), score, reasons.get(judge, {}).get(trial) or "")
                for judge, score in judged.scores.items()
            ]
            run = RunFile(trial.model, trial.variant, trial.scenario, table.path)
            self_score = table.own_scores.get(trial)
            itself = trial in table.own_scores and trial.model not in {opinion.judge for opinion in panel}
            of_itself = Opinion(trial.model, self_score, own.get(trial) or "") if itself else None
            found[trial] = PublishedJudgments(imported.identity(run), tuple(panel), of_itself)
    return found


def _reasons(folder: Path) -> Mapping[str, Mapping[TrialId, str | None]]:
    """By judge, from the files of reasons, which may be absent."""
    return {
        file.stem.removeprefix("reasons_").removeprefix("old-"): read_reasons(file)
        for file in sorted(folder.glob("reasons_*.csv"))
    }


def _own_reasons(folder: Path) -> Mapping[TrialId, str | None]:
    place = next((p for p in (folder / SELF_EVAL, folder.parent / SELF_EVAL) if p.is_dir()), None)
    found: dict[TrialId, str | None] = {}
    for file in [] if place is None else sorted(place.glob("reasons_*.csv")):
        found |= read_reasons(file)
    return found
