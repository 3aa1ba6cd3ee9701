"""The trial: one agent on one scenario variant, live or replayed, then judged. Knows nothing of pytest."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .agent.base import Agent, Task
from .cassette import delta
from .cassette.format import Recording
from .cassette.offline import no_network
from .cassette.redact import Redactor
from .cassette.store import Store, relative_path
from .cassette.tape import Tape
from .errors import CassetteError, ReplayMismatch
from .evidence import Evidence, same
from .judge.base import Verdict
from .judge.panel import Judging
from .model.labels import note_of
from .model.types import Message, ModelClient, Reply, ToolSpec
from .sandbox.base import CommandResult, FileState, Sandbox, SandboxProvider, SandboxSpec, Tree
from .scenario.loader import Scenario
from .scenario.schema import Variant
from .trajectory import Journal, Trajectory

RecordMode = Literal["none", "once", "all", "live"]


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be tried: a scenario, its variant, the model's name and the epoch, from 1."""

    scenario: Scenario
    variant: Variant
    model: str
    epoch: int = 1

    def __repr__(self) -> str:
        """Short: pytest takes the repr of every parameter it sets up."""
        return f"<Case {self.id}>"

    @property
    def id(self) -> str:
        return f"{self.scenario.id}-{self.variant}-{self.model}-e{self.epoch}"

    @property
    def name(self) -> str:
        """The id without the model, as summaries list it below the model's name."""
        return f"{self.scenario.id}-{self.variant}-e{self.epoch}"

    @property
    def cassette(self) -> Path:
        return relative_path(self.scenario.suite, self.model, self.scenario.id, self.variant, self.epoch)


@dataclass(frozen=True, slots=True)
class TrialView:
    """All that a judge may look at. `replayed`: the agent did not run now."""

    case: Case
    trajectory: Trajectory
    evidence: Evidence
    replayed: bool = True


@dataclass
class Trial:
    """A finished trial. `looked_at` notes whether a test asked for the verdict (see the fixture `odcv_trial`)."""

    case: Case
    trajectory: Trajectory
    evidence: Evidence
    judged: Verdict
    replayed: bool
    agent_hash: str
    judges_hash: str = ""
    looked_at: bool = False

    def __repr__(self) -> str:
        """Short: asyncio takes the repr of a task's result at every signal handler it restores."""
        return f"<Trial {self.case.id}: {'unscored' if self.judged.score is None else f'score {self.judged.score:g}'}>"

    @property
    def verdict(self) -> Verdict:
        self.looked_at = True
        return self.judged


@dataclass(frozen=True)
class Setup:
    """What a session gives every trial. `client` and `provider` are called only when a trial runs live."""

    mode: RecordMode
    store: Store
    client: Callable[[Case], ModelClient]
    provider: Callable[[], SandboxProvider]
    redactor: Redactor
    judging: Judging = field(default_factory=Judging)
    step_limit: int = 50
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the model client, e.g. temperature: hashed with the agent's own configuration."""


async def run_trial(case: Case, agent: Agent, setup: Setup) -> Trial:
    """Replay or run one trial as the record mode says, and judge it.

    Raises CassetteError (nothing recorded, unusable, mismatch), ModelError and SandboxError; what was paid for before an error is
    kept beside the cassette and resumed from by the record mode `once`.
    """
    config = {**agent.config, "step_limit": setup.step_limit, **setup.settings}
    agent_hash = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]
    recording = setup.store.load(case.cassette) if setup.mode in ("none", "once") else None
    if recording is not None:
        trajectory, after = await _replay(case, agent, setup, recording)
        agent_hash = recording.made_with["agent"]
    elif setup.mode == "none":
        raise CassetteError(_missing(case, setup.store))
    else:
        trajectory, after = await _live(case, agent, setup, agent_hash)
    return await _judged(case, trajectory, after, setup.judging, recording is not None, agent_hash)


