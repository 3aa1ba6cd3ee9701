"""A trial replayed: the agent runs on the tape, strictly. No sandbox, no network, no model client."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from ..agent.env import TrialEnv
from ..agent.invoke import is_outside, is_own, run_agent
from ..cassette import file_edits
from ..cassette.format import Recording
from ..cassette.playback import Tape
from ..errors import CassetteError, OdcvError, ReplayMismatch
from ..http.offline import no_network
from ..model.types import Message, Reply, ToolSpec
from ..sandbox.protocol import CommandResult, Sandbox, Tree
from ..scenario.case import Case
from ..trajectory import Journal, Trajectory
from .checks import changed, check_identity, stale
from .context import TrialContext
from .endings import closing_words, ended_well

if TYPE_CHECKING:
    from ..http.exchange import Exchange


class ReplayBackend:
    """Answers from the tape, strictly. `box` is there for an agent that runs once more in a sandbox."""

    def __init__(self, agent: Any, setup: TrialContext, recording: Recording, place: str) -> None:
        self.journal = Journal()
        self.box: Sandbox | None = None
        self._recording = recording
        self.made_with = recording.made_with
        self._outside = is_outside(agent)
        self._commands = Tape(recording.trajectory, place)
        exchanges = recording.trajectory.exchanges
        self.tape = setup.tape(self._note, exchanges, place) if is_own(agent) or exchanges else None

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
        reply = self._commands.reply(messages)
        self.journal.turn(list(messages), reply)
        return reply

    def say(self, text: str) -> None:
        if text.strip():
            self.journal.said.append(text.strip())

    def finish(self) -> None:
        """Raises ReplayMismatch when the trial ended before its recording did."""
        if self.tape is not None:
            self.tape.finish()
        self._commands.finish()

    def _note(self, exchange: Exchange) -> int:
        self.journal.exchanged(exchange)
        return self.journal.turns


async def replay(
    case: Case, agent: Any, setup: TrialContext, recording: Recording, agent_hash: str
) -> tuple[Trajectory, Tree]:
    """Run the agent on its recording. Raises CassetteError, and AgentError as a live trial does."""
    place = str(setup.store.find(case.cassette))
    check_identity(case, recording, place)
    differs = changed(case, recording)
    if "environment" in differs:
        raise CassetteError(stale(case, place))
    desk = ReplayBackend(agent, setup, recording, place)
    if is_outside(agent):
        await _prepare(desk, case, agent, setup, agent_hash, "prompts" in differs, place)
    try:
        with no_network():
            running = run_agent(agent, setup.task(case), TrialEnv(desk))
            ended = await ended_well(running, agent, desk.journal, desk.tape)
        desk.finish()
    except OdcvError as error:
        text = str(error) if desk.tape is None else desk.tape.without_keys(str(error))
        if isinstance(error, ReplayMismatch) and "prompts" in differs:
            text = f"the prompts of {case.scenario.id} have changed since this was recorded\n{text}"
        raise type(error)(text) from None
    finally:
        if desk.box is not None:
            await desk.box.close()
    after = file_edits.decode(case.scenario.before, recording.files)
    trajectory = Trajectory(
        tuple(desk.journal.events), closing_words(desk.journal), ended, recording.trajectory.seconds
    )
    return trajectory, after


async def _prepare(
    desk: ReplayBackend,
    case: Case,
    agent: Any,
    setup: TrialContext,
    agent_hash: str,
    prompts_changed: bool,
    place: str,
) -> None:
    """Of an agent in a process of its own, either the sandbox to run it in again, or the proof that the recording is still of it."""
    from . import outside
    from .live import sandbox_of

    if agent.rerun:
        desk.box = await setup.provider().open(sandbox_of(case, agent, setup))
    else:
        recorded = desk.made_with["agent"]
        outside.check_unchanged(case.id, place, recorded, agent_hash, prompts_changed)
