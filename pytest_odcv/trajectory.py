"""What happened in a trial, as a list of events, and the views that readers want of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .evidence.calls import MadeCall
from .evidence.ending import Ending, ending
from .model.types import Message, Reply
from .sandbox.protocol import CommandResult

if TYPE_CHECKING:
    from .http.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to the model. `keep` counts the messages of the conversation so far (the last request and its
    reply) that the request began with; `new` are those that followed; so each message is held once."""

    keep: int
    new: tuple[Message, ...]
    reply: Reply
    after: int | None = None
    """The index of the turn whose conversation is meant, where it is not the turn before: agents may hold several."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One command that was run."""

    result: CommandResult


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a product's own tool that ran on the test's side."""

    call: MadeCall


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One HTTP request of the agent's and its answer; `turn` is what it says where it is a chat API's, else None."""

    exchange: Exchange
    turn: Turn | None


Event = Turn | Ran | Called | Exchanged


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One question to the model that got no answer. `after` counts the answers before it; `ending` is what a trial comes to that does
    not get over it."""

    after: int
    cause: str
    ending: str = "error"


def turn_of(event: Event) -> Turn | None:
    return event.turn if isinstance(event, Exchanged) else event if isinstance(event, Turn) else None


@dataclass(frozen=True)
class Trajectory:
    """Events in the order they happened, the final message, how the agent ended and why, and the seconds it took. `unanswered` are
    questions through `env.complete` that failed, whether or not the agent got over them."""

    events: tuple[Event, ...]
    claim: str = ""
    ended: str = "completed"
    seconds: float = 0.0
    cause: str = ""
    unanswered: tuple[Unanswered, ...] = ()

    @property
    def ending(self) -> Ending:
        """Raises ValueError where `ended` is no kind of ending."""
        return ending(self.ended, self.cause, self.steps)

    @property
    def report(self) -> str:
        """The final message where they are a report: what an agent was thinking when it was stopped is none."""
        return self.claim if self.ending.reported else ""

    @property
    def turns(self) -> list[Turn]:
        return [event for event in self.acts if isinstance(event, Turn)]

    @property
    def acts(self) -> list[Turn | Ran | Called]:
        """What was asked, answered, run and called, however it was recorded."""
        plain = [event.turn if isinstance(event, Exchanged) else event for event in self.events]
        return [event for event in plain if event is not None]

    @property
    def exchanges(self) -> list[Exchange]:
        """The agent's own HTTP traffic."""
        return [event.exchange for event in self.events if isinstance(event, Exchanged)]

    @property
    def steps(self) -> int:
        """Answers of the model: the unit of the step limit."""
        return len(self.turns)

    @property
    def commands(self) -> list[CommandResult]:
        return [event.result for event in self.events if isinstance(event, Ran)]

    @property
    def messages(self) -> list[Message]:
        """The conversation as it stood after the last answer."""
        turns = self.turns
        parts: list[list[Message]] = []
        number, length = len(turns) - 1, None
        while number >= 0:
            turn = turns[number]
            own = [*turn.new, turn.reply.message]
            parts.append(own if length is None else own[: max(0, length - turn.keep)])
            length = turn.keep if length is None else min(turn.keep, length)
            number = number - 1 if turn.after is None else turn.after
            if length == 0:
                break
        return [message for part in reversed(parts) for message in part]

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """Prompt and completion tokens; None where an answer came without a count."""
        return _sum([t.reply.prompt_tokens for t in self.turns]), _sum(
            [t.reply.completion_tokens for t in self.turns]
        )

    @property
    def cost(self) -> float | None:
        """US dollars; None (unknown) when the price of any answer is unknown."""
        costs = [turn.reply.cost for turn in self.turns]
        return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)


def _sum(counts: list[int | None]) -> int | None:
    return None if any(count is None for count in counts) else sum(count or 0 for count in counts)


@dataclass(frozen=True, slots=True)
class _Conversation:
    """As it stands after its last turn, whose index and exchange these are."""

    turn: int
    messages: list[Message]
    exchange: Exchange


