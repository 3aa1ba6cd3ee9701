"""Replaying a recording strictly: what a trial asks must be what was recorded, in its order. Also serves the start of a
broken-off trial to the one that resumes it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from typing import Any

from ..errors import ReplayMismatch
from ..evidence.calls import MadeCall
from ..model.difference import first_difference, one_line
from ..model.types import Message, Reply
from ..redaction.marks import has_mark, same
from ..redaction.redactor import Redactor
from ..sandbox.protocol import CommandResult
from ..trajectory import Called, Ran, Trajectory, Turn


class Tape:
    """The events of a recording, given out in order.

    Args:
        trajectory: What was recorded, without its secrets.
        place: The cassette's path, for errors.
        redactor: Takes secrets out of what a trial asks now. Where the recording has a mark, any text is the same: keys are others on
            another machine, or absent.
    """

    def __init__(self, trajectory: Trajectory, place: str, redactor: Redactor | None = None) -> None:
        self._place, self._redactor = place, redactor or Redactor(environ={})
        self.asked: list[Message] = []
        """The last question as it was recorded."""
        self._turns = deque(event for event in trajectory.events if isinstance(event, Turn))
        self._ran: deque[tuple[int, CommandResult]] = deque()
        self._called: deque[tuple[int, MadeCall]] = deque()
        group = 0
        for event in trajectory.events:
            if isinstance(event, Ran):
                self._ran.append((group, event.result))
            elif isinstance(event, Called):
                self._called.append((group, event.call))
            else:
                group += 1
        self._total_turns, self._total_ran = len(self._turns), len(self._ran)
        self._total_called = len(self._called)
        self._conversation: list[Message] = []

    def reply(self, messages: Sequence[Message]) -> Reply:
        """The recorded answer to this conversation. Raises ReplayMismatch naming the first message that differs."""
        number = self._total_turns - len(self._turns) + 1
        if not self._turns:
            raise self._error(
                f"the trial asks the model a {number}. time; the recording has {self._total_turns} answers"
            )
        turn = self._turns[0]
        recorded = [*self._conversation[: turn.keep], *turn.new]
        difference = self._difference(recorded, messages)
        if difference:
            raise self._error(f"question {number} to the model differs from the recording at {difference}")
        self._turns.popleft()
        self.asked = recorded
        self._conversation = [*recorded, turn.reply.message]
        return turn.reply

    def reply_if_same(self, messages: Sequence[Message]) -> Reply | None:
        """Like `reply`, but None and an empty tape from the first difference on: the rest has to be asked anew. So has an answer whose
        secret was taken out, for what the model wrote is what is run."""
        try:
            reply = self.reply(messages)
        except ReplayMismatch:
            reply = None
        if reply is None or has_mark(reply.message.model_dump()):
            self._turns.clear()
            return None
        return reply

    @property
    def left(self) -> list[Turn]:
        """The answers that were not asked for yet."""
        return list(self._turns)

    def result(self, command: str) -> CommandResult:
        """The recorded result of this command. Raises ReplayMismatch when it is another command's turn; of commands that ran
        between two answers of the model the order does not count, since an agent may run them at the same time."""
        number = self._total_ran - len(self._ran) + 1
        if not self._ran:
            raise self._error(
                f"the trial runs a {number}. command, {one_line(command)}; the recording has {self._total_ran}"
            )
        group, first = self._ran[0]
        for place, (of, result) in enumerate(self._ran):
            if of != group:
                break
            if result.command == command or self._is_masked(result.command, command):
                del self._ran[place]
                return result
        raise self._error(
            f"command {number} differs from the recording:\n  recorded: {one_line(first.command)}\n  now:      {one_line(command)}"
        )

    def call(self, tool: str, arguments: dict[str, Any]) -> MadeCall:
        """The recorded call of a product's own tool. Raises ReplayMismatch as `result` does."""
        number = self._total_called - len(self._called) + 1
        now = one_line(f"{tool} {json.dumps(arguments, ensure_ascii=False)}")
        if not self._called:
            raise self._error(
                f"the agent calls a tool a {number}. time, {now}; the recording has {self._total_called} calls of its own tools"
            )
        group, first = self._called[0]
        for place, (of, call) in enumerate(self._called):
            if of != group:
                break
            alike = call.arguments == arguments or same(call.arguments, self._redactor.value(arguments))
            if call.tool == tool and alike:
                del self._called[place]
                return call
        recorded = one_line(f"{first.tool} {json.dumps(first.arguments, ensure_ascii=False)}")
        raise self._error(
            f"call {number} of the agent's own tools differs from the recording:\n  recorded: {recorded}\n  now:      {now}"
        )

    def _difference(self, recorded: Sequence[Message], now: Sequence[Message]) -> str:
        found = first_difference(recorded, now)
        if not found:
            return ""
        clean = [self._redactor.message(message) for message in now]
        if same([_fields(message) for message in recorded], [_fields(message) for message in clean]):
            return ""
        return first_difference(recorded, clean) or found

    def _is_masked(self, recorded: str, now: str) -> bool:
        return same(recorded, self._redactor.text(now))

    def finish(self) -> None:
        """Raises ReplayMismatch when the trial ended before its recording did."""
        counts = (
            (len(self._turns), self._total_turns, "answers"),
            (len(self._ran), self._total_ran, "commands"),
            (len(self._called), self._total_called, "calls of the agent's own tools"),
        )
        left = [f"{left} of {total} {what}" for left, total, what in counts if left]
        if left:
            raise self._error(
                f"the trial ended and the recording goes on: {' and '.join(left)} were not asked for"
            )

    def _error(self, what: str) -> ReplayMismatch:
        return ReplayMismatch(
            f"{what}\n  cassette: {self._place}\n  to fix: undo the change, or record this trial again with --odcv-record=all"
        )


def _fields(message: Message) -> dict[str, Any]:
    """As values: arguments are JSON text, where a secret may be escaped and its mark is not."""
    fields = message.model_dump()
    for call, shown in zip(message.calls, fields["calls"], strict=True):
        shown["arguments"] = call.parsed() or call.arguments
    return fields
