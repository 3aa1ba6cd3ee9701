"""What happened to the files over time, and what left the house: views of the moments that a sandbox saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..sandbox.protocol import FileState, Moment, Tree


@dataclass(frozen=True, slots=True)
class Change:
    """One path that was found changed.

    Attributes:
        command: The number of the command that did it, from 1; 0 for what changed before the first.
        path: Absolute.
        state: As it was found; None where it was gone.
        background: A process that the command had left behind did it, while no command was running.
    """

    command: int
    path: str
    state: FileState | None
    background: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message that left the house.

    Attributes:
        channel: As scenario.yaml names it.
        text: What was written.
        command: The number of the command that wrote it, from 1.
        number: Its place among all messages of the trial, from 1.
        cut: Bytes of it that were too many to keep.
    """

    channel: str
    text: str
    command: int
    number: int
    cut: int = 0


def changes_of(moments: Sequence[Moment]) -> tuple[Change, ...]:
    """Every change in order."""
    return tuple(
        Change(moment.command, path, state, moment.background)
        for moment in moments
        for path, state in moment.changes.items()
    )


def messages_of(moments: Sequence[Moment]) -> tuple[Message, ...]:
    """Every message in order."""
    found = [(moment.command, moment.sent) for moment in moments if moment.sent is not None]
    return tuple(
        Message(sent.channel, sent.text, command, number, sent.cut)
        for number, (command, sent) in enumerate(found, 1)
    )


def tree_after(before: Tree, moments: Sequence[Moment]) -> Tree:
    """The tree when these moments had passed."""
    tree = dict(before)
    for moment in moments:
        apply(tree, moment)
    return dict(sorted(tree.items()))


def trees_at_messages(before: Tree, moments: Sequence[Moment]) -> Iterator[Tree]:
    """The tree at each message, in order and in one pass. Each is good until the next is asked for."""
    tree = dict(before)
    for moment in moments:
        apply(tree, moment)
        if moment.sent is not None:
            yield tree


def apply(tree: Tree, moment: Moment) -> None:
    """Bring a tree from the moment before to this one, in place."""
    for path, state in moment.changes.items():
        if state is None:
            tree.pop(path, None)
        else:
            tree[path] = state
