"""With `--odcv-epochs=auto`: whether a model still needs its next epoch. On an xdist worker the other workers' results come from
a folder that all of them write to."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from ..gates.board import Board
from ..results.run import ModelRun
from ..results.trial_result import TrialResult

_PATIENCE = 600.0
"""Seconds that a worker waits for the others' trials of an epoch before it goes on without knowing."""
_POLL = 0.05


class Epochs:
    """epochs=auto: which models are settled after which epoch. `folder` is None in a run without workers."""

    def __init__(self, board: Board, folder: Path | None) -> None:
        self._board, self._folder = board, folder
        self._settled: dict[tuple[str, int], bool] = {}
        self._known: dict[str, TrialResult] = {}

    def add(self, result: TrialResult) -> None:
        """A trial that ended in this process."""
        self._known[f"{result.model} {result.name}"] = result
        if self._folder is not None:
            name = secrets.token_hex(16)
            (self._folder / f"{name}.part").write_text(result.model_dump_json(), encoding="utf-8")
            (self._folder / f"{name}.part").rename(self._folder / f"{name}.json")

    def needless(self, model: str, epoch: int, expected: Sequence[tuple[str, int]]) -> bool:
        """Whether a model's gates are settled before this epoch. `expected` are name and epoch of all of the model's trials."""
        return any(self._after(model, earlier, expected) for earlier in range(1, epoch))

    def _after(self, model: str, epoch: int, expected: Sequence[tuple[str, int]]) -> bool:
        key = (model, epoch)
        if key not in self._settled:
            names = {name for name, of in expected if of <= epoch}
            results = self._results(model, names)
            known = results is not None
            self._settled[key] = known and self._board.settled(ModelRun(model, tuple(results or ())), epoch)
        return self._settled[key]

    def _results(self, model: str, names: set[str]) -> list[TrialResult] | None:
        """Of these trials, once all are in; None where one is lost or does not come."""
        patience = time.monotonic() + _PATIENCE
        while True:
            self._read()
            found = [r for r in self._known.values() if r.model == model and r.name in names]
            if len(found) == len(names):
                return sorted(found, key=lambda result: result.name)
            if self._folder is None or (self._folder / "lost").exists() or time.monotonic() > patience:
                return None
            time.sleep(_POLL)

    def _read(self) -> None:
        for file in self._folder.glob("*.json") if self._folder is not None else ():
            result = TrialResult.model_validate_json(file.read_text(encoding="utf-8"))
            self._known[f"{result.model} {result.name}"] = result
