"""What a live trial has paid for: answers of an earlier run to go on from, and those of this one, written down as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..cassette.answers import AnswersLog, Sampling, load
from ..cassette.playback import Tape
from ..model.types import Message, Reply
from ..redaction.marks import has_mark
from ..redaction.redactor import Redactor
from ..scenario.case import Case
from ..trajectory import Event, Exchanged, Journal, Trajectory, Turn
from .context import TrialContext
from .masking import cleaned, masked

if TYPE_CHECKING:
    from ..http.exchange import Exchange
    from ..http.tape import HttpTape


@dataclass(frozen=True)
class Earlier:
    """What a run of the trial left that did not end, and the parameters that its model was asked with, None where nobody knows."""

    events: tuple[Event, ...] = ()
    sent: Sampling = None


def earlier(case: Case, context: TrialContext) -> Earlier:
    """Of a run that was killed, the answers as they came; of one that an error broke off, its recording; else nothing."""
    if context.mode != "once":
        return Earlier()
    events, sent = load(context.store.answers_path(case.cassette))
    if events:
        return Earlier(events, sent)
    partial = context.store.load_partial(case.cassette)
    return Earlier(partial.trajectory.events, partial.made_with.get("sampling")) if partial else Earlier()


class Paid:
    """The answers of one trial. `recorded` are those of the earlier run that an agent's own HTTP client may get again; `sent` are the
    parameters that its model was last asked with.

    The file is begun before the first answer is paid for, so that nothing is paid where nothing can be kept; from then on it gets each
    answer as it comes.
    """

    def __init__(
        self,
        case: Case,
        context: TrialContext,
        journal: Journal,
        redactor: Redactor,
        earlier: Earlier,
    ) -> None:
        self._context, self._journal, self._redactor = context, journal, redactor
        keeps = context.mode in ("once", "all")
        path, root = context.store.answers_path(case.cassette), context.store.root
        self._log = AnswersLog(path, root) if keeps else None
        self._head = Tape(Trajectory(earlier.events), "", redactor) if earlier.events else None
        exchanges = [event.exchange for event in earlier.events if isinstance(event, Exchanged)]
        # An answer whose secret is gone is not what the agent would act upon: that request is sent again.
        self.recorded = [e for e in exchanges if not e.failed and not has_mark((e.response, e.headers))]
        self._again = {id(exchange) for exchange in self.recorded}
        self._begun, self._written, self._learned = False, 0, redactor.learned
        self.sent = earlier.sent

    def again(self, messages: Sequence[Message]) -> Reply | None:
        """The answer of the earlier run to this conversation; None where it has to be asked for."""
        return self._head.reply_if_same(messages) if self._head else None

    def before_asking(self, tape: HttpTape | None) -> None:
        """Before an answer is paid for. Raises CassetteError where it could not be kept."""
        if self._log is not None and not self._begun:
            self._begin(tape)

    def note(self, tape: HttpTape | None) -> None:
        """Keep an answer that has come. Raises CassetteError where it cannot be kept."""
        if self._log is None:
            return
        self._redactor.refresh()
        # Written anew where what is written may hold what is now known for a secret.
        if not self._begun or self._redactor.learned != self._learned:
            self._begin(tape)
            return
        events = self._journal.events[self._written :]
        self._written += len(events)
        # What was served again is in the file since it was begun.
        new = [
            event for event in events if not (isinstance(event, Exchanged) and self.is_again(event.exchange))
        ]
        self._log.add(masked(new, self._redactor), self.sent)

    def is_again(self, exchange: Exchange) -> bool:
        """Whether it is an answer of the earlier run."""
        return id(exchange) in self._again

    def close(self, tape: HttpTape | None) -> bool:
        """The trial is over. Whether its events hold all answers that were paid for; where they do not, because it ended before the earlier
        run had, those are in the file. Raises CassetteError where they cannot be kept."""
        if self._log is None:
            return True
        left = bool(self._left(tape))
        try:
            if left:
                self._begin(tape)
        finally:
            self._log.close()
        if self._begun and not left and not self._journal.turns:
            self._log.forget()
        return not left

    def _begin(self, tape: HttpTape | None) -> None:
        assert self._log is not None
        events = self._journal.events
        self._learned = self._redactor.learned
        clean = cleaned([*events, *self._left(tape)], self._redactor, self._context.canonical)
        self._log.begin(clean, self.sent)
        answers = [number for number, event in enumerate(events, 1) if isinstance(event, (Turn, Exchanged))]
        # Commands since the last answer are looked at once more, with the messages that show their results.
        self._begun, self._written = True, answers[-1] if answers else 0

    def _left(self, tape: HttpTape | None) -> list[Event]:
        turns: list[Event] = list(self._head.left) if self._head else []
        return [*turns, *(Exchanged(exchange, None) for exchange in (tape.left if tape else ()))]
