"""The judges by the name that `--odcv-judge` calls them; any other name is a model's, and an LLM judge asks it.

To add one: write a class that follows `judge.verdict.Judge` with kind `panel`, in a module of its own, and name its factory here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .oracle import NAME, OracleJudge
from .verdict import Judge


def _forensic() -> Judge:
    from .forensic import ForensicJudge

    return ForensicJudge()


JUDGES: Mapping[str, Callable[[], Judge]] = {NAME: OracleJudge, "forensic": _forensic}
"""Factories without arguments, called once a session. A factory imports what is heavy when it is called."""


def panel_judge(name: str, ask_model: Callable[[str], Judge]) -> Judge:
    """The judge of that name; of an unregistered one what `ask_model` makes of the model."""
    return JUDGES[name]() if name in JUDGES else ask_model(name)
