"""The trial: one agent on one scenario variant, live or replayed, then judged. Knows nothing of pytest."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from ..cassette.lock import recording_lock
from ..cassette.store import Store
from ..errors import CassetteError, ScenarioError
from ..evidence.evidence import Evidence
from ..http.offline import networked
from ..judge.evaluator import Evaluator
from ..judge.verdict import Verdict
from ..judge.view import TrialView
from ..model.imported import is_imported
from ..scenario.case import Case
from . import traced
from .checks import as_recorded, changed, check_age, check_identity, missing, stale
from .context import TrialContext
from .endings import of_recording
from .imported import read_imported
from .requested import calls_of
from .trial import Attempt, Trial


async def run_trial(case: Case, agent: Any, context: TrialContext) -> Trial:
    """Replay or run one trial; where it is recorded, as the only process that does. See `_run_trial`."""
    with traced.trial(case, case.agent or "bash", context.tracer) as span:
        trial = await _alone(case, agent, context)
        span.done(trial)
    return trial


async def _alone(case: Case, agent: Any, context: TrialContext) -> Trial:
    if (
        is_imported(case.model)
        or context.mode in ("none", "live")
        or (context.mode == "once" and context.store.find(case.cassette))
    ):
        return await _run_trial(case, agent, context)
    path = context.store.root / case.cassette
    async with recording_lock(path, wait=context.mode == "once", tell=context.tell):
        # With `once`, what another process recorded meanwhile is replayed now.
        return await _run_trial(case, agent, context)


async def _run_trial(case: Case, agent: Any, context: TrialContext) -> Trial:
    """Replay or run one trial as the record mode says, and judge it. `agent` is of any kind that `agent.base.Agent` names.

    Raises CassetteError (nothing recorded, unusable, mismatch), VoidTrial and SandboxError where there is nothing to be judged. An error of
    agent, model or sandbox in mid-trial is a trial that ended so: what was paid for is kept beside the cassette, shown again by replays, and
    resumed from by the record mode `once`.
    """
    if is_imported(case.model):
        case, attempt = read_imported(case, context.store, context.max_age)
        return await _judged(case, attempt, context.evaluator, True)
    if case.scenario.broken:
        raise ScenarioError(f"{case.scenario.id} cannot be tried:\n{case.scenario.broken}")
    recording = context.store.load(case.cassette) if context.mode in ("none", "once") else None
    if recording is not None:
        from .replay import replay

        case = as_recorded(case, recording)
        check_age(case, recording, str(context.store.find(case.cassette)), context.max_age)
        return await _judged(case, await replay(case, agent, context, recording), context.evaluator, True)
    if context.mode == "none":
        return await _as_it_broke_off(case, context)
    from .live import run_live

    with networked():
        attempt = await run_live(case, agent, context)
    return await _judged(case, attempt, context.evaluator, False)


async def _as_it_broke_off(case: Case, context: TrialContext) -> Trial:
    """What is kept of a trial that an error ended. Raises CassetteError where nothing is."""
    from .replay import as_it_broke_off

    kept = context.store.load_partial(case.cassette)
    if kept is None:
        raise CassetteError(missing(case, context.store))
    case = as_recorded(case, kept)
    attempt = as_it_broke_off(case, context, kept)
    if attempt is None:
        raise CassetteError(missing(case, context.store))
    check_age(case, kept, str(context.store.partial_path(case.cassette)), context.max_age)
    return await _judged(case, attempt, context.evaluator, True)


async def judge_recorded(case: Case, store: Store, evaluator: Evaluator) -> Trial:
    """Judge a recorded trial; no agent runs, not even on the tape. Raises CassetteError as `run_trial` does in the mode `none`."""
    return await _judged(*_recorded(case, store), evaluator, True)


def read_recorded(case: Case, store: Store, verdict: Verdict, digest: str = "") -> Trial:
    """A recorded trial with a verdict that is known already. Nothing is judged. Raises CassetteError as `judge_recorded` does."""
    case, attempt = _recorded(case, store)
    return _trial(_view(case, attempt, True), attempt, verdict, digest)


def _recorded(case: Case, store: Store) -> tuple[Case, Attempt]:
    if is_imported(case.model):
        return read_imported(case, store)
    recording = store.load(case.cassette)
    if recording is None:
        raise CassetteError(missing(case, store))
    case, place = as_recorded(case, recording), str(store.find(case.cassette))
    check_identity(case, recording, place)
    differs = changed(case, recording)
    if differs:
        raise CassetteError(stale(case, place, " and ".join(differs)))
    ended = of_recording(recording.trajectory)
    trajectory = replace(recording.trajectory, ended=ended.kind.value, cause=ended.cause)
    return case, Attempt.of_recording(recording, case.scenario.before, place, trajectory)


async def _judged(case: Case, attempt: Attempt, evaluator: Evaluator, replayed: bool) -> Trial:
    view = _view(case, attempt, replayed)
    with networked() if evaluator.panel or evaluator.self_judge else nullcontext():
        verdict = await evaluator.verdict(view)
    return _trial(view, attempt, verdict, evaluator.digest_for(view))


def _view(case: Case, attempt: Attempt, replayed: bool) -> TrialView:
    trajectory = attempt.trajectory
    evidence = Evidence(
        case.scenario.before,
        attempt.after,
        tuple(trajectory.commands),
        trajectory.report,
        trajectory.ended,
        tuple(calls_of(trajectory)),
        attempt.gap,
        attempt.moments,
    )
    return TrialView(case, trajectory, evidence, replayed, attempt.published)


def _trial(view: TrialView, attempt: Attempt, verdict: Verdict, digest: str) -> Trial:
    return Trial(
        view.case,
        view.trajectory,
        view.evidence,
        verdict,
        view.replayed,
        attempt.agent_hash,
        digest,
        error=attempt.error,
        recorded=attempt.recorded,
        sealed=attempt.sealed,
        place=attempt.place,
        imported=attempt.imported,
        programs=attempt.programs,
    )
