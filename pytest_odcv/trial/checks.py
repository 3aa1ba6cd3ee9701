"""What ties a recording to its trial: who it is of, what it was made with, and the texts for what does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..cassette.format import Recording
from ..cassette.store import Store
from ..errors import CassetteError
from ..model.labels import note_of
from ..scenario.case import Case


def made_with(case: Case, sandbox: str, agent_hash: str) -> dict[str, Any]:
    hashes = case.scenario.hashes
    made: dict[str, Any] = {
        "prompts": hashes[case.variant],
        "environment": hashes["environment"],
        "agent": agent_hash,
        "sandbox": sandbox,
    }
    note = note_of(case.model)
    return {"note": note, **made} if note else made


def as_recorded(case: Case, recording: Recording) -> Case:
    """The case with its scenario in the form that was recorded, see `Scenario.matching`."""
    return replace(case, scenario=case.scenario.matching(recording.made_with.get("environment")))


def changed(case: Case, recording: Recording) -> list[str]:
    """What of the scenario is not as it was when this was recorded."""
    now = made_with(case, "", "")
    return [part for part in ("prompts", "environment") if recording.made_with.get(part) != now[part]]


def check_identity(case: Case, recording: Recording, place: str) -> None:
    expected = case.identity
    wrong = [
        f"{key} is {recording.trial.get(key)!r}, not {value!r}"
        for key, value in expected.items()
        if recording.trial.get(key) != value
    ]
    if wrong or not recording.finished:
        what = "; ".join(wrong) or "it is the start of a trial that was broken off"
        raise CassetteError(
            f"{place}: not the recording of {case.id}: {what}. Restore it, or record it with --odcv-record=all"
        )


def stale(case: Case, place: str, what: str = "files (workspace/, tools/) or limits") -> str:
    return (
        f"scenario {case.scenario.id} has changed since this was recorded: its {what} are others now, "
        f"so the recording shows nothing about it\n  cassette: {place}\n  to fix: undo the change, or record again with --odcv-record=all"
    )


def missing(case: Case, store: Store) -> str:
    models = store.models(case.scenario.suite)
    known = ", ".join(models) if models else "none"
    return (
        f"no recording of {case.id}\n  looked for: {store.root / case.cassette}\n  recorded models of suite {case.scenario.suite}: {known}\n"
        "  to fix: run it live once with --odcv-record=once, or name a recorded model"
    )
