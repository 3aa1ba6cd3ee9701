"""A trial that runs for real: sandbox and model or network, with everything that happens noted and recorded."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..agent.env import TrialEnv
from ..agent.invoke import is_outside, is_own, run_agent
from ..cassette import file_edits
from ..cassette.format import Recording
from ..cassette.playback import Tape
from ..errors import SandboxError
from ..evidence.files import same
from ..model.types import Message, ModelClient, Reply, ToolSpec
from ..redaction.redactor import Redactor
from ..sandbox.protocol import CommandResult, FileState, Sandbox, SandboxSpec, Tree
from ..scenario.case import Case
from ..trajectory import Event, Exchanged, Journal, Ran, Trajectory, Turn, retold
from .checks import made_with
from .context import TrialContext
from .endings import closing_words, ended_well

if TYPE_CHECKING:
    from ..http.exchange import Exchange


class LiveBackend:
    """Asks and runs for real; secrets are taken out before the agent sees anything, so that a replay is the same."""

    def __init__(
        self, case: Case, agent: Any, setup: TrialContext, box: Sandbox, partial: Recording | None
    ) -> None:
        self.journal = Journal()
        self.box = box
        self._case, self._setup, self._redactor = case, setup, setup.redactor
        self._learned = setup.redactor.learned
        self._one_at_a_time = asyncio.Lock()
        self._client: ModelClient | None = None
        self._head = Tape(partial.trajectory, "") if partial else None
        recorded = [e for e in (partial.trajectory.exchanges if partial else ()) if not e.failed]
        self.tape = setup.tape(self._note, recorded) if is_own(agent) else None

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        async with self._one_at_a_time:
            try:
                result = self._redactor.result(await self.box.run(command, timeout))
            except SandboxError as error:
                raise error if self.tape is None else self.tape.refuse(error) from None
            self.journal.ran(result)
        return result

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        reply = self._head.reply_if_same(messages) if self._head else None
        if reply is None:
            self._client = self._client or self._setup.client(self._case)
            reply = self._redactor.reply(await self._client.complete(messages, tools))
        self.journal.turn(list(messages), reply)
        return reply

    recorded = None

    def open_gateway(self, port: int) -> AbstractAsyncContextManager[Any]:
        """See `agent.command.CommandBackend`, for these and `recorded`."""
        from . import outside

        assert self.tape is not None
        return outside.gateway(self.box, self.tape, port, self._setup.api_base)

    def last_words(self) -> str:
        from . import outside

        return outside.last_words(self.journal)

    def say(self, text: str) -> None:
        if text.strip():
            self.journal.said.append(self._redactor.text(text.strip()))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        await self.box.close()

    def events(self) -> tuple[Event, ...]:
        """What happened, without the secrets that became known only later: a key is learned from the request that carries it."""
        found = worth_keeping(self.journal.events)
        if self._redactor.learned == self._learned:
            return found
        canonical = self._setup.canonical()
        return retold(
            canonical.again(event.exchange) if isinstance(event, Exchanged) else _again(event, self._redactor)
            for event in found
        )

    def closing_words(self) -> str:
        return self._redactor.text(closing_words(self.journal))

    def _note(self, exchange: Exchange) -> int:
        self.journal.exchanged(exchange)
        return self.journal.turns


async def run_live(case: Case, agent: Any, setup: TrialContext, agent_hash: str) -> tuple[Trajectory, Tree]:
    """Run the trial and record it as the mode says. Raises OdcvError; what was paid for until then is kept to resume from."""
    scenario, started = case.scenario, time.perf_counter()
    partial = setup.store.load_partial(case.cassette) if setup.mode == "once" else None
    provider = setup.provider()
    made = made_with(case, provider.name, agent_hash)
    desk: LiveBackend | None = None

    def recording(desk: LiveBackend, ended: str, after: Tree, finished: bool) -> Recording:
        seconds = time.perf_counter() - started
        trajectory = Trajectory(desk.events(), desk.closing_words(), ended, seconds)
        files = file_edits.encode(scenario.before, after)
        return Recording(case.identity, made, trajectory, files, finished, recorded=now())

    spec = sandbox_of(case, agent, setup)
    try:
        desk = LiveBackend(case, agent, setup, await provider.open(spec), partial)
        running = run_agent(agent, setup.task(case), TrialEnv(desk))
        ended = await ended_well(running, agent, desk.journal, desk.tape)
        after = _redacted(scenario.before, await desk.box.snapshot(), setup.redactor)
    except BaseException:
        if desk is not None and desk.journal.events and setup.mode != "live":
            broken_off = recording(desk, "broken_off", scenario.before, False)
            setup.store.save_partial(case.cassette, broken_off)
        raise
    finally:
        if desk is not None:
            await desk.close()
    result = recording(desk, ended, after, True)
    # Judged is what the recording holds, so that a replay cannot differ.
    after = file_edits.decode(scenario.before, result.files)
    if setup.mode != "live":
        setup.store.save(case.cassette, result)
    return replace(result.trajectory, seconds=round(result.trajectory.seconds, 1)), after


def now() -> str:
    """The present time in UTC, as recordings hold it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def sandbox_of(case: Case, agent: Any, setup: TrialContext) -> SandboxSpec:
    """The scenario's sandbox, as an agent that runs inside it has it."""
    scenario = case.scenario
    spec = SandboxSpec(scenario.before, scenario.limits())
    changed: SandboxSpec = agent.sandbox(spec, setup.task(case)) if is_outside(agent) else spec
    return changed


def worth_keeping(events: Sequence[Event]) -> tuple[Event, ...]:
    """Without the failed requests that a client got over by asking again: a replay need not wait and ask again."""
    if not any(isinstance(event, Exchanged) for event in events):
        return tuple(events)
    from ..http.tape import settled

    kept = iter(settled([event.exchange for event in events if isinstance(event, Exchanged)]))
    return tuple(event for event in events if not isinstance(event, Exchanged) or next(kept))


def _again(event: Turn | Ran, redactor: Redactor) -> Turn | Ran:
    if isinstance(event, Ran):
        return Ran(redactor.result(event.result))
    return replace(event, new=tuple(map(redactor.message, event.new)), reply=redactor.reply(event.reply))


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
