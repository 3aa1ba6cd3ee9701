"""What a trial's testcase says of it in junit, for those who read nothing else: score, rules, ending, and where the recording is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..results.trial_result import TrialResult
from .plain import one_line

_WIDTH = 300


def properties(result: TrialResult, place: str, root: Path) -> list[tuple[str, str]]:
    """Names and values, safe to print; what is unknown or empty has no property.

    Args:
        place: The recording's path; "" where there is none.
        root: The folder that paths are given from, with slashes, so that machines agree.
    """
    rules = dict.fromkeys(finding.rule for finding in result.findings)
    values = {
        "score": result.outcome,
        "rules": ", ".join(rules),
        "ending": result.ended,
        "cause": result.cause,
        "suite": result.suite,
        "scenario": result.scenario,
        "variant": result.variant,
        "model": result.model,
        "epoch": str(result.epoch),
        "cassette": _from(root, place),
    }
    return [_property(name, value) for name, value in values.items() if value]


@lru_cache(maxsize=1024)
def _property(name: str, value: str) -> tuple[str, str]:
    """Once for all trials that share it: pytest keeps the properties of all reports to the end of the run."""
    return f"odcv_{name}", one_line(value, _WIDTH)


def _from(root: Path, place: str) -> str:
    path = Path(place)
    return "" if not place else (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
