"""A trial that runs for real: sandbox and model or network, with everything that happens noted and recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import spans
from ..agent.bench import BenchAgent
from ..agent.env import TrialEnv
from ..agent.invoke import is_outside, is_own, run_agent
from ..cassette import file_edits, timeline
from ..cassette.format import Recording
from ..errors import CassetteError, ModelError, SandboxError, UsageProblem
from ..evidence.calls import MadeCall
from ..evidence.ending import Ended, Ending
from ..http.current import our_own_client
from ..http.offline import recorded_only
from ..model import chat_spans
from ..model.types import Message, ModelClient, Reply, ToolSpec
from ..redaction.values import spelled
from ..sandbox.protocol import CommandResult, Moment, Sandbox, SandboxSpec, Tree
from ..sandbox.registry import opened
from ..scenario.case import Case
from ..trajectory import Event, Exchanged, Journal, Trajectory
from . import traced
from .checks import agent_digest, made_with, programs_of
from .context import TrialContext
from .endings import Outcome, closing_words, outcome_of
from .masking import cleaned, masked_moments, masked_tree
from .paid import Earlier, Paid, earlier
from .trial import Attempt

if TYPE_CHECKING:
    from ..http.exchange import Exchange


class LiveBackend:
    """Asks and runs for real. The agent lives with what was really said; what is recorded and judged has the secrets out of it."""

    def __init__(self, case: Case, agent: Any, context: TrialContext, box: Sandbox, earlier: Earlier) -> None:
        self.journal = Journal()
        self.box = box
        self._case, self._context = case, context
        self.redactor = context.redactor.for_trial()
        self._learned = self.redactor.learned
        self._inside = is_outside(agent) and hasattr(box, "look")
        self._one_at_a_time = asyncio.Lock()
        self._client: ModelClient | None = None
        self._tokens = 0
        self._span = spans.current()
        self._sampling = context.settings
        self.waited = 0.0
        """Seconds in which the trial stood still for the model."""
        self.paid = Paid(case, context, self.journal, self.redactor, earlier)
        may_ask, recorded = self._check_other_client, self.paid.recorded
        self.tape = (
            context.tape(self._note, recorded, self.redactor, given=self._was_given, may_ask=may_ask)
            if is_own(agent)
            else None
        )

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        async with self._one_at_a_time:
            try:
                with traced.command(self._span, self.redactor) as span:
                    result = _spelled(await self.box.run(command, timeout))
                    span.ran(result)
            except SandboxError as error:
                raise error if self.tape is None else self.tape.refuse(error) from None
            self.redactor.refresh()
            self.journal.ran(result)
        return result

    async def recall(self, tool: str, arguments: dict[str, Any]) -> MadeCall | None:
        return None

    async def made(self, call: MadeCall) -> None:
        self.redactor.refresh()
        self.journal.called(call)

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        self.redactor.refresh()
        number = self.journal.ask(list(messages))
        try:
            again = self.paid.again(messages)
            reply = again or await self._ask(messages, tools)
        except ModelError as error:
            self.journal.failed(number, self.redactor.text(str(error)), error.ending)
            raise
        except BaseException:
            self.journal.left(number)
            raise
        self.journal.turn(list(messages), reply, number)
        if again is None:
            self.paid.sent = self.sent
            self.paid.note(self.tape)
        self._tokens += (reply.prompt_tokens or 0) + (reply.completion_tokens or 0)
        return reply

    async def _ask(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        # Others have their turn even where an agent asks on and on after a refusal that nothing was waited for.
        await asyncio.sleep(0)
        self._client = self._client or self._context.client(self._case)
        began, held = time.perf_counter(), getattr(self._client, "held", 0.0)
        try:
            self._check_tokens()
            self.paid.before_asking(self.tape)
            model, mask = self._case.requested_model, self.redactor.message
            with our_own_client(), chat_spans.call(model, self._span, mask, self._sampling) as call:
                reply = await self._client.complete(messages, tools)
                call.answered(messages, reply)
                return reply
        finally:
            self.waited += time.perf_counter() - began
            # The trial's time stands still while the provider takes no calls.
            if hasattr(self.box, "extend"):
                self.box.extend(getattr(self._client, "held", 0.0) - held)

    @property
    def sent(self) -> Mapping[str, float] | None:
        """The sampling parameters that the client really sent; None where nobody can tell."""
        return self.paid.sent if self._client is None else getattr(self._client, "sent", None)

    recorded = None

    def open_gateway(self, port: int) -> AbstractAsyncContextManager[Any]:
        """See `agent.command.CommandBackend`, for these and `recorded`."""
        from . import outside

        assert self.tape is not None
        return outside.gateway(self.box, self.tape, port, self._context.api_base)

    def last_words(self) -> str:
        from . import outside

        return outside.last_words(self.journal)

    def say(self, text: str) -> None:
        if text.strip():
            self.journal.said.append(spelled(text.strip()))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        await self.box.close()

    def events(self) -> tuple[Event, ...]:
        """What happened, without secrets."""
        known = self.redactor.learned == self._learned
        kept = worth_keeping(self.journal.events)
        return cleaned(kept, self.redactor, self._context.canonical, again=not known)

    def trajectory(self, ending: Ending, seconds: float) -> Trajectory:
        """What happened, with how it ended."""
        clean = self.redactor.text
        return Trajectory(
            self.events(),
            clean(closing_words(self.journal)),
            ending.kind.value,
            seconds,
            clean(ending.cause),
            tuple(self.journal.unanswered),
        )

    def _was_given(self, test: Callable[[str], bool]) -> bool:
        """Whether the agent was given a text that passes: by its task, a command, a model or another server."""
        prompts = self._context.task(self._case)
        return any(map(test, (repr(prompts), *map(repr, self.journal.events))))

    def _check_tokens(self) -> None:
        """Raises ModelError where the trial has used up its tokens. An answer that came without a count counts as none."""
        most = self._context.trial_tokens
        if most is not None and self._tokens >= most:
            raise ModelError(
                f"the run stopped it after {self._tokens:,} tokens (--odcv-trial-tokens={most})",
                Ended.CUT_OFF.value,
            )

    def _check_other_client(self) -> None:
        """Before a custom agent's own client asks a model. Raises OdcvError where it may not."""
        self._check_tokens()
        if self._context.traffic.budget is not None:
            raise UsageProblem(
                f"--odcv-max-cost cannot be kept for what agent {self._case.agent} asks by a client of its own: nobody knows before a request what "
                "it may cost\n  to fix: let it ask its model with env.complete, or run it without the limit and set one at the provider"
            )
        self.paid.before_asking(self.tape)

    def _note(self, exchange: Exchange) -> int:
        event = self.journal.exchanged(exchange)
        turn = event.turn
        if turn is not None:
            self._tokens += (turn.reply.prompt_tokens or 0) + (turn.reply.completion_tokens or 0)
        if not self.paid.is_again(exchange):
            try:
                self.paid.note(self.tape)
            except CassetteError as error:
                assert self.tape is not None
                raise self.tape.refuse(error) from None
            traced.exchange(self._span, event, self.redactor)
        if self._inside:
            self.box.look()  # The program is one command; its requests are the steps in which it acts.
        return self.journal.turns


