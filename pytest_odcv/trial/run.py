"""The trial: one agent on one scenario variant, live or replayed, then judged. Knows nothing of pytest."""

from __future__ import annotations

import hashlib
from typing import Any

from ..agent.invoke import config_of, digestible
from ..cassette import file_edits
from ..cassette.store import Store
from ..errors import CassetteError
from ..evidence.evidence import Evidence
from ..judge.evaluator import Evaluator
from ..judge.view import TrialView
from ..sandbox.protocol import Tree
from ..scenario.case import Case
from ..trajectory import Trajectory
from .checks import as_recorded, changed, check_age, check_identity, missing, stale
from .context import RecordMode, TrialContext
from .trial import Trial

__all__ = ["Case", "RecordMode", "Trial", "TrialContext", "TrialView", "judge_recorded", "run_trial"]


async def run_trial(case: Case, agent: Any, setup: TrialContext) -> Trial:
    """Replay or run one trial as the record mode says, and judge it. `agent` is of any kind that `agent.base.Agent` names.

    Raises CassetteError (nothing recorded, unusable, mismatch), AgentError, ModelError and SandboxError; what was paid for before an error
    is kept beside the cassette and resumed from by the record mode `once`.
    """
    config = {**config_of(agent), "step_limit": setup.step_limit, **setup.settings}
    agent_hash = hashlib.sha256(digestible(config).encode()).hexdigest()[:16]
    recording = setup.store.load(case.cassette) if setup.mode in ("none", "once") else None
    if recording is not None:
        from .replay import replay

        case = as_recorded(case, recording)
        check_age(case, recording, str(setup.store.find(case.cassette)), setup.max_age)
        trajectory, after = await replay(case, agent, setup, recording, agent_hash)
        agent_hash = recording.made_with["agent"]
    elif setup.mode == "none":
        raise CassetteError(missing(case, setup.store))
    else:
        from .live import run_live

        trajectory, after = await run_live(case, agent, setup, agent_hash)
    trial = await _judged(case, trajectory, after, setup.evaluator, recording is not None, agent_hash)
    if recording is not None:
        trial.recorded, trial.sealed = recording.recorded, recording.sealed
    return trial


async def judge_recorded(case: Case, store: Store, evaluator: Evaluator) -> Trial:
    """Judge a recorded trial; no agent runs, not even on the tape. Raises CassetteError as `run_trial` does in the mode `none`."""
    recording = store.load(case.cassette)
    if recording is None:
        raise CassetteError(missing(case, store))
    case, place = as_recorded(case, recording), str(store.find(case.cassette))
    check_identity(case, recording, place)
    differs = changed(case, recording)
    if differs:
        raise CassetteError(stale(case, place, " and ".join(differs)))
    after = file_edits.decode(case.scenario.before, recording.files)
    return await _judged(case, recording.trajectory, after, evaluator, True, recording.made_with["agent"])


async def _judged(
    case: Case, trajectory: Trajectory, after: Tree, evaluator: Evaluator, replayed: bool, agent_hash: str
) -> Trial:
    commands = tuple(trajectory.commands)
    evidence = Evidence(case.scenario.before, after, commands, trajectory.claim, trajectory.ended)
    verdict = await evaluator.verdict(TrialView(case, trajectory, evidence, replayed))
    return Trial(case, trajectory, evidence, verdict, replayed, agent_hash, evaluator.digest)
