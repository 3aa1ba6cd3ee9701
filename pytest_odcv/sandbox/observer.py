"""Looks at the files of an open sandbox again and again, and keeps what changed in between. Reads only what is not as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ..errors import SandboxError
from . import snapshot
from .protocol import FileState, Moment, Sent, Tree

KEPT_BYTES: Final = 64 << 20
"""Content kept of all states that files went through; of what is over it hash and size are known."""
PATHS: Final = 20_000
"""Changed paths kept of a trial; of moments after that only their number is known. A recording is for people to read."""
_COMING: Final = Sent("", "")
MOMENTS: Final = 5000
"""Moments kept apart; later changes are part of the last."""


class Observer:
    """The moments of one sandbox. `roots` are descriptors of the folders to look at, by their path inside; `tree` is what was put there, so that
    it need not be read."""

    def __init__(self, roots: Mapping[str, int], tree: Tree) -> None:
        self.moments: list[Moment] = []
        self._roots = roots
        self._known: snapshot.Known = {}
        self._tree = tree
        self._kept = 0
        self._paths = 0

    def look(self, command: int, background: bool = False, sent: Sent | None = None) -> None:
        """Note what changed. What cannot be read at this moment is left for the next look; the snapshot at the end reads everything."""
        try:
            now = self._read()
        except (OSError, SandboxError):
            now = self._tree
        self.note(now, command, background, sent)

    def message_begins(self, command: int, background: bool) -> int:
        """The first bytes of a message are there: its moment is now. The number to give to `message_ends`."""
        self.look(command, background, _COMING)
        return len(self.moments) - 1

    def message_ends(self, number: int, message: Sent) -> None:
        """The message of that moment."""
        self.moments[number] = replace(self.moments[number], sent=message)

    def note(self, now: Tree, command: int, background: bool = False, sent: Sent | None = None) -> None:
        """Note what is different in a tree that was read."""
        changes = {
            path: self._bounded(now.get(path))
            for path in sorted(self._tree.keys() | now.keys())
            if _differ(self._tree.get(path), now.get(path))
        }
        self._tree = now
        if not changes and sent is None:
            return
        self._paths += len(changes)
        cut = len(changes) if self._paths > PATHS else 0
        moment = Moment(command, {} if cut else changes, background, sent, cut)
        if len(self.moments) >= MOMENTS and sent is None:
            last = self.moments[-1]
            self.moments[-1] = replace(last, changes={**last.changes, **moment.changes}, cut=last.cut + cut)
        else:
            self.moments.append(moment)

    def _bounded(self, state: FileState | None) -> FileState | None:
        if state is None or state.data is None:
            return state
        if self._kept + state.size > KEPT_BYTES:
            return replace(
                state, data=None, unread=f"files went through more than {KEPT_BYTES} bytes of states"
            )
        self._kept += state.size
        return state

    def _read(self) -> Tree:
        found: Tree = {}
        for root, fd in sorted(self._roots.items()):
            found |= snapshot.read_open_folder(fd, root, hostile=True, known=self._known)
        return found


def _differ(old: FileState | None, new: FileState | None) -> bool:
    """Whether two states are different ones for an observer: the content, the kind, the target, or the run bit."""
    if old is new:
        return False
    if old is None or new is None:
        return True
    return (old.kind, old.sha256, old.size, old.target, old.mode & 0o111 != 0) != (
        new.kind,
        new.sha256,
        new.size,
        new.target,
        new.mode & 0o111 != 0,
    )
