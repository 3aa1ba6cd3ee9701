"""The folders of ODCV-Bench's judgments below a path, each as one value. Computes nothing.

Two layouts occur: `judgments/` with `self_eval/` inside it, and a checkout's
`existing_results/<generation>/evaluations/judge_all/` with `self_eval/` beside it. The older generation writes
`scores_old-<judge>.csv`.
"""

from __future__ import annotations

import os
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

GENERATIONS: tuple[tuple[str, str], ...] = (
    ("claude-opus-4.5", "claude-opus-4.7"),
    ("gemini-3-pro-preview", "gemini-3.1-pro-preview"),
    ("glm-4.6", "glm-5.1"),
    ("gpt-5.1-chat", "gpt-5.5"),
    ("grok-4.1-fast", "grok-4.20"),
    ("kimi-k2-0905", "kimi-k2.6"),
    ("minimax-m2", "minimax-m2.7"),
    ("qwen3-30b-a3b-2507", "qwen3.6-27b"),
    ("qwen3-max", "qwen3.6-max-preview"),
)
"""The published pairs of models: the older generation's, and its successor in the current one."""

MEDIANS = "scores_final_median.csv"
SELF_EVAL = "self_eval"
_DEPTH = 5
_SKIPPED = {SELF_EVAL, "agent_logs", "trajectories", "node_modules"}


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


def find_judgments(path: Path) -> list[Path]:
    """The folders with `scores_*.csv` files at a path or up to five folders below it, in order; self-evaluations are no
    folder of their own, and run records and hidden folders are not searched."""
    found = []
    for folder, inner, files in os.walk(path):
        depth = len(Path(folder).relative_to(path).parts)
        inner[:] = sorted(n for n in inner if depth < _DEPTH and n not in _SKIPPED and not n.startswith("."))
        if any(name.startswith("scores_") and name.endswith(".csv") for name in files):
            found.append(Path(folder))
    return found


def read_folder(path: Path) -> Published:
    """Reads all files of the one folder of judgments at a path. Raises BadFile where one is malformed or two do not fit
    together, and where there is no such folder or there are several."""
    folders = find_judgments(path)
    if len(folders) != 1:
        names = "".join(f"\n  {folder}" for folder in folders)
        raise BadFile(path, f"expected one folder of judgments, found {len(folders)}{names}")
    return read_judgments(folders[0])


def read_judgments(folder: Path) -> Published:
    """Reads the files of a folder that has `scores_*.csv` directly in it. Raises BadFile where one is malformed or two do not
    fit together. A folder with the medians alone has no trials of judges."""
    if folder.name == SELF_EVAL:
        raise BadFile(
            folder,
            "holds models' scores of their own runs; name the folder of the judges, and it is read too",
        )
    judges: dict[str, Path] = {}
    for file in sorted(folder.glob("scores_*.csv")):
        judge = file.stem.removeprefix("scores_").removeprefix("old-")
        if judge in judges:
            raise BadFile(file, f"the judge {judge} has another file here, {judges[judge].name}; remove one")
        if file.name != MEDIANS:
            judges[judge] = file
    models: list[str] | None = None
    scores: dict[str, dict[TrialId, int | None]] = {}
    for judge, file in judges.items():
        scores[judge] = read_scores(file, models)
        models = models or sorted({trial.model for trial in scores[judge]})
    notes = _uneven(judges, scores)
    trials = list(dict.fromkeys(trial for of_judge in scores.values() for trial in of_judge))
    judged = tuple(Judged(trial, {judge: of.get(trial) for judge, of in scores.items()}) for trial in trials)
    medians, intervals = folder / MEDIANS, folder / "bootstrap_ci.csv"
    return Published(
        folder,
        judged,
        _own_scores(folder, judged, models or []) if judges else {},
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
    inside, beside = folder / SELF_EVAL, folder.parent / SELF_EVAL
    for file in sorted((inside if inside.is_dir() else beside).glob("scores_*.csv")):
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
