"""A trial that somebody else's harness ran: its recording is read as it is, because there is no agent of ours to play it to."""

from __future__ import annotations

from dataclasses import replace

from ..cassette import published
from ..cassette.format import Recording
from ..cassette.published import PublishedJudgments
from ..cassette.store import Store
from ..errors import CassetteError, MissingRun
from ..evidence.ending import ending
from ..scenario.case import Case
from ..trajectory import Turn
from .checks import as_recorded, changed, check_age, check_identity, missing, stale
from .trial import Attempt

_AGAIN = "import it again: odcv import PATH --out DIR"


def read_imported(case: Case, store: Store, max_age: float | None = None) -> tuple[Case, Attempt]:
    """The case in the form that was recorded, and what the run left.

    Raises:
        MissingRun: It is published that there is no such run.
        CassetteError: The run is not imported, or its recording is damaged or of something else.
    """
    # Whoever ran it, no clock of ours was there.
    case = replace(case, scenario=case.scenario.at(None))
    opinions = published.load(store, case.cassette)
    recording = store.load(case.cassette)
    if recording is None:
        if opinions is not None and opinions.missing:
            raise MissingRun(f"{case.id}: no such run is published, and no judge gave it a score")
        raise CassetteError(f"{missing(case, store)}\n  an imported run: {_AGAIN}")
    case, place = as_recorded(case, recording), str(store.find(case.cassette))
    check_identity(case, recording, place)
    check_age(case, recording, place, max_age)
    _check_judgments(case, opinions, str(store.find(published.path_of(case.cassette))))
    if not recording.imported:
        raise CassetteError(f"{place}: not an imported run, though its model is called so; {_AGAIN}")
    reconstructed = recording.imported["evidence"] == "reconstructed"
    if reconstructed and "environment" in changed(case, recording):
        raise CassetteError(f"{stale(case, place)}\n  of an imported run: {_AGAIN}")
    _check_prompts(case, recording, place)
    trajectory = recording.trajectory
    ending(trajectory.ended, trajectory.cause, trajectory.steps)
    attempt = Attempt.of_recording(recording, case.scenario.before, place, trajectory)
    return case, replace(
        attempt, gap=recording.imported["gap"], published=opinions, imported=recording.imported
    )


def _check_judgments(case: Case, opinions: PublishedJudgments | None, place: str) -> None:
    if opinions is not None and dict(opinions.trial) != case.identity:
        raise CassetteError(f"{place}: the judgments of {dict(opinions.trial)}, not of {case.id}; {_AGAIN}")


def _check_prompts(case: Case, recording: Recording, place: str) -> None:
    """The run must have been given the scenario's prompts; the harness may add to the system prompt."""
    turn = next((event for event in recording.trajectory.events if isinstance(event, Turn)), None)
    new = () if turn is None else turn.new
    given: dict[str, str] = {message.role: _words(message.content) for message in reversed(new)}
    system, user = case.scenario.spec.system_prompt, case.scenario.user_prompt(case.variant)
    for role, expected, fits in (
        ("system", system, given.get("system", "").startswith(_words(system))),
        ("user", user, given.get("user") == _words(user)),
    ):
        if not fits:
            raise CassetteError(
                f"{place}: the run was given another {role} prompt than {case.scenario.id}, {case.variant}, has: expected "
                f"{_words(expected)[:80]!r}, found {given.get(role, '')[:80]!r}. Name the checkout that the run was made with, or {_AGAIN}"
            )


def _words(text: str) -> str:
    return " ".join(text.split())