async def run_live(case: Case, agent: Any, context: TrialContext) -> Attempt:
    """Run the trial and record it as the mode says. Raises OdcvError where there is nothing to be judged. What was paid for before an
    error is kept to resume from, with how it ended and what was there then."""
    scenario, started = case.scenario, time.perf_counter()
    before = earlier(case, context)
    provider, task = context.provider(), context.task(case)
    programs = await programs_of(case, provider)
    backend: LiveBackend | None = None

    def recording(backend: LiveBackend, ended: Ending, after: Tree) -> Recording:
        trajectory = backend.trajectory(ended, time.perf_counter() - started)
        made = made_with(
            case, provider.name, agent_digest(agent, context, backend.sent), backend.sent, programs
        )
        files = file_edits.encode(scenario.before, after)
        moments = masked_moments(scenario.before, _moments(backend.box), backend.redactor)
        seen = None
        if moments is not None:
            seen = timeline.encode(scenario.before, moments, file_edits.decode(scenario.before, files))
        finished = not ended.transient and ended.kind is not Ended.BROKEN_OFF
        names = tuple(sorted(backend.redactor.masked))
        return Recording(case.identity, made, trajectory, files, finished, now(), timeline=seen, masked=names)

    spec = sandbox_of(case, agent, context)
    try:
        backend = LiveBackend(case, agent, context, await opened(provider, spec), before)
        running = run_agent(agent, task, TrialEnv(backend))
        clean = backend.redactor.text
        with _only_recorded(agent, context):
            outcome = await _in_time(
                context.trial_timeout,
                outcome_of(running, agent, task, backend.journal, backend.tape, clean),
            )
        after = masked_tree(scenario.before, await _files_after(backend.box, outcome), backend.redactor)
    except BaseException as error:
        if backend is not None and context.mode != "live":
            # What ended it is told, whatever keeps it from being written. The answers are kept as they came.
            with suppress(Exception):
                whole = backend.paid.close(backend.tape)
                if backend.journal.events:
                    cause = str(error).partition("\n")[0] or type(error).__name__
                    broken_off = recording(backend, Ending(Ended.BROKEN_OFF, cause), scenario.before)
                    context.store.save_partial(case.cassette, broken_off, whole)
        raise
    finally:
        if backend is not None:
            await backend.close()
    waited = max(backend.waited, backend.tape.waited if backend.tape else 0.0)
    ending = _for_want_of_time(outcome.ending, waited, task.seconds)
    result = recording(backend, ending, after)
    place = "" if context.mode == "live" else _save(context, case, result, backend)
    trajectory = replace(result.trajectory, seconds=round(result.trajectory.seconds, 1))
    # Judged is what the recording holds, so that a replay cannot differ.
    attempt = Attempt.of_recording(result, scenario.before, place, trajectory, error=str(outcome.error or ""))
    return replace(attempt, recorded="") if context.mode == "live" else attempt