async def judge_recorded(case: Case, store: Store, judging: Judging) -> Trial:
    """Judge a recorded trial; no agent runs, not even on the tape. Raises CassetteError as `run_trial` does in the mode `none`."""
    recording = store.load(case.cassette)
    if recording is None:
        raise CassetteError(_missing(case, store))
    place = str(store.find(case.cassette))
    _check_identity(case, recording, place)
    changed = _changed(case, recording)
    if changed:
        raise CassetteError(_stale(case, place, " and ".join(changed)))
    after = delta.decode(case.scenario.before, recording.files)
    return await _judged(case, recording.trajectory, after, judging, True, recording.made_with["agent"])


async def _judged(
    case: Case, trajectory: Trajectory, after: Tree, judging: Judging, replayed: bool, agent_hash: str
) -> Trial:
    commands = tuple(trajectory.commands)
    evidence = Evidence(case.scenario.before, after, commands, trajectory.claim, trajectory.ended)
    verdict = await judging.verdict(TrialView(case, trajectory, evidence, replayed))
    return Trial(case, trajectory, evidence, verdict, replayed, agent_hash, judging.digest)


def _task(case: Case, setup: Setup) -> Task:
    spec = case.scenario.spec
    return Task(
        spec.system_prompt,
        case.scenario.user_prompt(case.variant),
        setup.step_limit,
        case.scenario.limits().command_seconds,
    )


# --- live ------------------------------------------------------------------------------------------------------------


class _LiveEnv:
    """Asks and runs for real; secrets are taken out before the agent sees anything, so that a replay is the same."""

    def __init__(self, box: Sandbox, client: ModelClient, redactor: Redactor, head: Tape | None) -> None:
        self.journal = Journal()
        self._box, self._client, self._redactor, self._head = box, client, redactor, head

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        result = self._redactor.result(await self._box.run(command, timeout))
        self.journal.ran(result)
        return result

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        reply = self._head.reply_if_same(messages) if self._head else None
        if reply is None:
            reply = self._redactor.reply(await self._client.complete(messages, tools))
        self.journal.turn(list(messages), reply)
        return reply

    def say(self, text: str) -> None:
        if text.strip():
            self.journal.said.append(self._redactor.text(text.strip()))


async def _live(case: Case, agent: Agent, setup: Setup, agent_hash: str) -> tuple[Trajectory, Tree]:
    scenario, started = case.scenario, time.perf_counter()
    partial = setup.store.load_partial(case.cassette) if setup.mode == "once" else None
    head = Tape(partial.trajectory, "") if partial else None
    client = setup.client(case)
    box: Sandbox | None = None
    env: _LiveEnv | None = None
    provider = setup.provider()

    def recording(journal: Journal, ended: str, after: Tree, finished: bool) -> Recording:
        trajectory = Trajectory(
            tuple(journal.events), "\n".join(journal.said), ended, time.perf_counter() - started
        )
        files = delta.encode(scenario.before, after)
        return Recording(
            _identity(case), _made_with(case, provider.name, agent_hash), trajectory, files, finished
        )

    try:
        box = await provider.open(
            SandboxSpec(scenario.folder / "workspace", scenario.folder / "tools", scenario.limits())
        )
        env = _LiveEnv(box, client, setup.redactor, head)
        ended = await agent(_task(case, setup), env)
        after = _redacted(scenario.before, await box.snapshot(), setup.redactor)
    except BaseException:
        if env is not None and env.journal.events and setup.mode != "live":
            setup.store.save_partial(
                case.cassette, recording(env.journal, "broken_off", scenario.before, False)
            )
        raise
    finally:
        await client.close()
        if box is not None:
            await box.close()
    result = recording(env.journal, ended, after, True)
    if setup.mode != "live":
        setup.store.save(case.cassette, result)
    return replace(result.trajectory, seconds=round(result.trajectory.seconds, 1)), after


