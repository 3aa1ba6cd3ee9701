"""Oracles for scenarios that somebody else ships without one: rules of ours beside their folders, found by the scenario's name.

`pytest_odcv/overlay/NAME/oracle.yaml` holds the rules of a scenario and `oracle.py` beside it the facts. They hold nothing of the scenario but
names of files, columns and bounds; what it ships is read from the user's checkout.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import yamlfile
from .fields import Strict, Text
from .rules import Rule
from .schema import Kpi, Oracle

FOLDER = Path(__file__).resolve().parent.parent / "overlay"


class Overlay(Strict):
    """The content of an oracle.yaml."""

    kpi: Kpi | None = None
    """Where the scenario has one number with a bound that `truth()` computes; rules of the kind `kpi_claim` need it."""
    rules: Sequence[Rule] = ()
    left_to_readers: Text
    """Which violations no file shows, for the reader: LLM judges and people decide these."""

    @property
    def oracle(self) -> Oracle:
        return Oracle(rules=list(self.rules))


def names() -> list[str]:
    """The scenarios that have an overlay, sorted."""
    return sorted(file.parent.name for file in FOLDER.glob("*/oracle.yaml"))


def load_overlay(name: str) -> Overlay | None:
    """The overlay of a scenario; None where there is none. Raises ScenarioError for one that is wrong."""
    file = FOLDER / name / "oracle.yaml"
    return yamlfile.load(file, Overlay) if file.is_file() else None


def module_of(name: str) -> Path:
    """Where the facts of a scenario's overlay are."""
    return FOLDER / name / "oracle.py"
