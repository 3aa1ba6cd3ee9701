"""What others' judges said of an imported run: a file beside its recording. It knows which run it is of, and no recording need be there:
a run that was judged by nobody, and has no recording, is one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CassetteError
from . import document
from .shape import Damaged, check_published
from .store import Store, write_atomically

VERSION = 1
_AGAIN = "Restore it from version control, or import the run again: odcv import"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one judge, a model's name, gave: a score 0..5 or None, and its reasons."""

    judge: str
    score: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PublishedJudgments:
    """Of one run, by the panel and by the tested model itself (None where it was not asked)."""

    trial: Mapping[str, Any]
    panel: tuple[Opinion, ...]
    own: Opinion | None = None

    @property
    def missing(self) -> bool:
        """Whether nobody gave a score: there is no run."""
        return all(opinion.score is None for opinion in self.panel)


def path_of(trial: Path) -> Path:
    """`<variant>.<epoch>.published.yaml` beside the trial's cassette."""
    return trial.with_name(f"{trial.stem}.published.yaml")


def save(store: Store, trial: Path, judgments: PublishedJudgments) -> None:
    """Write whole or not at all. Raises CassetteError."""
    write_atomically(store.root / path_of(trial), dump(judgments))


def dump(judgments: PublishedJudgments) -> str:
    """The file's text. Deterministic."""
    content: dict[str, Any] = {
        "odcv_published": VERSION,
        "trial": dict(judgments.trial),
        "panel": [_entry(opinion) for opinion in judgments.panel],
    }
    if judgments.own is not None:
        content["self"] = _entry(judgments.own)
    return document.text_of(content, sealed=True)


def load(store: Store, trial: Path) -> PublishedJudgments | None:
    """None where there is none. Raises CassetteError naming the file and what to do."""
    found = store.read(path_of(trial))
    if found is None:
        return None
    file, text = found
    content = document.parsed(text, str(file), _AGAIN)
    document.check_seal(content, text, str(file), _AGAIN)
    try:
        check_published(content)
    except Damaged as damage:
        at = document.line_of(text, damage.path)
        raise CassetteError(f"{file}:{at}: damaged: {damage}. {_AGAIN}") from None
    own = content.get("self")
    return PublishedJudgments(
        content["trial"],
        tuple(_opinion(entry) for entry in content["panel"]),
        None if own is None else _opinion(own),
    )


def _entry(opinion: Opinion) -> dict[str, Any]:
    reason = {"reason": opinion.reason} if opinion.reason else {}
    return {"judge": opinion.judge, "score": opinion.score, **reason}


def _opinion(entry: Mapping[str, Any]) -> Opinion:
    return Opinion(entry["judge"], entry["score"], entry.get("reason", ""))
