"""How a trial ended: what its tape and its requests say goes before what the agent made of it, and an agent that did nothing has not passed.

The kinds of endings, and what each means for the verdict, are in `evidence.ending`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..agent.bash_tool import BASH, TASK_COMPLETE
from ..agent.invoke import is_outside, is_own, name_of
from ..agent.protocol import Task
from ..agent.text_calls import is_call
from ..agent.tools import SPECS
from ..errors import AgentError, ModelError, OdcvError, SandboxError, VoidTrial
from ..evidence.ending import Ended, Ending
from ..http import current
from ..http.exchange import ABANDONED
from ..http.stops import StepLimitReached, TapeStop
from ..model.types import Reply, ToolCall
from ..sandbox.protocol import was_run
from ..trajectory import Called, Event, Exchanged, Journal, Ran, Trajectory, turn_of
from .heard import unheard

if TYPE_CHECKING:
    from ..http.exchange import Exchange
    from ..http.tape import HttpTape


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, and the error that ended it, if any."""

    ending: Ending
    error: OdcvError | None = None


async def outcome_of(
    running: Awaitable[Ended | Ending],
    agent: Any,
    task: Task,
    journal: Journal,
    tape: HttpTape | None,
    masked: Callable[[str], str],
) -> Outcome:
    """Wait for the agent's end. `masked` is what becomes of secrets in a text.

    Raises VoidTrial for an agent that did nothing, left no trace of the model it asked or never passed on the rules, CassetteError for
    what cannot be recorded or replayed. What else goes wrong ends the trial, and what was done until then is evidence.
    """
    outcome = await _awaited(running, tape)
    current.check_strays()
    missing = unheard(task, journal, masked) if is_own(agent) else ""
    if outcome.error is not None:
        if missing:
            raise outcome.error
        return outcome
    if tape is not None and tape.limited:
        outcome = Outcome(Ending(Ended.STEP_LIMIT))
    cut = outcome.ending.kind in _CUT_BY_SCENARIO
    if not cut:
        journal.settle()
    faults = never_answered(journal, cut)
    if not faults:
        _check_traces(agent, journal)
    if missing:
        raise VoidTrial(f"agent {name_of(agent)} {missing}")
    return Outcome(_refined(outcome.ending, agent, journal, faults))


async def _awaited(running: Awaitable[Ended | Ending], tape: HttpTape | None) -> Outcome:
    try:
        with current.use(tape):
            ended = await running
    except BaseException as error:
        if _has(error, StepLimitReached):
            return Outcome(Ending(Ended.STEP_LIMIT))
        if tape is not None and tape.problem is not None:
            return _of_problem(tape.problem)
        if stop := _has(error, TapeStop):
            return _of_problem(stop.problem)
        if isinstance(error, OdcvError):
            return _of_problem(error)
        raise
    if tape is not None and tape.problem is not None:
        return _of_problem(tape.problem)
    return Outcome(ended if isinstance(ended, Ending) else Ending(ended))


def _of_problem(problem: OdcvError) -> Outcome:
    """The ending that an error is. Raises it where it leaves nothing to be judged."""
    cause = str(problem).partition("\n")[0]
    if isinstance(problem, ModelError):
        return Outcome(Ending(Ended(problem.ending), cause), problem)
    if isinstance(problem, (AgentError, SandboxError)) and not isinstance(problem, VoidTrial):
        return Outcome(Ending(Ended.ERROR, cause), problem)
    raise problem from None


def closing_words(journal: Journal) -> str:
    """What the agent said; of one that said nothing, the last words of its model that are no call."""
    if journal.said:
        return "\n".join(journal.said)
    for event in reversed(journal.events):
        turn = turn_of(event)
        if turn is not None:
            return turn.reply.message.content.strip() if isinstance(event, Exchanged) else ""
    return ""


# --- what the agent does not say of its own ending ----------------------------------------------------------------------


def _refined(ended: Ending, agent: Any, journal: Journal, faults: Sequence[str]) -> Ending:
    """The ending with what the agent may not have noticed, or kept to itself."""
    if ended.incomplete:
        return ended
    if faults:
        return Ending(Ended.FAULTED, faults[0])
    if is_own(agent) and ended.kind is not Ended.REFUSED:
        ended = _by_last_answer(journal) or ended
    idle = "" if ended.incomplete or ended.kind is Ended.REFUSED else _idle(agent, journal)
    return Ending(Ended.IDLE, idle) if idle else ended


def of_recording(trajectory: Trajectory) -> Ending:
    """The ending that a recording states, where no agent is at hand to be run on it. Recordings made before there were idle endings
    are held to the built-in agent's rule, where they are its."""
    ended = trajectory.ending
    if ended.incomplete or ended.kind is Ended.REFUSED or trajectory.exchanges:
        return ended
    idle = _idle_reason(trajectory.events, trajectory.claim, own=False, outside=False)
    return Ending(Ended.IDLE, idle) if idle else ended


_CUT_BY_SCENARIO = (Ended.TIME_LIMIT, Ended.STEP_LIMIT)


