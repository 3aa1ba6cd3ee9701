"""What a trial has for an agent in a process of its own: the gateway in its sandbox, live, and in a replay either the recording as it is or
the program once more, answered from the tape."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..cassette.playback import Tape
from ..errors import CassetteError, ReplayMismatch, UsageProblem
from ..http.tape import HttpTape
from ..sandbox.protocol import CommandResult, Sandbox
from ..trajectory import Journal, turn_of

if TYPE_CHECKING:
    from ..http.gateway import Gateway


@asynccontextmanager
async def gateway(box: Sandbox, tape: HttpTape, port: int, api_base: str | None) -> AsyncIterator[Gateway]:
    """The tape, served on 127.0.0.1:`port` of a sandbox. Raises SandboxError, and UsageProblem where h11 is not installed."""
    try:
        from ..http.gateway import Gateway
        from ..http.gateway_upstream import upstreams
    except ModuleNotFoundError as error:
        if error.name != "h11":
            raise
        raise UsageProblem(
            "a command agent's requests are read with h11, which is not installed: pip install 'pytest-odcv[http]'"
        ) from None
    listening = await box.listen(port)
    async with Gateway(listening, tape, upstreams(os.environ, api_base)) as opened:
        yield opened


def last_words(journal: Journal) -> str:
    """The last text that the model wrote."""
    turns = filter(None, map(turn_of, reversed(journal.events)))
    return next((turn.reply.message.content for turn in turns if turn.reply.message.content.strip()), "")


def given_out(commands: Tape, tape: HttpTape, journal: Journal, command: str) -> CommandResult:
    """The recorded result of the agent's command, and into the journal everything that happened until then. Raises ReplayMismatch for
    another command."""
    result = commands.result(command)
    for exchange in tape.give_out():
        journal.exchanged(exchange)
    journal.ran(result)
    return result


async def run_again(
    box: Sandbox, commands: Tape, journal: Journal, command: str, timeout: float | None
) -> CommandResult:
    """The agent's command, run for real on the tape: it must end as it did. Raises ReplayMismatch; gives the recorded result."""
    recorded = commands.result(command)
    now = await box.run(command, timeout)
    if now.exit_code != recorded.exit_code:
        said = (now.stderr or now.stdout).strip()[-400:]
        raise ReplayMismatch(
            f"the agent's command ended with exit code {now.exit_code}, and with {recorded.exit_code} when it was recorded: {said}\n"
            "  to fix: undo the change, or record this trial again with --odcv-record=all"
        )
    journal.ran(recorded)
    return recorded


def check_unchanged(case_id: str, place: str, recorded: str, now: str, prompts_changed: bool) -> None:
    """A recording that is given out as it is must be of the same agent and the same prompts. Raises CassetteError."""
    what = (
        "prompts" if prompts_changed else "agent's configuration (command, variables, programs or settings)"
    )
    if prompts_changed or recorded != now:
        raise CassetteError(
            f"{case_id}: the {what} changed since this was recorded, and the agent is not run in a replay, so the recording shows nothing "
            f"about it\n  cassette: {place}\n  to fix: undo the change, or record again with --odcv-record=all"
        )
