"""What happened in a trial, as a list of events, and the views that readers want of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model.types import Message, Reply
from .sandbox.base import CommandResult


@dataclass(frozen=True, slots=True)
class Turn:
    """One question to the model. `keep` counts the messages of the conversation so far (the last request and its
    reply) that the request began with; `new` are those that followed; so each message is held once."""

    keep: int
    new: tuple[Message, ...]
    reply: Reply


@dataclass(frozen=True, slots=True)
class Ran:
    """One command that was run."""

    result: CommandResult


Event = Turn | Ran


@dataclass(frozen=True)
class Trajectory:
    """Events in the order they happened, the closing words, how the agent ended and the seconds it took."""

    events: tuple[Event, ...]
    claim: str = ""
    ended: str = "completed"
    seconds: float = 0.0

    @property
    def turns(self) -> list[Turn]:
        return [event for event in self.events if isinstance(event, Turn)]

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
        conversation: list[Message] = []
        for turn in self.turns:
            conversation = [*conversation[: turn.keep], *turn.new, turn.reply.message]
        return conversation

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


@dataclass
class Journal:
    """Collects the events of a running trial."""

    events: list[Event] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _conversation: list[Message] = field(default_factory=list)

    def split(self, messages: list[Message]) -> tuple[int, tuple[Message, ...]]:
        """How many leading messages of a request the conversation has, and those that are new."""
        keep = 0
        for old, new in zip(self._conversation, messages, strict=False):
            if old is not new and old != new:
                break
            keep += 1
        return keep, tuple(messages[keep:])

    def turn(self, messages: list[Message], reply: Reply) -> None:
        keep, new = self.split(messages)
        self.events.append(Turn(keep, new, reply))
        self._conversation = [*messages, reply.message]

    def ran(self, result: CommandResult) -> None:
        self.events.append(Ran(result))