def _identity(case: Case) -> dict[str, Any]:
    return {
        "suite": case.scenario.suite,
        "scenario": case.scenario.id,
        "variant": case.variant,
        "model": case.model,
        "epoch": case.epoch,
    }


def _made_with(case: Case, sandbox: str, agent_hash: str) -> dict[str, Any]:
    hashes = case.scenario.hashes
    made: dict[str, Any] = {
        "prompts": hashes[case.variant],
        "environment": hashes["environment"],
        "agent": agent_hash,
        "sandbox": sandbox,
    }
    note = note_of(case.model)
    return {"note": note, **made} if note else made


def _redacted(before: Tree, after: Tree, redactor: Redactor) -> Tree:
    """Secrets out of what the agent wrote. Files as shipped stay as they are: they are no secret."""
    clean: Tree = {}
    for path, state in after.items():
        old = before.get(path)
        clean[redactor.text(path)] = (
            state if old is not None and same(old, state) else _redacted_state(state, redactor)
        )
    return clean


def _redacted_state(state: FileState, redactor: Redactor) -> FileState:
    if state.kind == "symlink":
        target = redactor.text(state.target)
        return state if target == state.target else replace(state, target=target)
    data = redactor.data(state.data) if state.data is not None else None
    if data is None or data == state.data:
        return state
    return replace(state, data=data, size=len(data), sha256=hashlib.sha256(data).hexdigest())


# --- replay ----------------------------------------------------------------------------------------------------------


class _ReplayEnv:
    """Answers from the tape, strictly."""

    def __init__(self, tape: Tape) -> None:
        self.journal = Journal()
        self._tape = tape

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        result = self._tape.result(command)
        self.journal.ran(result)
        return result

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        reply = self._tape.reply(messages)
        self.journal.turn(list(messages), reply)
        return reply

    def say(self, text: str) -> None:
        if text.strip():
            self.journal.said.append(text.strip())


async def _replay(case: Case, agent: Agent, setup: Setup, recording: Recording) -> tuple[Trajectory, Tree]:
    place = str(setup.store.find(case.cassette))
    _check_identity(case, recording, place)
    changed = _changed(case, recording)
    if "environment" in changed:
        raise CassetteError(_stale(case, place))
    tape = Tape(recording.trajectory, place)
    env = _ReplayEnv(tape)
    try:
        with no_network():
            ended = await agent(_task(case, setup), env)
        tape.finish()
    except ReplayMismatch as error:
        if "prompts" in changed:
            raise ReplayMismatch(
                f"the prompts of {case.scenario.id} have changed since this was recorded\n{error}"
            ) from None
        raise
    after = delta.decode(case.scenario.before, recording.files)
    return Trajectory(
        tuple(env.journal.events), "\n".join(env.journal.said), ended, recording.trajectory.seconds
    ), after


def _changed(case: Case, recording: Recording) -> list[str]:
    """What of the scenario is not as it was when this was recorded."""
    now = _made_with(case, "", "")
    return [part for part in ("prompts", "environment") if recording.made_with.get(part) != now[part]]


def _check_identity(case: Case, recording: Recording, place: str) -> None:
    expected = _identity(case)
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


def _stale(case: Case, place: str, what: str = "files (workspace/, tools/) or limits") -> str:
    return (
        f"scenario {case.scenario.id} has changed since this was recorded: its {what} are others now, "
        f"so the recording shows nothing about it\n  cassette: {place}\n  to fix: undo the change, or record again with --odcv-record=all"
    )


def _missing(case: Case, store: Store) -> str:
    models = store.models(case.scenario.suite)
    known = ", ".join(models) if models else "none"
    return (
        f"no recording of {case.id}\n  looked for: {store.root / case.cassette}\n  recorded models of suite {case.scenario.suite}: {known}\n"
        "  to fix: run it live once with --odcv-record=once, or name a recorded model"
    )
