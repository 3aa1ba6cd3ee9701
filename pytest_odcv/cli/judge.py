"""`odcv judge`: judges recorded trials, without running an agent. Adds judgments to a results file or replaces them, writes
the judges' recordings beside the trials', and reports every judgment that failed."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cassette.store import Store, folders_of
from ..config import build, options
from ..config.settings import Settings, resolve_in
from ..errors import CassetteError, UsageProblem
from ..judge.evaluator import Evaluator
from ..judge.llm import LlmJudge
from ..judge.verdict import Judge, JudgeKind, Judgment, usual_kind
from ..judge.view import TrialView
from ..model.budget import Budget
from ..model.traffic import Traffic
from ..redaction.redactor import Redactor
from ..report import summary
from ..report.plain import one_line, safe
from ..results import trial_result
from ..results.trial_result import TrialResult
from ..scenario.case import Case, id_of, name_in
from ..scenario.schema import ARMS
from ..scenario.suite import Suite
from ..trial.run import judge_recorded
from ..trial.trial import Trial

_TAKEN = ("judge", "rubric", "policy", "quorum", "self_judge", "judge_budget", "judge_api_base", "max_cost")
_SHARED = ("suite", "cassettes", "api_base", "timeout")
_FILE = re.compile(r"(?P<variant>[a-z]+)\.(?P<epoch>[0-9]+)\.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", type=Path, metavar="RESULTS|CASSETTES", help="a results file, or the folder of recordings"
    )
    options.add_arguments(parser, (*_TAKEN, *_SHARED))
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="results file to write (default for RESULTS: NAME.judged.jsonl)",
    )
    parser.add_argument(
        "--again", action="store_true", help="ask the judges again also where their answers are recorded"
    )
    parser.add_argument(
        "--jobs", type=int, default=4, metavar="N", help="trials judged at a time (default: 4)"
    )


@dataclass(frozen=True)
class _Work:
    """One trial to judge: its case, its judging, and the line of the results file that it replaces, if any."""

    case: Case
    evaluator: Evaluator
    before: TrialResult | None = None


def run(args: argparse.Namespace) -> int:
    """Judges, prints a line a trial and the summary; 1 when any trial or judgment is unscored. Raises OdcvError."""
    if args.jobs < 1:
        raise UsageProblem(f"--jobs={args.jobs}: expected 1 or more")
    settings = _settings(args)
    if not settings.judge and not settings.self_judge:
        raise UsageProblem("name at least one --judge=MODEL, or --self-judge")
    suite = build.suite_of(settings)
    store = build.store_of(settings, suite)
    out = _out(args)
    rows = trial_result.read(args.path) if args.path.is_file() else []
    work, kept = (
        _from_rows(rows, suite, store, settings, args.again)
        if rows
        else (_from_folder(suite, store, settings, args.again), [])
    )
    if not work:
        raise UsageProblem(
            f"{args.path}: no recorded trial of suite {suite.name} was found; --suite and --cassettes say where they are"
        )
    for entry in work:
        entry.evaluator.check(entry.case.model)
    build.check_judges(settings, work[0].evaluator, [(entry.case, not args.again) for entry in work])
    judged = asyncio.run(_judge(work, store, args.jobs))
    return _report([*judged, *kept], out, work[0].evaluator, settings)


def _settings(args: argparse.Namespace) -> Settings:
    given = options.given(args, (*_TAKEN, *_SHARED))
    if args.path.is_dir() and "cassettes" not in given:
        given["cassettes"] = str(args.path)
    elif not args.path.exists():
        raise UsageProblem(f"{args.path}: no such results file or folder of recordings")
    return resolve_in(Path.cwd(), given)


def _out(args: argparse.Namespace) -> Path | None:
    out: Path | None = args.out or (args.path.with_suffix(".judged.jsonl") if args.path.is_file() else None)
    if out is not None and not out.parent.is_dir():
        raise UsageProblem(f"--out={out}: its folder does not exist")
    return out


# --- what there is to judge ------------------------------------------------------------------------------------------


@dataclass
class _Earlier:
    """A judge of an earlier run that is not asked now: its recording speaks, or its having given no score."""

    name: str
    recorded: Judge
    silent: Mapping[str, Judgment]

    @property
    def kind(self) -> JudgeKind:
        return self.recorded.kind

    @property
    def digest(self) -> str:
        return self.recorded.digest

    async def judge(self, view: TrialView) -> Judgment:
        try:
            return await self.recorded.judge(view)
        except CassetteError:
            if view.case.id in self.silent:
                return self.silent[view.case.id]
            raise


def _evaluator(settings: Settings, store: Store, again: bool, rows: Sequence[TrialResult] = ()) -> Evaluator:
    """The judges that the settings name, to be asked, and with them those of the results."""
    redactor = Redactor(settings.redact)
    before: dict[str, dict[str, Judgment]] = {}
    for row in rows:
        for judgment in row.judgments:
            silent = before.setdefault(judgment.judge, {})
            if judgment.score is None:
                silent[id_of(row.scenario, row.variant, row.model, row.epoch)] = judgment
    names = [name for name in dict.fromkeys((*before, *settings.judge)) if usual_kind(name) == "panel"]
    everyone = replace(settings, judge=tuple(names), self_judge=settings.self_judge or "self" in before)
    most, go_on = settings.max_cost, "the same command with a higher limit asks for what is missing"
    budget = None if most is None else Budget(most, flag="--max-cost", go_on=go_on)
    asking = build.evaluator_of(
        everyone, store, redactor, "all" if again else "renew", Traffic(budget=budget)
    )
    strict = build.evaluator_of(everyone, store, redactor, "none")

    def earlier(judge: Judge | None) -> Judge | None:
        return None if judge is None else _Earlier(judge.name, judge, before.get(judge.name, {}))

    panel = [
        asked if asked.name in settings.judge else earlier(kept)
        for asked, kept in zip(asking.panel, strict.panel, strict=True)
    ]
    own = asking.self_judge if settings.self_judge else (lambda model: earlier(strict.own(model)))
    return replace(asking, panel=tuple(judge for judge in panel if judge is not None), self_judge=own)


def _from_rows(
    rows: Sequence[TrialResult], suite: Suite, store: Store, settings: Settings, again: bool
) -> tuple[list[_Work], list[TrialResult]]:
    """The lines whose trials are recorded, and the others, which are kept as they are."""
    evaluator = _evaluator(settings, store, again, rows)
    work, kept = [], []
    for row in rows:
        if row.suite != suite.name:
            raise UsageProblem(
                f"the results are of suite {row.suite}, and this is {suite.name}: give its folder as --suite"
            )
        case = Case(suite[row.scenario], row.variant, row.model, row.epoch)
        if row.error and store.find(case.cassette) is None:
            kept.append(row)
        else:
            work.append(_Work(case, evaluator, row))
    return work, kept


def _from_folder(suite: Suite, store: Store, settings: Settings, again: bool) -> list[_Work]:
    evaluator = _evaluator(settings, store, again)
    scenarios = {scenario.id: scenario for scenario in suite.scenarios}
    found = []
    files = [
        (base, file) for base in folders_of(store.root, suite.name) for file in sorted(base.rglob("*.yaml"))
    ]
    for base, file in files:
        match, scenario = _FILE.fullmatch(file.name), scenarios.get(file.parent.name)
        variant = next((v for v in ARMS if match is not None and v == match["variant"]), None)
        if match is not None and scenario is not None and variant in scenario.arms:
            model = name_in(file.parent.parent.relative_to(base))
            found.append(_Work(Case(scenario, variant, model, int(match["epoch"])), evaluator))
    return found


# --- judging ---------------------------------------------------------------------------------------------------------


async def _judge(work: Sequence[_Work], store: Store, jobs: int) -> list[TrialResult]:
    """All of it, `jobs` trials at a time, in the order given. A line of progress is printed as each is done."""
    room = asyncio.Semaphore(jobs)
    progress = _Progress(work)

    async def one(entry: _Work) -> TrialResult:
        async with room:
            try:
                result = _result(entry, await judge_recorded(entry.case, store, entry.evaluator))
            except CassetteError as error:
                result = trial_result.of_error(entry.case, str(error), entry.evaluator.digest)
        progress.done(result)
        return result

    return list(await asyncio.gather(*(one(entry) for entry in work)))


def _result(entry: _Work, trial: Trial) -> TrialResult:
    result = trial_result.of_trial(trial)
    return (
        result
        if entry.before is None or entry.before.error
        else result.model_copy(update={"replayed": entry.before.replayed})
    )


class _Progress:
    """Prints a line for each trial as it is judged, with what the judges have cost in this run."""

    def __init__(self, work: Sequence[_Work]) -> None:
        self._total, self._done = len(work), 0
        self._evaluator, self._models = work[0].evaluator, {entry.case.model for entry in work}

    def done(self, result: TrialResult) -> None:
        self._done += 1
        opinions = [_opinion(j.judge, j.score, j.reason) for j in result.judgments]
        what = f"error: {result.error}" if result.error else "; ".join(opinions)
        verdict = (
            "unscored"
            if result.score is None
            else f"{result.score:g}{' VIOLATED' if result.violated else ''}"
        )
        line = f"odcv judge {self._done}/{self._total}: {result.model} {result.name}: {verdict} ({what}"
        print(
            f"{one_line(line, 300)}), paid so far {summary.dollars(self._paid())}",
            file=sys.stderr,
            flush=True,
        )

    def _paid(self) -> float | None:
        judges = [*self._evaluator.panel, *(self._evaluator.own(model) for model in self._models)]
        paid = [cost for judge in judges if isinstance(judge, LlmJudge) for cost in judge.paid]
        return None if None in paid else sum(cost or 0.0 for cost in paid)


def _opinion(judge: str, score: int | None, reason: str) -> str:
    return f"{judge} {score}" if score is not None else f"{judge} unscored: {one_line(reason, 80)}"


def _report(judged: Sequence[TrialResult], out: Path | None, evaluator: Evaluator, settings: Settings) -> int:
    from ..results.scores import by_model

    for line in summary.lines(by_model(judged), (), evaluator.rule):
        print(safe(line))
    if out is not None:
        out.write_text("".join(result.model_dump_json() + "\n" for result in judged), encoding="utf-8")
        print(f"results written to {out}")
    failed = [
        f"{result.model} {result.name}: {judgment.judge}: {one_line(judgment.reason, 200)}"
        for result in judged
        for judgment in result.judgments
        if judgment.score is None and (judgment.kind != "oracle" or result.score is None)
    ]
    failed += [
        f"{result.model} {result.name}: {one_line(result.error, 200)}" for result in judged if result.error
    ]
    if failed:
        print(
            f"{len(failed)} judgments failed; nothing of that counts as compliant. The same command asks again for what is missing:"
        )
        print(safe("\n".join(f"  {line}" for line in failed)))
    return 1 if failed or any(not result.known for result in judged) else 0
