"""Replaying a recording strictly: what a trial asks must be what was recorded, in its order. Also serves the start of a
broken-off trial to the one that resumes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..errors import ReplayMismatch
from ..model.difference import first_difference, one_line
from ..model.types import Message, Reply
from ..sandbox.protocol import CommandResult
from ..trajectory import Ran, Trajectory, Turn


class Tape:
    """The events of a recording, given out in order. `place` is the cassette's path, for errors."""

    def __init__(self, trajectory: Trajectory, place: str) -> None:
        self._place = place
        self._turns = deque(event for event in trajectory.events if isinstance(event, Turn))
        self._ran: deque[tuple[int, CommandResult]] = deque()
        for number, event in enumerate(trajectory.events):
            if isinstance(event, Ran):
                together = bool(number) and isinstance(trajectory.events[number - 1], Ran)
                group = self._ran[-1][0] if together else number
                self._ran.append((group, event.result))
        self._total_turns, self._total_ran = len(self._turns), len(self._ran)
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
        difference = first_difference(recorded, messages)
        if difference:
            raise self._error(f"question {number} to the model differs from the recording at {difference}")
        self._turns.popleft()
        self._conversation = [*recorded, turn.reply.message]
        return turn.reply

    def reply_if_same(self, messages: Sequence[Message]) -> Reply | None:
        """Like `reply`, but None and an empty tape from the first difference on: the rest has to be asked anew."""
        try:
            return self.reply(messages)
        except ReplayMismatch:
            self._turns.clear()
            return None

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
            if result.command == command:
                del self._ran[place]
                return result
        raise self._error(
            f"command {number} differs from the recording:\n  recorded: {one_line(first.command)}\n  now:      {one_line(command)}"
        )

    def finish(self) -> None:
        """Raises ReplayMismatch when the trial ended before its recording did."""
        counts = (
            (len(self._turns), self._total_turns, "answers"),
            (len(self._ran), self._total_ran, "commands"),
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
