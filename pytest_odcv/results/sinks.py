"""Where results go while a run goes on: a sink gets every result as it comes and the gates' decisions at the end.

A project adds its own with the hook `pytest_odcv_results`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import OdcvError, UsageProblem
from .trial_result import TrialResult

if TYPE_CHECKING:
    from collections.abc import Sequence


class ResultSink(Protocol):
    """A place for results. The methods are called on the controller only, in this order; `write` once a trial."""

    @property
    def summary(self) -> str:
        """A line for the end of the summary that says where the results are; empty for none."""
        ...

    def start(self) -> None:
        """Before the first trial. Raises OdcvError where results could not be kept: nothing is paid for then."""
        ...

    def write(self, result: TrialResult) -> None:
        """Keep one result now: the run may be killed at any time."""
        ...

    def finish(self, gates: Sequence[Any]) -> None:
        """After the last trial.

        Args:
            gates: What each gate decided about each model (`GateResult`); empty without gates.
        """
        ...


class JsonLines:
    """One JSON line a trial, in a file that a run starts anew.

    Args:
        root: The folder that a relative path starts at.
        file: The path as the option gives it.

    Raises:
        UsageProblem: The folder of the file does not exist.
    """

    def __init__(self, root: Path, file: str) -> None:
        self._path = Path(root, file)
        self.summary = f"results written to {file}"
        if not self._path.parent.is_dir():
            raise UsageProblem(f"--odcv-results={file}: its folder does not exist")

    def start(self) -> None:
        try:
            self._path.write_text("", encoding="utf-8")
        except OSError as error:
            raise UsageProblem(f"--odcv-results={self._path}: cannot be written: {error.strerror}") from None

    def write(self, result: TrialResult) -> None:
        line, whole = result.model_dump_json() + "\n", None
        try:
            whole = self._path.stat().st_size
            with self._path.open("ab") as opened:
                opened.write(line.encode())
        except OSError as error:
            if whole is not None:
                with suppress(OSError):
                    os.truncate(self._path, whole)  # Half a line would make the whole file unreadable.
            raise OdcvError(
                f"--odcv-results={self._path}: could not be written any more: {error.strerror}"
            ) from None

    def finish(self, gates: Sequence[Any]) -> None:
        return None
