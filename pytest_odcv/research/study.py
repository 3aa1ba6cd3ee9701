"""What `odcv scores` and `odcv judges` look at: one value, from ODCV-Bench's files or from a results file of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import UsageProblem
from ..judge.median import DEFAULT, Rule, decisions
from ..results.trial_result import TrialResult
from ..scenario.schema import CONTROL
from ..stats.values import VARIANTS, Judged, Scored, TrialId
from .csvfile import BadFile
from .folder import MEDIANS, RULE, Published, find_judgments, read_judgments
from .judgments import read_medians

SUITE = "odcv-bench"
"""The suite that published runs belong to."""

ORACLE, SELF = "oracle", "self"
"""Names of judges that are not of the panel: the oracle, and the model under test itself (`self` or `self:...`)."""


@dataclass(frozen=True, slots=True)
class Study:
    """Trials with the scores of the panel's judges, the verdicts, models' scores of their own trials (empty where nobody
    asked them), the oracle's scores (likewise), the panel's rule, and what a reader should know."""

    judged: tuple[Judged, ...]
    verdicts: tuple[Scored, ...]
    own_scores: Mapping[TrialId, int | None]
    oracle: Mapping[TrialId, int | None]
    rule: Rule
    notes: tuple[str, ...] = ()


PLACES = (
    "ODCV-Bench's judgments folder or checkout, one of its generations, a file of medians, or a results file"
)
"""What `load` reads, for the help of subcommands."""


def load(*paths: Path) -> Study:
    """Reads folders of ODCV-Bench's judgments (or whatever contains some: a checkout, a generation), files of scores, or
    results files, together. Raises BadFile, and UsageProblem for a trial that two of them have."""
    studies = [study for path in paths for study in _at(path)]
    return studies[0] if len(studies) == 1 else _together(studies)


def is_published(path: Path) -> bool:
    """Whether a path is of ODCV-Bench's files: a CSV file of scores, or a folder with one in it."""
    return path.suffix == ".csv" if path.is_file() else bool(find_judgments(path))


def results(path: Path) -> list[TrialResult]:
    """The verdicts of ODCV-Bench's files as results of trials, for comparisons. They know nothing of how a run ended. Raises
    BadFile."""
    return [
        TrialResult(
            suite=SUITE,
            scenario=verdict.trial.scenario,
            domain="",
            variant=cast("Any", verdict.trial.variant),
            model=verdict.trial.model,
            scripted=False,
            epoch=1,
            score=verdict.score,
            policy="panel",
        )
        for verdict in load(path).verdicts
    ]


def _at(path: Path) -> list[Study]:
    if path.is_file():
        return [_lone(path) if path.suffix == ".csv" else records_from_results(path)]
    if not path.is_dir():
        raise BadFile(path, f"no such file or folder; expected {PLACES}")
    folders = find_judgments(path)
    if not folders:
        raise BadFile(path, f"has no scores_<judge>.csv in it; expected {PLACES}")
    return [_published(read_judgments(folder)) for folder in folders]


def _lone(path: Path) -> Study:
    """A file of scores by itself: medians, or those of one judge, are the verdicts as they stand."""
    note = f"Verdicts are as {path.name} has them; whose scores they come from is not known."
    return _of_medians(read_medians(path), note)


def _of_medians(medians: Mapping[TrialId, float | None], note: str) -> Study:
    return Study((), tuple(Scored(trial, score) for trial, score in medians.items()), {}, {}, RULE, (note,))


def _published(published: Published) -> Study:
    """The verdicts are computed from the judges' files by the published rule; published medians that differ are said."""
    medians = published.medians or {}
    if not published.trials:
        return _of_medians(
            medians, f"No judge has a file in {published.path}; verdicts are those of {MEDIANS}."
        )
    verdicts = tuple(decision.scored for decision in decisions(published.trials, RULE))
    notes = list(published.notes)
    other = sum(verdict.trial in medians and medians[verdict.trial] != verdict.score for verdict in verdicts)
    if other:
        notes.append(f"Verdicts that differ from those in {MEDIANS}: {other}.")
    if lost := len(medians.keys() - {verdict.trial for verdict in verdicts}):
        notes.append(f"Trials of {MEDIANS} that no judge's file has: {lost}.")
    return Study(published.trials, verdicts, published.own_scores, {}, RULE, tuple(notes))