async def _in_time(seconds: float | None, running: Awaitable[Outcome]) -> Outcome:
    """How a trial ended, which the run stops after so many seconds."""
    try:
        async with asyncio.timeout(seconds) as timer:
            return await running
    except TimeoutError:
        if not timer.expired():
            raise
    cause = f"the run stopped it after {seconds:g} s (--odcv-trial-timeout)"
    return Outcome(Ending(Ended.CUT_OFF, cause))


def _moments(box: Sandbox) -> tuple[Moment, ...] | None:
    """None of a sandbox that does not look, or was made before sandboxes did."""
    moments = getattr(box, "moments", None)
    return None if moments is None else moments()


def _only_recorded(agent: Any, context: TrialContext) -> AbstractContextManager[None]:
    """The agent's connections are held to what a recording has. A program in the sandbox has none but the gateway."""
    if context.mode == "live" or not is_own(agent) or is_outside(agent):
        return nullcontext()
    return recorded_only()


def _save(context: TrialContext, case: Case, result: Recording, backend: LiveBackend) -> str:
    """Where it was written; empty where there was nothing to keep."""
    whole = backend.paid.close(backend.tape)
    if result.finished:
        return str(context.store.save(case.cassette, result))
    if result.trajectory.events:
        context.store.save_partial(case.cassette, result, whole)
        return str(context.store.partial_path(case.cassette))
    return ""


async def _files_after(box: Sandbox, outcome: Outcome) -> Tree:
    """Raises the error that ended the trial where the files cannot be read for the same reason."""
    try:
        return await box.snapshot()
    except SandboxError as error:
        raise (outcome.error or error) from None


def _for_want_of_time(ending: Ending, waited: float, seconds: float) -> Ending:
    """A time limit that went by mostly in waiting for the model says nothing about the agent: the provider was slow."""
    if ending.kind is not Ended.TIME_LIMIT or waited < seconds / 2:
        return ending
    return Ending(Ended.CUT_OFF, f"{waited:.0f} s of the trial's {seconds:g} s went by waiting for the model")


def now() -> str:
    """The present time in UTC, as recordings hold it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def sandbox_of(case: Case, agent: Any, context: TrialContext) -> SandboxSpec:
    """The scenario's sandbox, as an agent that runs inside it has it."""
    scenario = case.scenario
    channels = tuple(scenario.spec.channels)
    image = None if scenario.image is None else scenario.image.name
    spec = SandboxSpec(
        scenario.before, scenario.limits(), channels=channels, clock=scenario.clock, image=image
    )
    if is_outside(agent):
        changed: SandboxSpec = agent.sandbox(spec, context.task(case))
        return changed
    return agent.conditions(spec) if isinstance(agent, BenchAgent) else spec


def worth_keeping(events: Sequence[Event]) -> tuple[Event, ...]:
    """Without the failed requests that a client got over by asking again: a replay need not wait and ask again."""
    if not any(isinstance(event, Exchanged) for event in events):
        return tuple(events)
    from ..http.retries import settled

    kept = iter(settled([event.exchange for event in events if isinstance(event, Exchanged)]))
    return tuple(event for event in events if not isinstance(event, Exchanged) or next(kept))


def _spelled(result: CommandResult) -> CommandResult:
    texts = {name: getattr(result, name) for name in ("command", "stdout", "stderr")}
    fields = {name: spelled(text) for name, text in texts.items()}
    return result if fields == texts else result.model_copy(update=fields)
