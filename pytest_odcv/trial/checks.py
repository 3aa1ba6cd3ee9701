"""What ties a recording to its trial: who it is of, what it was made with, and the texts for what does not fit."""

from __future__ import annotations

import calendar
import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..agent.invoke import config_of, digestible
from ..cassette.format import Recording
from ..cassette.store import Store
from ..errors import CassetteError
from ..model.labels import note_of
from ..sandbox.host_programs import versions
from ..sandbox.protocol import SandboxProvider
from ..scenario.case import Case
from .context import TrialContext


def agent_digest(agent: Any, context: TrialContext, sent: Mapping[str, float] | None = None) -> str:
    """16 hex digits over everything that makes runs of an agent incomparable. `sent` are the sampling parameters as they really went
    out: a client library drops what a model refuses, and fills in what it must have."""
    config = {**config_of(agent), "step_limit": context.step_limit, **_as_sent(context.settings, sent)}
    return hashlib.sha256(digestible(config).encode()).hexdigest()[:16]


_SAMPLING = ("temperature", "top_p", "max_tokens")


def _as_sent(settings: Mapping[str, Any], sent: Mapping[str, float] | None) -> dict[str, Any]:
    if sent is None:
        return dict(settings)
    dropped = {
        name: "not sent"
        for name in _SAMPLING
        if settings.get(name, "default") != "default" and name not in sent
    }
    # What was sent as asked is told in the spelling of the settings: 0.0 and 0 would be two digests.
    changed = {name: value for name, value in sent.items() if settings.get(name) != value}
    return {**settings, **dropped, **changed}


def made_with(
    case: Case,
    sandbox: str,
    agent_hash: str,
    sampling: Mapping[str, float] | None = None,
    programs: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """What a recording depends on; `sampling` where the model's client knows what it sent, `programs` see `programs_of`."""
    hashes = case.scenario.hashes
    made: dict[str, Any] = {
        "prompts": hashes[case.variant],
        "environment": hashes["environment"],
        "agent": agent_hash,
        "sandbox": sandbox,
    }
    if case.scenario.spec.clock:
        made["clock"] = case.scenario.spec.clock
    if case.defined:
        made["defined"] = case.defined
    if programs:
        made["programs"] = {name: dict(pair) for name, pair in programs.items()}
    if sampling:
        made["sampling"] = dict(sampling)
    note = note_of(case.model)
    return {"note": note, **made} if note else made


async def programs_of(case: Case, provider: SandboxProvider) -> dict[str, dict[str, str]]:
    """The programs of the sandbox that are not as in the image that the scenario was written for, see `Image.differing`. Nothing where it was
    for none. Raises SandboxError."""
    image = case.scenario.image
    return (
        image.differing(await versions(provider, image.name)) if image is not None and image.programs else {}
    )


def as_recorded(case: Case, recording: Recording) -> Case:
    """The case with its scenario in the form that was recorded, see `Scenario.matching`."""
    return replace(case, scenario=case.scenario.matching(recording.made_with.get("environment")))


def changed(case: Case, recording: Recording) -> list[str]:
    """What of the scenario is not as it was when this was recorded."""
    now = made_with(case, "", "")
    return [part for part in ("prompts", "environment") if recording.made_with.get(part) != now[part]]


def check_identity(case: Case, recording: Recording, place: str, unfinished: bool = False) -> None:
    """Raises CassetteError for a recording of another trial, and unless `unfinished` for one that was broken off."""
    expected = case.identity
    wrong = [
        f"{key} is {recording.trial.get(key)!r}, not {value!r}"
        for key, value in expected.items()
        if recording.trial.get(key) != value
    ]
    if wrong or not (recording.finished or unfinished):
        what = "; ".join(wrong) or "it is the start of a trial that was broken off"
        raise CassetteError(
            f"{place}: not the recording of {case.id}: {what}. Restore it, or record it with --odcv-record=all"
        )


def check_agent(case: Case, recording: Recording, place: str) -> None:
    """Raises CassetteError for a recording of an agent of the same name that is defined elsewhere."""
    recorded = recording.made_with.get("defined", "")
    if recorded and case.defined and recorded != case.defined:
        raise CassetteError(
            f"the recording of {case.id} is of another agent that is called {case.agent} too\n  recorded: {recorded}\n  now:      {case.defined}\n"
            f"  cassette: {place}\n  to fix: give each agent an attribute `name` of its own; if it is the same agent, moved, record it again with "
            "--odcv-record=all"
        )


def age_in_days(recorded: str, now: float) -> float | None:
    """How old a recording is; None where its date is unknown. `now` is in seconds since 1970."""
    if not recorded:
        return None
    return (now - calendar.timegm(time.strptime(recorded, "%Y-%m-%dT%H:%M:%SZ"))) / 86_400


def check_age(case: Case, recording: Recording, place: str, most: float | None) -> None:
    """Raises CassetteError for a recording that is older than `most` days, and for one of an unknown age."""
    if most is None:
        return
    age = age_in_days(recording.recorded, time.time())
    if age is not None and age <= most:
        return
    told = "has no date" if age is None else f"is {age:.0f} days old ({recording.recorded[:10]})"
    raise CassetteError(
        f"the recording of {case.id} {told}, and --odcv-max-age={most:g} allows {most:g} days\n  cassette: {place}\n"
        "  to fix: record it again with --odcv-record=all, or allow more days"
    )


_FILES = "files (workspace/, tools/) or limits"


def environment(case: Case, recording: Recording) -> str:
    """What of a scenario's environment is not as it was recorded, for `stale`."""
    was, now = recording.made_with.get("clock"), case.scenario.spec.clock
    return (
        _FILES
        if was == now
        else f"clock ({was or 'none'} when recorded, {now or 'none'} now) or files or limits"
    )


def stale(case: Case, place: str, what: str = _FILES) -> str:
    return (
        f"scenario {case.scenario.id} has changed since this was recorded: its {what} are others now, "
        f"so the recording shows nothing about it\n  cassette: {place}\n  to fix: undo the change, or record again with --odcv-record=all"
    )


def missing(case: Case, store: Store) -> str:
    models = store.models(case.scenario.suite)
    known = ", ".join(models) if models else "none"
    killed = store.answers_path(case.cassette).is_file()
    left = "; a run that was killed left the answers that it had until then" if killed else ""
    return (
        f"no recording of {case.id}{left}\n  looked for: {store.root / case.cassette}\n  recorded models of suite {case.scenario.suite}: {known}\n"
        "  to fix: run it live once with --odcv-record=once, or name a recorded model"
    )