def _together(studies: Sequence[Study]) -> Study:
    """Several as one. Raises UsageProblem for a trial that two have, because one of its scores would be lost, and where panels
    decide by different rules."""
    seen: set[TrialId] = set()
    for verdict in (verdict for study in studies for verdict in study.verdicts):
        if verdict.trial in seen:
            raise UsageProblem(f"{_named(verdict.trial)} is in two of the places; name one of them")
        seen.add(verdict.trial)
    rules = {id(study.rule): study.rule for study in studies}
    if len(rules) > 1:
        raise UsageProblem(
            "ODCV-Bench's judgments and results of ours cannot be read as one study, because their panels leave judges out "
            "by different rules; run the command for each"
        )
    return Study(
        tuple(judged for study in studies for judged in study.judged),
        tuple(verdict for study in studies for verdict in study.verdicts),
        {trial: score for study in studies for trial, score in study.own_scores.items()},
        {trial: score for study in studies for trial, score in study.oracle.items()},
        studies[0].rule,
        tuple(dict.fromkeys(note for study in studies for note in study.notes)),
    )


def records_from_results(path: Path) -> Study:
    """Reads JSON lines, one trial each with `model`, `scenario`, `variant`, `score` (0..5 in halves, or null) and perhaps
    `epoch`, `domain` and `judgments`. Lines without a scenario are counted in a note. Raises BadFile, naming the line."""
    verdicts: dict[TrialId, Scored] = {}
    judged: list[Judged] = []
    own: dict[TrialId, int | None] = {}
    oracle: dict[TrialId, int | None] = {}
    others = control = 0
    for number, entry in _lines(path):
        if "scenario" not in entry:
            others += 1
            continue
        if entry.get("variant") == CONTROL:
            control += 1
            continue
        verdict = _verdict(path, number, entry)
        if verdict.trial in verdicts:
            raise BadFile(path, f"{_named(verdict.trial)} is there twice", number)
        verdicts[verdict.trial] = verdict
        scores = _scores(path, number, entry)
        for name in [name for name in scores if name == SELF or name.startswith(f"{SELF}:")]:
            own[verdict.trial] = scores.pop(name)
        if ORACLE in scores:
            oracle[verdict.trial] = scores.pop(ORACLE)
        judged.append(Judged(verdict.trial, scores))
    if not verdicts:
        raise BadFile(path, "expected a line of JSON for each trial, found no trial")
    notes = (f"Lines of {path.name} that are not trials: {others}.",) if others else ()
    if control:
        notes = (*notes, f"Trials of the control arm, which are not counted here: {control}.")
    return Study(tuple(judged), tuple(verdicts.values()), own, oracle, DEFAULT, notes)


def _lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadFile(path, "is not in UTF-8; expected a results file (JSON lines)") from None
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict):
                raise BadFile(path, f"expected an object of JSON, found {line[:40]!r}", number)
            found.append((number, entry))
    return found


def _verdict(path: Path, number: int, entry: dict[str, Any]) -> Scored:
    for key in ("model", "scenario", "variant"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise BadFile(path, f"expected a text, found {entry.get(key)!r}", number, key)
    if entry["variant"] not in VARIANTS:
        raise BadFile(
            path, f"expected {' or '.join(VARIANTS)}, found {entry['variant']!r}", number, "variant"
        )
    if "score" not in entry:
        raise BadFile(path, "expected a score 0..5 or null, found nothing", number, "score")
    epoch = entry.get("epoch", 0)
    if not isinstance(epoch, int):
        raise BadFile(path, f"expected a whole number, found {epoch!r}", number, "epoch")
    trial = TrialId(
        entry["model"], entry["scenario"], entry["variant"], epoch, str(entry.get("domain") or "")
    )
    score = entry["score"]
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise BadFile(path, f"expected a score 0..5 or null, found {score!r}", number, "score")
    try:
        return Scored(trial, score)
    except (ValueError, OverflowError):
        raise BadFile(
            path, f"expected a score 0..5 in halves or null, found {score!r}", number, "score"
        ) from None


def _scores(path: Path, number: int, entry: dict[str, Any]) -> dict[str, int | None]:
    """Whole scores by judge; a judge twice on one trial is an error, because one of the two would be lost."""
    judgments = entry.get("judgments") or []
    found: dict[str, int | None] = {}
    for judgment in judgments if isinstance(judgments, list) else [judgments]:
        judge = judgment.get("judge") if isinstance(judgment, dict) else None
        if not isinstance(judge, str) or judge in found:
            raise BadFile(
                path,
                f"expected judgments with a judge's name each, every judge once, found {judge!r}",
                number,
                "judgments",
            )
        score = judgment.get("score")
        if score is not None and (isinstance(score, bool) or score not in range(6)):
            raise BadFile(
                path,
                f"expected {judge}'s score to be whole, 0..5, or null, found {score!r}",
                number,
                "judgments",
            )
        found[judge] = None if score is None else int(score)
    return found


def _named(trial: TrialId) -> str:
    return f"{trial.scenario}, {trial.variant}, {trial.model}, epoch {trial.epoch}"
