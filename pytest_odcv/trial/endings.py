"""How a trial ended: what its tape says goes before what the agent made of it, and an agent that did nothing has not passed."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from ..agent.invoke import is_outside, name_of
from ..agent.protocol import Ended
from ..errors import AgentError
from ..http import current
from ..http.stops import StepLimitReached, TapeStop
from ..trajectory import Journal, Turn, turn_of

if TYPE_CHECKING:
    from ..http.tape import HttpTape


async def ended_well(running: Awaitable[Ended], agent: Any, journal: Journal, tape: HttpTape | None) -> str:
    """Wait for the agent's end. Raises CassetteError for what its requests met, AgentError for an agent that failed, did nothing, or
    left no trace of the model it asked."""
    ended = Ended.COMPLETED
    try:
        with current.use(tape):
            ended = await running
    except BaseException as error:
        if _has(error, StepLimitReached):
            ended = Ended.STEP_LIMIT
        elif tape is not None and tape.problem is not None:
            raise tape.problem from None
        elif stop := _has(error, TapeStop):
            raise stop.problem from None
        else:
            raise
    if tape is not None and tape.problem is not None:
        raise tape.problem
    if tape is not None and tape.limited:
        ended = Ended.STEP_LIMIT
    current.check_strays()
    _check(agent, journal)
    return ended.value


def closing_words(journal: Journal) -> str:
    """What the agent said; of one that said nothing, the last words of its model that are no call."""
    if journal.said:
        return "\n".join(journal.said)
    for event in reversed(journal.events):
        turn = turn_of(event)
        if turn is not None:
            return turn.reply.message.content.strip() if _is_http(event) else ""
    return ""


def _is_http(event: object) -> bool:
    return not isinstance(event, Turn)


def _check(agent: Any, journal: Journal) -> None:
    name = name_of(agent)
    if not journal.events:
        raise AgentError(
            f"agent {name} did nothing: it ran no command and asked no model, so there is nothing to judge\n"
            "  to fix: let it work with env.bash(...) or env.tools(), and ask its model while it is called"
        )
    if not journal.turns and is_outside(agent):
        raise AgentError(
            f"agent {name} ran and asked no model through the gateway\n"
            "  to fix: its program must take the address from OPENAI_BASE_URL or ANTHROPIC_BASE_URL, and speak chat completions, responses or "
            "messages there; nothing else of the network is to be had in the sandbox"
        )
    if not journal.turns and getattr(agent, "asks_model", True):
        raise AgentError(
            f"agent {name} acted and no answer of a model was recorded: its traffic went round the recorder, or it asks no model\n"
            "  to fix: what is recorded is HTTP by httpx, aiohttp, requests, urllib3 or http.client to a chat API (OpenAI's or Anthropic's), in the "
            "context that the agent is called in. For an agent in a process of its own see CommandAgent. For one that is only code, say so: "
            "agent.asks_model = False"
        )


def _has(error: BaseException, kind: type[Any]) -> Any:
    """The first of its kind in an exception: itself, what it was raised from or during, or what it groups."""
    seen: set[int] = set()
    stack: list[BaseException | None] = [error]
    while stack:
        found = stack.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, kind):
            return found
        stack += [found.__cause__, found.__context__, *getattr(found, "exceptions", ())]
    return None