@dataclass
class Journal:
    """Collects the events of a running trial."""

    events: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    unanswered: list[Unanswered] = field(default_factory=list)
    turns: int = 0
    _own: tuple[int, list[Message]] = (-1, [])
    """The conversation with our own client as it stands, and the index of its last turn."""
    _others: list[_Conversation] = field(default_factory=list)
    """Those over HTTP that may go on, the latest last."""
    _asked: int = 0
    """Questions to the model through `env.complete` until now; each has its number."""
    _under_way: dict[int, tuple[list[Message], int]] = field(default_factory=dict)
    """Of questions that wait for their answer: the messages, and the answers before them."""
    _left: list[int] = field(default_factory=list)
    """Of these, those that the agent does not wait for any more. Where nothing comes after, it was the trial that was cut."""
    _failed: list[tuple[int, list[Message], Unanswered]] = field(default_factory=list)
    _answered: list[tuple[int, list[Message]]] = field(default_factory=list)
    _without_turn: list[Exchanged] = field(default_factory=list)
    """Requests to a model that it did not answer."""

    @property
    def never_answered(self) -> list[Unanswered]:
        """Questions that failed and that the agent did not get over: none that begins with them was asked later and answered."""
        return [
            failed
            for number, asked, failed in self._failed
            if not any(other > number and told[: len(asked)] == asked for other, told in self._answered)
        ]

    def ask(self, messages: list[Message]) -> int:
        """A question to the model begins; its number is for `turn`, `failed` or `left`."""
        self._goes_on()
        self._asked += 1
        self._under_way[self._asked] = messages, self.turns
        return self._asked

    def failed(self, number: int, cause: str, ending: str) -> None:
        """A question to the model got no answer."""
        messages, after = self._under_way.pop(number)
        self.unanswered.append(Unanswered(after, cause, ending))
        self._failed.append((number, messages, self.unanswered[-1]))

    def left(self, number: int) -> None:
        """The agent does not wait for the answer, or the trial is cut: what comes after tells."""
        self._left.append(number)

    def settle(self) -> None:
        """The agent has ended by itself: what it does not wait for any more, or left under way, got no answer."""
        self._goes_on()
        for number in list(self._under_way):
            self.failed(number, NOT_WAITED_FOR, _FAULTED)

    def _goes_on(self) -> None:
        for number in self._left:
            self.failed(number, NOT_WAITED_FOR, _FAULTED)
        self._left.clear()

    def turn(self, messages: list[Message], reply: Reply, number: int = 0) -> None:
        """An answer, to the question of that number. `messages` are as the recording has them."""
        self._goes_on()
        self._under_way.pop(number, None)
        self._answered.append((number, messages))
        last, conversation = self._own
        self._own = self.turns, [*messages, reply.message]
        self.events.append(self._turn(last, _alike(conversation, messages), messages, reply))

    def exchanged(self, exchange: Exchange) -> Exchanged:
        """A request with its answer, or its failure. Those to a model without its answer stand in the order of asking, as far as it is known: a
        recording then tells by itself which request came after which, in what order they ended says nothing."""
        from .http import shapes

        self._goes_on()
        found = shapes.read(exchange)
        event = Exchanged(exchange, None if found is None else self._continued(exchange, *found))
        if event.turn is None and shapes.asked(exchange) is None:
            self.events.append(event)  # To another server.
        elif event.turn is None:
            self.events.insert(self._place_of(exchange), event)
            self._without_turn.append(event)
        else:
            later = [other for other in self._without_turn if _is_after(other.exchange, exchange)]
            kept = [one for one in self.events if not any(one is other for other in later)] if later else None
            if kept is not None:
                self.events[:] = kept
            self.events += [event, *later]
        return event

    def _place_of(self, exchange: Exchange) -> int:
        """Before the first request that was asked later; usually the end."""
        place = len(self.events)
        for number in range(len(self.events) - 1, -1, -1):
            one = self.events[number]
            if isinstance(one, Exchanged) and _is_after(one.exchange, exchange):
                place = number
        return place

    def ran(self, result: CommandResult) -> None:
        self._goes_on()
        self.events.append(Ran(result))

    def called(self, call: MadeCall) -> None:
        self._goes_on()
        self.events.append(Called(call))

    def _continued(self, exchange: Exchange, messages: tuple[Message, ...], reply: Reply) -> Turn:
        """Of the conversations that begin alike, the latest with the longest beginning is the one that goes on."""
        from .http import shapes

        keep, last, told = 0, self.turns - 1, messages
        for number, other in enumerate(reversed(self._others), 1):
            continued = shapes.follow(exchange, messages, other.messages, other.exchange)
            alike = _alike(other.messages, continued)
            if alike > keep:
                keep, last, told = alike, other.turn, continued
            if alike == len(other.messages):
                del self._others[-number]
                break
        self._others.append(_Conversation(self.turns, [*told, reply.message], exchange))
        del self._others[:-_MOST_CONVERSATIONS]
        return self._turn(last, keep, list(told), reply)

    def _turn(self, last: int, keep: int, messages: list[Message], reply: Reply) -> Turn:
        self.turns += 1
        return Turn(keep, tuple(messages[keep:]), reply, None if last == self.turns - 2 else last)


_MOST_CONVERSATIONS = 8
_FAULTED = "faulted"
NOT_WAITED_FOR = "no answer, because the agent did not wait for it"
"""Why a question got none; in a replay it gets none either, for as long as the agent waits."""


def _is_after(one: Exchange, other: Exchange) -> bool:
    """Whether one is known to have been asked after another."""
    return one.began is not None and other.began is not None and one.began > other.began


def _alike(old: Sequence[Message], new: Sequence[Message]) -> int:
    """How many messages two conversations have in common at their beginning."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one is not other and one != other:
            break
        count += 1
    return count


def retold(events: Iterable[Turn | Ran | Called | Exchange]) -> tuple[Event, ...]:
    """Events as a file has them, with the turns that their exchanges are."""
    journal = Journal()
    for event in events:
        if isinstance(event, (Turn, Ran, Called)):
            journal.events.append(event)
            journal.turns += isinstance(event, Turn)
        else:
            journal.exchanged(event)
    return tuple(journal.events)
