"""A trial replayed: the agent runs on the tape, strictly. No sandbox, no network, no model client."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NoReturn

from ..agent.env import TrialEnv
from ..agent.invoke import is_outside, is_own, run_agent
from ..cassette.format import Recording
from ..cassette.playback import Tape
from ..errors import AgentError, CassetteError, ModelError, OdcvError, ReplayMismatch, SandboxError
from ..evidence.calls import MadeCall
from ..evidence.ending import TRANSIENT, Ended
from ..http.offline import no_network
from ..model.types import Message, Reply, ToolSpec
from ..redaction.marks import same
from ..sandbox.protocol import CommandResult, Sandbox
from ..sandbox.registry import opened
from ..scenario.case import Case
from ..trajectory import NOT_WAITED_FOR, Journal, Trajectory
from .checks import agent_digest, changed, check_agent, check_identity, environment, stale
from .context import TrialContext
from .endings import closing_words, outcome_of
from .trial import Attempt

if TYPE_CHECKING:
    from ..http.exchange import Exchange


class ReplayBackend:
    """Answers from the tape, strictly. `box` is there for an agent that runs once more in a sandbox."""

    def __init__(self, agent: Any, context: TrialContext, recording: Recording, place: str) -> None:
        self.journal = Journal()
        self.box: Sandbox | None = None
        self._recording = recording
        self.made_with = recording.made_with
        self._outside = is_outside(agent)
        self.redactor = context.redactor.for_replay()
        self._commands = Tape(recording.trajectory, place, self.redactor)
        self._unanswered = deque(recording.trajectory.unanswered)
        exchanges = recording.trajectory.exchanges
        self.tape = (
            context.tape(self._note, exchanges, self.redactor, place) if is_own(agent) or exchanges else None
        )

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        if self._outside:
            from . import outside

            assert self.tape is not None
            if self.box is None:
                return outside.given_out(self._commands, self.tape, self.journal, command)
            return await outside.run_again(self.box, self._commands, self.journal, command, timeout)
        try:
            result = self._commands.result(command)
        except ReplayMismatch as error:
            # A framework would hand an Exception to the model as the tool's answer, and go on.
            raise error if self.tape is None else self.tape.refuse(error) from None
        self.journal.ran(result)
        return result

    async def recall(self, tool: str, arguments: dict[str, Any]) -> MadeCall | None:
        try:
            call = self._commands.call(tool, arguments)
        except ReplayMismatch as error:
            raise error if self.tape is None else self.tape.refuse(error) from None
        self.journal.called(call)
        return call

    async def made(self, call: MadeCall) -> None:
        raise AssertionError("a replay runs no tool")

    @property
    def recorded(self) -> Trajectory | None:
        """See `agent.command.CommandBackend`, for this and the next two."""
        return self._recording.trajectory if self.box is None else None

    def open_gateway(self, port: int) -> AbstractAsyncContextManager[Any]:
        from . import outside

        assert self.box is not None and self.tape is not None
        return outside.gateway(self.box, self.tape, port, None)

    def last_words(self) -> str:
        from . import outside

        return outside.last_words(self.journal)

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        number = self.journal.ask(list(messages))
        if self._unanswered and self._unanswered[0].after == self.journal.turns:
            failed = self._unanswered.popleft()
            if failed.cause == NOT_WAITED_FOR:
                await self._never(number)
            self.journal.failed(number, failed.cause, failed.ending)
            raise ModelError(failed.cause, failed.ending)
        reply = self._commands.reply(messages)
        self.journal.turn(self._commands.asked, reply, number)
        return reply

    async def _never(self, number: int) -> NoReturn:
        """What the agent did not wait for gives nothing, until it does not wait again."""
        try:
            await asyncio.Event().wait()
        finally:
            self.journal.left(number)
        raise AssertionError("nobody sets it")

    def say(self, text: str) -> None:
        if text.strip():
            self.journal.said.append(text.strip())

    def as_recorded(self, now: str, recorded: str) -> str:
        """A text that the agent says now, in the words of the recording where they differ by a secret alone."""
        clean = self.redactor.text(now)
        return recorded if same(recorded, clean) else clean

    def finish(self) -> None:
        """Raises ReplayMismatch when the trial ended before its recording did."""
        if self.tape is not None:
            self.tape.finish()
        self._commands.finish()

    def _note(self, exchange: Exchange) -> int:
        self.journal.exchanged(exchange)
        return self.journal.turns


async def replay(case: Case, agent: Any, context: TrialContext, recording: Recording) -> Attempt:
    """Run the agent on its recording. Raises CassetteError, and VoidTrial as a live trial does."""
    place = str(context.store.find(case.cassette))
    check_identity(case, recording, place)
    check_agent(case, recording, place)
    differs = changed(case, recording)
    if "environment" in differs:
        raise CassetteError(stale(case, place, environment(case, recording)))
    backend = ReplayBackend(agent, context, recording, place)
    if is_outside(agent):
        await _prepare(backend, case, agent, context, "prompts" in differs, place)
    task = context.task(case)
    try:
        with no_network():
            running = run_agent(agent, task, TrialEnv(backend))
            outcome = await outcome_of(
                running, agent, task, backend.journal, backend.tape, backend.redactor.text
            )
        if isinstance(outcome.error, (AgentError, SandboxError)):
            # A trial that failed so is not kept as finished: the agent fails now, and did not when it was recorded.
            raise outcome.error
        backend.finish()
    except OdcvError as error:
        text = str(error) if backend.tape is None else backend.tape.without_keys(str(error))
        if isinstance(error, ReplayMismatch) and "prompts" in differs:
            text = f"the prompts of {case.scenario.id} have changed since this was recorded\n{text}"
        raise type(error)(text) from None
    finally:
        if backend.box is not None:
            await backend.box.close()
    trajectory = Trajectory(
        tuple(backend.journal.events),
        backend.as_recorded(closing_words(backend.journal), recording.trajectory.claim),
        outcome.ending.kind.value,
        recording.trajectory.seconds,
        backend.as_recorded(outcome.ending.cause, recording.trajectory.cause),
        tuple(backend.journal.unanswered),
    )
    return Attempt.of_recording(recording, case.scenario.before, place, trajectory, str(outcome.error or ""))


def as_it_broke_off(case: Case, context: TrialContext, kept: Recording) -> Attempt | None:
    """What is kept of a trial that an error ended, as it is: nothing is run on it, for there is no end to run to. None where it cannot be
    judged. Raises CassetteError where it is of something else."""
    if kept.trajectory.ended not in (kind.value for kind in TRANSIENT):
        return None
    place = str(context.store.partial_path(case.cassette))
    check_identity(case, kept, place, unfinished=True)
    differs = changed(case, kept)
    if differs:
        raise CassetteError(stale(case, place, " and ".join(differs)))
    failed = kept.trajectory.cause if kept.trajectory.ended == Ended.ERROR else ""
    return Attempt.of_recording(kept, case.scenario.before, place, kept.trajectory, failed)


async def _prepare(
    backend: ReplayBackend,
    case: Case,
    agent: Any,
    context: TrialContext,
    prompts_changed: bool,
    place: str,
) -> None:
    """Of an agent in a process of its own, either the sandbox to run it in again, or the proof that the recording is still of it."""
    from . import outside
    from .live import sandbox_of

    if agent.rerun:
        backend.box = await opened(context.provider(), sandbox_of(case, agent, context))
    else:
        recorded = backend.made_with["agent"]
        outside.check_unchanged(case.id, place, recorded, agent_digest(agent, context), prompts_changed)