def never_answered(journal: Journal, cut: bool = False) -> list[str]:
    """A sentence for each call of a model that never got its answer, the first first: those through `env.complete`, then
    those of the recorded traffic. `cut`: the scenario's own limit ended the trial, and what was under way then is no fault."""
    found = [failed.cause for failed in journal.never_answered]
    exchanges = [event.exchange for event in journal.events if isinstance(event, Exchanged)]
    under_way = _under_way(journal.events) if cut else 0
    return [*found, *_failed_exchanges(exchanges, len(exchanges) - under_way)]


def _under_way(events: Sequence[Event]) -> int:
    """How many requests stood open at the end: abandoned, and nothing came after them."""
    count = 0
    for event in reversed(events):
        failure = event.exchange.failure if isinstance(event, Exchanged) else None
        if failure is None or failure.kind != ABANDONED:
            break
        count += 1
    return count


def _failed_exchanges(exchanges: Sequence[Exchange], until: int) -> list[str]:
    """Failed requests to a chat API, among the first `until`, that no later one got over: none that was asked after it and answered begins with
    the same messages."""
    if not exchanges:
        return []
    from ..http import shapes

    asked = [shapes.asked(exchange) for exchange in exchanges]
    answered = [shapes.read(exchange) is not None for exchange in exchanges]
    failed = []
    for number, messages in enumerate(asked[:until]):
        if messages is None or answered[number]:
            continue
        exchange = exchanges[number]
        later = zip(
            asked[number + 1 :], answered[number + 1 :], strict=True
        )  # They stand in the order of asking.
        got_over = any(
            ok and begins is not None and begins[: len(messages)] == messages for begins, ok in later
        )
        if not got_over:
            what = _failed_with(exchange)
            failed.append(f"{exchange.method} {exchange.path} got {what}, and no later request got over it")
    return failed


def _failed_with(exchange: Exchange) -> str:
    failure = exchange.failure
    if failure is None:
        return f"HTTP {exchange.status}" + (
            "" if exchange.status >= 400 else ", which is no answer of a model"
        )
    if failure.kind == ABANDONED:
        return "no answer, because the agent did not wait for it"
    return f"no answer but {failure.kind}: {' '.join(failure.text.split())[:120]}".rstrip(": ")


def _by_last_answer(journal: Journal) -> Ending | None:
    """Of a custom agent that returned or was cut off, the last answer decides: before that it may have a fallback."""
    reply = next((turn.reply for event in reversed(journal.events) if (turn := turn_of(event))), None)
    if reply is None or not reply.shortfall or (reply.shortfall == "refused" and reply.message.calls):
        return None
    said = " ".join(reply.message.content.split())[:200]
    return Ending(
        Ended(reply.shortfall),
        said if reply.shortfall == "refused" else f"the last answer ended with {reply.stop}",
    )


def _idle(agent: Any, journal: Journal) -> str:
    return _idle_reason(journal.events, closing_words(journal), is_own(agent), is_outside(agent))


def _idle_reason(events: Sequence[Event], words: str, own: bool, outside: bool) -> str:
    """Why an ending says nothing though the agent had its say: it did nothing and said nothing, or nothing that it wanted was run.
    The one command of a program in the sandbox (`outside`) is the program itself: there its calls count as deeds."""
    replies = [turn.reply for event in events if (turn := turn_of(event))]
    wanted = [call for reply in replies for call in reply.message.calls if own or not _is_end(call)]
    if outside:
        return "" if wanted or words else "its program called no tool and reported nothing"
    if any(
        isinstance(event, Called) or (isinstance(event, Ran) and was_run(event.result)) for event in events
    ):
        return ""
    names = {spec.name for spec in (BASH, *SPECS)}
    ours = [call for call in wanted if not own or call.name in names]
    if ours:
        last = f"{ours[-1].name} {ours[-1].arguments}"
        return f"none of its {len(ours)} calls could be run; the last was {last[:120]}"
    if not wanted and any(map(_is_text_call, replies)):
        return "none of its calls could be run: the model writes them as text, where nothing reads them"
    return "" if wanted or words else "it ran nothing and reported nothing"


def _is_end(call: ToolCall) -> bool:
    return call.name == TASK_COMPLETE.name and call.parsed() is not None


def _is_text_call(reply: Reply) -> bool:
    return is_call(reply.message.content, (BASH.name, TASK_COMPLETE.name, *(spec.name for spec in SPECS)))


def _check_traces(agent: Any, journal: Journal) -> None:
    name = name_of(agent)
    if not journal.events:
        raise VoidTrial(
            f"agent {name} did nothing: it ran no command and asked no model, so there is nothing to judge\n"
            "  to fix: let it work with env.bash(...) or env.tools(), and ask its model while it is called"
        )
    if not journal.turns and is_outside(agent):
        raise VoidTrial(
            f"agent {name} ran and asked no model through the gateway\n"
            "  to fix: its program must take the address from OPENAI_BASE_URL or ANTHROPIC_BASE_URL, and speak chat completions, responses or "
            "messages there; nothing else of the network is to be had in the sandbox"
        )
    if not journal.turns and getattr(agent, "asks_model", True):
        raise VoidTrial(
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
