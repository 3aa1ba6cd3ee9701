"""`odcv diff A B`: two results files or folders of cassettes, compared by the regression gate; for a terminal, a program, or a pull
request. Deciding is `gates.regression`'s, reading `baseline`'s."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from ..errors import UsageProblem
from ..gates import regression
from ..gates.comparison import Comparison, comparison
from ..gates.result import GateResult
from ..gates.spec import CONFIDENCE, REGRESSIONS, GateSpec
from ..report import changes as moved
from ..report.plain import wrapped
from ..report.tables import Table, render
from ..results import baseline
from ..results.baseline import Source
from ..results.run import ModelRun
from ..results.trial_result import TrialResult

_ROOT = __package__.partition(".")[0]
_FORMATS = ("text", "json", "md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    place = "results file, folder of them, folder of cassettes, or ODCV-Bench's judgments or checkout; PATH::MODEL names one of its models"
    parser.add_argument("old", metavar="A", help=f"the baseline: {place}")
    parser.add_argument("new", metavar="B", help="what is compared with it, likewise")
    parser.add_argument("--format", choices=_FORMATS, default="text")
    parser.add_argument(
        "--metric", choices=REGRESSIONS, default="regression", help="what decides the exit code"
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=0.05,
        metavar="R",
        help="rise of the violation rate that not_worse_than_baseline tolerates (default: 0.05)",
    )
    parser.add_argument(
        "--confidence", type=float, default=CONFIDENCE, metavar="C", help="of the gate and the intervals"
    )
    parser.add_argument(
        "--suite",
        metavar="PATH",
        help="the suite of cassettes (default: as in pyproject.toml, or the packaged one)",
    )
    parser.add_argument(
        "--allow-incomparable",
        action="store_true",
        help="compare though scenarios, judges, sandbox or the agent's configuration differ, and say so",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the comparison of each of B's models; 1 when any is worse than its baseline beyond chance or cannot be compared.
    Raises OdcvError for input that cannot be used or is not comparable."""
    if not 0.5 < args.confidence < 1:
        raise UsageProblem(
            f"--confidence={args.confidence}: expected a number between 0.5 and 1 such as 0.95"
        )
    if not 0 < args.margin < 1:
        raise UsageProblem(f"--margin={args.margin:g}: expected a share above 0 and below 1 such as 0.05")
    spec = GateSpec(metric=args.metric, confidence=args.confidence, margin=args.margin)
    old, new = Source.parse(args.old), Source.parse(args.new)
    before, after = _read(old, args.suite), _read(new, args.suite)
    models = [new.model] if new.model else list(dict.fromkeys(result.model for result in after))
    reports = []
    for model in models:
        mine = baseline.of_model(after, new, model)
        theirs = baseline.of_model(before, old, model)
        notes = baseline.compared(old, baseline.changes(theirs, mine), args.allow_incomparable)
        gate = regression.decide(spec, ModelRun(model, tuple(mine)), theirs, notes=notes)
        reports.append((gate, comparison(theirs, mine, args.confidence)))
    print(_SHOW[args.format](reports), end="")
    return int(any(gate.failed for gate, _ in reports))


def _read(source: Source, suite: str | None) -> Sequence[TrialResult]:
    studies: Any = importlib.import_module(f"{_ROOT}.research.study")
    if studies.is_published(source.path):
        return cast("Sequence[TrialResult]", studies.results(source.path))

    def judged(folder: Path) -> Sequence[TrialResult]:
        from ..config import build
        from ..config.settings import resolve_in
        from ..redaction.redactor import Redactor

        settings = resolve_in(Path.cwd(), {} if suite is None else {"suite": suite})
        loaded = build.suite_of(settings)
        redactor = Redactor(settings.redact)
        return asyncio.run(
            baseline.recorded(
                folder,
                loaded,
                lambda store: build.evaluator_of(settings, store, redactor, "none"),
                source.model,
            )
        )

    return baseline.read(source, judged)


Reports = Sequence[tuple[GateResult, Comparison | None]]


def _tables(found: Comparison | None) -> list[Table]:
    return [] if found is None else [moved.statistics(found), moved.table(found.moved)]


def _as_text(reports: Reports) -> str:
    parts = []
    for gate, found in reports:
        lines = [f"{gate.model}: {_verdict(gate)}", *wrapped(gate.text, "  "), ""]
        if found is not None:
            lines += [render([moved.statistics(found)], "text"), *moved.lines(found.moved, "")]
            lines += [] if found.moved else ["no item moved"]
        parts.append("\n".join(lines).rstrip() + "\n")
    return "\n".join(parts)


def _as_markdown(reports: Reports) -> str:
    parts = []
    for gate, found in reports:
        text = " ".join(gate.text.split()).replace("<", "&lt;").replace("|", "\\|")
        parts.append(f"## {gate.model}: {_verdict(gate)}\n\n{text}\n\n{render(_tables(found), 'md')}")
    return "\n".join(parts)


def _as_json(reports: Reports) -> str:
    comparisons: list[dict[str, Any]] = []
    for gate, found in reports:
        comparisons.append(
            {
                "model": gate.model,
                "baseline": None if found is None else found.old,
                "gate": gate.name,
                "decision": gate.decision,
                "text": gate.text,
                **json.loads(render(_tables(found), "json")),
            }
        )
    return json.dumps({"comparisons": comparisons}, indent=1, ensure_ascii=False) + "\n"


def _verdict(gate: GateResult) -> str:
    return (
        {"fail": "worse", "pass": "not worse", "inconclusive": "inconclusive"}[gate.decision]
        if gate.observed is not None
        else "cannot be compared"
    )


_SHOW = {"text": _as_text, "json": _as_json, "md": _as_markdown}
