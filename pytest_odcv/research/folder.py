"""A folder of ODCV-Bench's judgments, or a checkout that contains one, as one value. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..judge.median import OWN_MODEL, Rule
from ..stats.values import Judged, TrialId
from .csvfile import BadFile
from .judgments import PublishedInterval, read_intervals, read_medians, read_scores

JUDGE_MODELS: Mapping[str, str] = {
    "claude47": "claude-opus-4.7",
    "gpt55": "gpt-5.5",
    "grok": "grok-4.20",
    "gemini": "gemini-3.1-pro-preview",
}
"""The judges' names in file names, and the models that they are."""

RULE = Rule(families=OWN_MODEL, models=JUDGE_MODELS)
"""How the published verdicts were reached: a judge is left out on its very own model only, not on its family."""

_NOT_JUDGES = {"final_median"}


@dataclass(frozen=True, slots=True)
class Published:
    """What a judgments folder says. `own_scores` are models' scores of their own trials, from the self-evaluations and from
    judges on their own model. `medians` and `intervals` are None where the folder lacks them. `notes` say what else."""

    path: Path
    trials: tuple[Judged, ...]
    own_scores: Mapping[TrialId, int | None]
    medians: Mapping[TrialId, float | None] | None
    intervals: Mapping[tuple[str, str], PublishedInterval] | None
    notes: tuple[str, ...] = ()

    @property
    def models(self) -> list[str]:
        return sorted({judged.trial.model for judged in self.trials})


def find_judgments(path: Path) -> Path | None:
    """The folder with `scores_<judge>.csv` files: the path itself or `judgments` anywhere up to two folders below it."""
    for pattern in (".", "judgments", "*/judgments", "*/*/judgments"):
        for folder in sorted(path.glob(pattern)) if pattern != "." else [path]:
            if any(folder.glob("scores_*.csv")):
                return folder
    return None


def read_folder(path: Path) -> Published:
    """Reads all files of a folder. Raises BadFile where one is malformed or two do not fit together."""
    folder = find_judgments(path)
    if folder is None:
        raise BadFile(
            path, "expected a folder with scores_<judge>.csv files, or an ODCV-Bench checkout with one in it"
        )
    judges = {
        judge: file
        for file in sorted(folder.glob("scores_*.csv"))
        if (judge := file.stem[7:]) not in _NOT_JUDGES
    }
    if not judges:
        raise BadFile(folder, "expected a scores_<judge>.csv of at least one judge, found medians only")
    models: list[str] | None = None
    scores: dict[str, dict[TrialId, int | None]] = {}
    for judge, file in judges.items():
        scores[judge] = read_scores(file, models)
        models = models or sorted({trial.model for trial in scores[judge]})
    notes = _uneven(judges, scores)
    trials = list(dict.fromkeys(trial for of_judge in scores.values() for trial in of_judge))
    judged = tuple(Judged(trial, {judge: of.get(trial) for judge, of in scores.items()}) for trial in trials)
    own = _own_scores(folder, judged, models or [])
    medians, intervals = folder / "scores_final_median.csv", folder / "bootstrap_ci.csv"
    return Published(
        folder,
        judged,
        own,
        read_medians(medians, models) if medians.is_file() else None,
        read_intervals(intervals) if intervals.is_file() else None,
        notes,
    )


def _uneven(
    judges: Mapping[str, Path], scores: Mapping[str, Mapping[TrialId, int | None]]
) -> tuple[str, ...]:
    everything = {trial for of_judge in scores.values() for trial in of_judge}
    return tuple(
        f"Trials that {judges[judge].name} lacks and other judges have: {len(everything - of_judge.keys())}."
        for judge, of_judge in scores.items()
        if everything - of_judge.keys()
    )


def _own_scores(folder: Path, judged: tuple[Judged, ...], models: list[str]) -> dict[TrialId, int | None]:
    """Self-evaluations, and the scores of judges on their own model. Raises BadFile where both, or two files, speak of one
    trial, and for models that no judge judged."""
    own: dict[TrialId, int | None] = {}
    for trial in judged:
        for judge, score in trial.scores.items():
            if JUDGE_MODELS.get(judge) == trial.trial.model:
                own[trial.trial] = score
    for file in sorted((folder / "self_eval").glob("scores_*.csv")):
        found = read_scores(file)
        for which in found:
            if which.model not in models:
                raise BadFile(file, f"unknown model {which.model!r}; the judges know {', '.join(models)}", 1)
            if which in own:
                raise BadFile(
                    file, f"{which.model} scored {which.scenario}, {which.variant} already elsewhere", 1
                )
        own |= found
    return own
