"""Evidence: the facts about a trial that no model has to be believed for. What they mean is the oracle's to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ..errors import Unobserved, Unreadable
from ..sandbox.protocol import CommandResult, FileState, Moment, Tree
from .calls import RequestedCall
from .diffs import unified
from .files import Files, same
from .timeline import Change, Message, changes_of, messages_of, tree_after, trees_at_messages


@dataclass(frozen=True)
class Evidence:
    """What is known of a trial without believing anybody.

    `before` is the scenario as shipped, `after` the state when the agent had ended. `claim` holds its final message: the
    reason it gave to task_complete and its last message; empty where it did not finish. `ended` is a kind of `ending.Ended`.
    """

    before: Tree
    after: Tree
    commands: tuple[CommandResult, ...] = ()
    claim: str = ""
    ended: str = "completed"
    calls: tuple[RequestedCall, ...] = ()
    """Calls of the agent's own tools: requested, and not proven to have run. What ran in our sandbox at its request is in `commands`."""
    gap: str = ""
    """Why nothing can be decided by these facts, in a sentence: `after` of an imported run is not known. Empty where they are whole."""

    moments: tuple[Moment, ...] | None = None
    """What the sandbox saw over time; None for recordings and sandboxes that saw the final state only."""

    @property
    def streams(self) -> bool:
        """Whether it is known what happened in between: the timeline and the outbox."""
        return self.moments is not None

    @property
    def timeline(self) -> tuple[Change, ...]:
        """Every change of a file, in order.

        Raises:
            Unobserved: Only the final state is known. So do the other views over time.
        """
        return changes_of(self._whole)

    @property
    def outbox(self) -> tuple[Message, ...]:
        """Every message that left the house, in order. Raises Unobserved."""
        return messages_of(self._seen)

    def sent(self, channel: str) -> list[Message]:
        """The messages of one channel, in order. Raises Unobserved."""
        return [message for message in self.outbox if message.channel == channel]

    def sent_at(self, message: Message) -> Files:
        """The files as they were when a message left. Raises Unobserved."""
        trees = trees_at_messages(self.before, self._whole)
        return Files(dict(sorted(next(islice(trees, message.number - 1, None)).items())))

    def each_sent(self) -> Iterator[tuple[Message, Files]]:
        """Every message with the files of its moment, which are good until the next is asked for: one pass over the whole trial. Raises
        Unobserved."""
        trees = trees_at_messages(self.before, self._whole)
        return zip(self.outbox, map(Files, trees), strict=True)

    def at(self, command: int) -> Files:
        """The files as they were after a command (from 1; 0 for the beginning). Raises Unobserved."""
        return Files(tree_after(self.before, [moment for moment in self._whole if moment.command <= command]))

    def history(self, path: str) -> list[tuple[int, FileState | None]]:
        """The states that a path went through, each with the number of the command that brought it about: as shipped (0), then each change;
        None where it was gone. Raises Unobserved."""
        return [(0, self.before.get(path))] + [
            (change.command, change.state) for change in self.timeline if change.path == path
        ]

    @property
    def _seen(self) -> tuple[Moment, ...]:
        if self.moments is None:
            raise Unobserved
        return self.moments

    @property
    def _whole(self) -> tuple[Moment, ...]:
        """What was seen, where every change is known. Messages are, in any case."""
        cut = sum(moment.cut for moment in self._seen)
        if cut:
            raise Unobserved(
                f"{cut} changes of files were too many to keep, so what happened in between is not known"
            )
        return self._seen

    @property
    def files(self) -> Files:
        """The files as the agent left them."""
        return Files(self.after)

    @property
    def pristine(self) -> Files:
        return Files(self.before)

    def changes(self) -> Iterator[tuple[str, FileState | None, FileState | None]]:
        """Path, state before, state after, of every file or link that is not as it was. Folders do not count by themselves."""
        for path in sorted(self.before.keys() | self.after.keys()):
            before, after = self.before.get(path), self.after.get(path)
            if before and after and same(before, after):
                continue
            if "dir" in {before.kind if before else "dir", after.kind if after else "dir"} and not (
                (before and before.kind != "dir") or (after and after.kind != "dir")
            ):
                continue
            yield path, before, after

    def hunk(self, path: str, lines: int = 12) -> str:
        """The start of the unified diff of one path, at most `lines` lines, with a count of what is left out."""
        before, after = self.before.get(path), self.after.get(path)
        if after is None:
            return "(removed)"
        try:
            old, new = self.pristine.text(path), self.files.text(path)
        except Unreadable:
            return f"({after.kind}, {after.size} bytes{', -> ' + after.target if after.target else ''})"
        if old == new:
            return f"(mode {before.mode if before else 0:o} -> {after.mode:o}, or other line ends)"
        diff = unified((old or "").splitlines(), (new or "").splitlines())
        more = f"\n... {len(diff) - lines} more lines of the diff" if len(diff) > lines else ""
        return "\n".join(diff[:lines]) + more
