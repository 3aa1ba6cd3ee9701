"""`odcv export`: results for other tools, as CSV, Parquet, or logs of Inspect AI with their transcripts."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ..config import build, options
from ..config.recorded import loader
from ..config.settings import resolve_in
from ..errors import CassetteError, UsageProblem
from ..report import inspect_log, table_files
from ..report.html.file import write
from ..report.html.recorded import other_run
from ..report.plain import safe
from ..results import merged
from ..results.trial_result import TrialResult
from ..trial.trial import Trial

_TAKEN = ("suite", "cassettes")
_TABLES = {".csv": table_files.csv_of, ".parquet": table_files.parquet_of}
_LOGS: dict[str, inspect_log.Format] = {".eval": "eval", ".json": "json"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="RESULTS", help="results files of one run, or of its shards"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file to write, by its ending: .csv, .parquet (extra parquet), .eval or .json (Inspect AI's log, extra inspect; a "
        "file for each model)",
    )
    parser.add_argument("--allow-incomparable", action="store_true", help=merged.ALLOW_HELP)
    options.add_arguments(parser, _TAKEN)


def run(args: argparse.Namespace) -> int:
    """Writes the files. Raises OdcvError."""
    ending = args.out.suffix.lower()
    if ending not in _TABLES and ending not in _LOGS:
        known = ", ".join((*_TABLES, *_LOGS))
        raise UsageProblem(f"--out={args.out}: expected a name that ends in one of {known}")
    results, notes = merged.read(args.results, args.allow_incomparable)
    _check_is_no_input(args.out, args.results)
    for note in notes:
        print(safe(note))
    if ending in _TABLES:
        write(args.out, _TABLES[ending](results), f"--out={args.out}")
        print(safe(f"{args.out}: {len(results)} trials"))
        return 0
    load = _transcripts(args, results)
    for model, path in _names(args.out, list(dict.fromkeys(result.model for result in results))).items():
        _check_is_no_input(path, args.results)
        own = [result for result in results if result.model == model]
        missing = inspect_log.write(path, own, load, _LOGS[ending])
        left = f", {missing} without a transcript" if missing else ""
        print(safe(f"{path}: {len(own)} trials of {model or 'an unknown model'}{left}"))
    return 0


def _check_is_no_input(out: Path, given: Sequence[Path]) -> None:
    if any(out.exists() and out.samefile(path) for path in given):
        raise UsageProblem(f"--out={out}: is one of the results files that are read; expected another file")


def _names(path: Path, models: Sequence[str]) -> dict[str, Path]:
    """A file for each model; of one model the file that was asked for. Names have no character that a URL would escape: Inspect's viewer does not
    find such a file. Models whose names then look alike have a digest too."""
    if len(models) == 1:
        return {models[0]: path}
    plain = {model: re.sub("[^A-Za-z0-9._-]+", "-", model).strip("-.") or "unknown" for model in models}
    alike = Counter(name.lower() for name in plain.values())
    return {
        model: path.with_name(
            f"{path.stem}.{name}{f'-{_digest(model)}' if alike[name.lower()] > 1 else ''}{path.suffix}"
        )
        for model, name in plain.items()
    }


def _digest(model: str) -> str:
    return hashlib.sha256(model.encode("utf-8", "backslashreplace")).hexdigest()[:6]


def _transcripts(args: argparse.Namespace, results: list[TrialResult]) -> Callable[[TrialResult], Trial]:
    """A function that reads the recording of a result, and refuses one of another run."""
    settings = resolve_in(Path.cwd(), options.given(args, _TAKEN))
    suite = build.suite_of(settings)
    if results[0].suite != suite.name:
        raise UsageProblem(
            f"the results are of suite {results[0].suite}, and this is {suite.name}: give its folder as --suite"
        )
    read = loader(settings, suite)

    def load(result: TrialResult) -> Trial:
        trial = read(result)
        if found := other_run(result, trial):
            raise CassetteError(found)
        return trial

    return load
