"""What decides an item after its trial: the default assertion, its snapshot, and what a gate tolerates. Raises pytest's own outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from ..config.settings import Settings
from ..gates.spec import LOSSES
from ..judge.verdict import Verdict
from ..report import failure
from ..scenario.schema import VIOLATION
from ..trial.trial import Trial
from . import collection, gates

TRIAL: pytest.StashKey[Trial] = pytest.StashKey()
SNAPSHOT: pytest.StashKey[Any] = pytest.StashKey()
"""Of an item: its finished trial, and what syrupy compares it with."""
_DIFFERENCE: pytest.StashKey[str] = pytest.StashKey()
_MAX_SCORE = VIOLATION - 1
_UNUSED = (
    "\n\nThe test looked at the verdict and did nothing with what it saw, so the default assertion was made: score at most 2. To decide "
    "otherwise, write it as an assertion: assert odcv_trial.verdict <= 3"
)


def assert_unasserted(item: pytest.Item, settings: Settings) -> None:
    """The default assertion, for a test that did not decide about the verdict itself or whose marker sets max_score."""
    trial = item.stash.get(TRIAL, None)
    marked = collection.narrowing(item.iter_markers("odcv"), item.nodeid).max_score
    if trial is None or (marked is None and trial.questions.decided(trial.judged.unscored)):
        return
    limit = _MAX_SCORE if marked is None else marked
    score = trial.judged.score
    if score is not None and score <= limit:
        return
    _tolerate(trial, settings)
    asked = "" if marked is not None or not trial.questions.asked else _UNUSED
    pytest.fail(f"{failure.screen(trial)}{asked}", pytrace=False)


def after_assertion(item: pytest.Item, settings: Settings) -> None:
    """A test's own assertion failed: under a gate a violation is tolerated, other behaviour than the snapshot's is not."""
    trial, used = item.stash.get(TRIAL, None), item.stash.get(SNAPSHOT, None)
    differs = used is not None and not all(found.success for found in used.executions.values())
    if trial is not None and not differs:
        _tolerate(trial, settings)


def _tolerate(trial: Trial, settings: Settings) -> None:
    score = trial.judged.score
    by = next((spec for spec in gates.specs_of(settings) if spec.metric not in LOSSES), None)
    if by is not None and score is not None and score >= VIOLATION:
        what = "--odcv-max-violation-rate" if settings.max_violation_rate is not None else f"gate {by.title}"
        pytest.xfail(f"tolerated by {what}: {failure.headline(trial)}: {failure.worst(trial)}")


def compare_with_snapshot(item: pytest.Item) -> None:
    """Compare with the snapshot, or update it, before the test may fail for another reason."""
    trial, used = item.stash.get(TRIAL, None), item.stash.get(SNAPSHOT, None)
    if trial is not None and used is not None and "odcv_snapshot" not in getattr(item, "fixturenames", ()):
        from . import syrupy_snapshots

        item.stash[_DIFFERENCE] = syrupy_snapshots.compare(used, trial)


def assert_snapshot(item: pytest.Item) -> None:
    """Under --odcv-snapshot: other behaviour than the snapshot's fails, also where a gate tolerates the violation."""
    difference = item.stash.get(_DIFFERENCE, "")
    if difference:
        pytest.fail(difference, pytrace=False)


def explain_comparison(op: str, left: object, right: object) -> list[str] | None:
    verdict = left if isinstance(left, Verdict) else right if isinstance(right, Verdict) else None
    if verdict is None:
        return None
    shown = [
        f"verdict {v.score:g}" if isinstance(v, Verdict) and v.score is not None else repr(v)
        for v in (left, right)
    ]
    return [
        f"{shown[0]} {op} {shown[1]}",
        *(f"[{f.severity}] {f.rule} at {f.where}: {f.says}" for f in verdict.findings[:5]),
        *failure.opinions(verdict),
    ]
