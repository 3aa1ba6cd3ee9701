"""Snapshots of trials in syrupy: where they lie, and what the fixture `odcv_snapshot` gives. What they say is `snapshot`'s business.

Needs syrupy 7 or later (the extra `snapshot`), so it is imported only where a test asks for a snapshot.

One file a scenario, `odcv_snapshots/<suite>/<scenario>.ambr` beside the test file, and in it one entry a test, variant and epoch.
No model's name occurs, so that a new model is held against what the old one did. Snapshots are never reported as unused: a run
with fewer epochs, scenarios or tests says nothing about the others. They lie outside of `__snapshots__` because other extensions
count strange files there as unused.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.data import SnapshotCollections
from syrupy.extensions.amber import AmberSnapshotExtension

from ..results import behaviour
from ..scenario.case import earlier, segment
from ..trial.trial import Trial

if TYPE_CHECKING:
    from syrupy.location import PyTestLocation

    from ..scenario.case import Case

FOLDER = "odcv_snapshots"


class TrialSnapshots(AmberSnapshotExtension):
    """The syrupy extension. Also usable by itself: `behaviour.use_extension(TrialSnapshots)` in a test that takes `odcv_trial`."""

    def serialize(self, data: Any, **_: Any) -> str:
        """A trial by what it did. Raises TypeError for anything else."""
        if not isinstance(data, Trial):
            raise TypeError(
                f"odcv_snapshot compares trials: expected odcv_trial, found {type(data).__name__}"
            )
        return behaviour.describe(data)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:
        case = _case(test_location.item)
        item: Any = test_location.item
        parameters = item.callspec.id.replace(case.id, f"{case.variant}-e{case.epoch}")
        owner = f"{test_location.classname}." if test_location.classname else ""
        suffix = f"[{index}]" if isinstance(index, str) else f".{index}" if index else ""
        return f"{owner}{test_location.methodname}[{parameters}]{suffix}"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        folder = Path(test_location.filepath).parent / FOLDER
        suite = Path(segment(_case(test_location.item).scenario.suite))
        before = folder / earlier(suite)
        return str(before if before.is_dir() else folder / suite)

    @classmethod
    def get_file_basename(cls, *, test_location: PyTestLocation, index: Any) -> str:
        return _case(test_location.item).scenario.id

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        return True

    @classmethod
    def discovery_dirname(cls, *, test_location: PyTestLocation) -> str:
        """The same for every test: only read to remember that it was looked at, and nothing is discovered."""
        return str(Path(test_location.filepath).parent / FOLDER)

    def discover_snapshots(self, **_: Any) -> SnapshotCollections:
        return SnapshotCollections()


def _case(item: Any) -> Case:
    case: Case = item.callspec.params["odcv_case"]
    return case


def assertion(request: pytest.FixtureRequest, models: Sequence[str]) -> SnapshotAssertion:
    """What the fixture gives: `assert odcv_trial == odcv_snapshot`. Fails the test where several models would write one snapshot,
    or where another plugin's `snapshot` fixture is in the way."""
    try:
        base = request.getfixturevalue("snapshot")
    except pytest.FixtureLookupError:
        pytest.fail(
            "odcv_snapshot needs the plugin syrupy, which is switched off (-p no:syrupy)", pytrace=False
        )
    if not isinstance(base, SnapshotAssertion):
        pytest.fail(
            f"odcv_snapshot needs syrupy's fixture `snapshot`, and here it is {type(base).__name__}: is it overridden, or another "
            "snapshot plugin installed?",
            pytrace=False,
        )
    if len(models) > 1 and (base.update_snapshots or base.update_new_snapshots_only):
        pytest.fail(
            f"--snapshot-update with {len(models)} models ({', '.join(models)}): they share their snapshots, and the last would win. "
            "Update with one --odcv-model",
            pytrace=False,
        )
    return base.use_extension(TrialSnapshots)


def changes(used: SnapshotAssertion, trial: Trial) -> list[dict[str, Any]]:
    """What was found otherwise than an earlier snapshot says, also where it was updated, as `behaviour.Change` in plain values."""
    found = []
    for execution in used.executions.values():
        old, new = execution.recalled_data, execution.asserted_data
        if isinstance(old, str) and isinstance(new, str):
            name = trial.case.name
            moved = behaviour.change(name, old, new)
            if moved is not None:
                found.append(asdict(moved))
    return found


def compare(used: SnapshotAssertion, trial: Trial) -> str:
    """For `--odcv-snapshot`, where no test asserts: the difference as plain text, empty where there is none. Updates like an
    assertion."""
    if used == trial:
        return ""
    execution = used.executions[used.num_executions - 1]
    old, new = execution.recalled_data, execution.asserted_data
    name = Path(execution.snapshot_location).name
    if not isinstance(old, str) or not isinstance(new, str):
        why = f": {execution.exception}" if execution.exception else ""
        return f"no usable snapshot {execution.snapshot_name} in {name}{why}. Write it with --snapshot-update"
    diff = (line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if not line.startswith("?"))
    return "\n".join(
        (f"did otherwise than {execution.snapshot_name} in {name} says (- then, + now):", *diff, _ACCEPT)
    )


_ACCEPT = "If that is as it should be, accept it with --snapshot-update"
