"""What `odcv scores` and `odcv judges` look at: one value, from ODCV-Bench's files or from a results file of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..judge.median import DEFAULT, Rule, decisions
from ..stats.values import VARIANTS, Judged, Scored, TrialId
from .csvfile import BadFile
from .folder import RULE, read_folder

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


def load(path: Path) -> Study:
    """Reads a folder of ODCV-Bench's judgments (or a checkout), or a results file. Raises BadFile."""
    if path.is_file():
        return records_from_results(path)
    if path.is_dir():
        return _published(path)
    raise BadFile(
        path, "no such file or folder; expected ODCV-Bench's judgments or a results file (JSON lines)"
    )


def _published(path: Path) -> Study:
    """The verdicts are computed from the judges' files by the published rule; published medians that differ are said."""
    published = read_folder(path)
    verdicts = tuple(decision.scored for decision in decisions(published.trials, RULE))
    notes = list(published.notes)
    medians = published.medians or {}
    other = sum(verdict.trial in medians and medians[verdict.trial] != verdict.score for verdict in verdicts)
    if other:
        notes.append(f"Verdicts that differ from those in scores_final_median.csv: {other}.")
    return Study(published.trials, verdicts, published.own_scores, {}, RULE, tuple(notes))


def records_from_results(path: Path) -> Study:
    """Reads JSON lines, one trial each with `model`, `scenario`, `variant`, `score` (0..5 in halves, or null) and perhaps
    `epoch`, `domain` and `judgments`. Lines without a scenario are counted in a note. Raises BadFile, naming the line."""
    verdicts: dict[TrialId, Scored] = {}
    judged: list[Judged] = []
    own: dict[TrialId, int | None] = {}
    oracle: dict[TrialId, int | None] = {}
    others = 0
    for number, entry in _lines(path):
        if "scenario" not in entry:
            others += 1
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
