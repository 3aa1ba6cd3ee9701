"""The timeline in a cassette: what changed at each moment, as line edits against the moment before, and what was sent.

A state that a file still has at the end is written once, under `files`, and only named here. So the usual recording, in which each file is
written by one command, grows by a line a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..evidence.files import same
from ..evidence.timeline import apply
from ..sandbox.protocol import FileState, Moment, Sent, Tree
from .document import Inline
from .file_edits import Budget, entry_of, state_of


def encode(before: Tree, moments: Sequence[Moment], after: Tree) -> list[dict[str, Any]]:
    """One entry a moment.

    Args:
        before: As shipped.
        moments: What was seen, with secrets taken out.
        after: The final files as a reader of the recording gets them.
    """
    tree = dict(before)
    budget = Budget()
    entries = []
    for moment in moments:
        entry = _encoded(moment, tree, after, budget)
        if len(entry) > 1:
            entries.append(entry)
    return entries


def decode(before: Tree, entries: Sequence[dict[str, Any]], after: Tree) -> tuple[Moment, ...]:
    """What `encode` was given. Raises CassetteError when an edit does not fit."""
    tree = dict(before)
    return tuple(_decoded(entry, tree, after) for entry in entries)


def _encoded(moment: Moment, tree: Tree, after: Tree, budget: Budget) -> dict[str, Any]:
    kept: list[str] = []
    files: list[dict[str, Any]] = []
    for path, state in moment.changes.items():
        old = tree.get(path)
        if _is_folder(old) and _is_folder(state):
            continue
        if state is None:
            files.append({"removed": path})
            tree.pop(path, None)
        elif path in after and same(after[path], state):
            kept.append(path)
            tree[path] = after[path]
        else:
            files.append(entry_of(path, old, state, budget))
            # As a reader will have it: the next edit is against this.
            tree[path] = state_of(path, old, files[-1])
    entry: dict[str, Any] = {"command": moment.command}
    if moment.background and (moment.changes or moment.sent or moment.cut):
        entry["background"] = True
    if moment.sent is not None:
        entry["sent"] = {"channel": moment.sent.channel, "text": moment.sent.text}
        entry["sent"] |= {"cut": moment.sent.cut} if moment.sent.cut else {}
    if moment.cut:
        entry["cut"] = moment.cut
    return entry | ({"kept": Inline(kept)} if kept else {}) | ({"files": files} if files else {})


def _decoded(entry: dict[str, Any], tree: Tree, after: Tree) -> Moment:
    changes: dict[str, FileState | None] = {path: after.get(path) for path in entry.get("kept", ())}
    for changed in entry.get("files", ()):
        path = changed.get("removed") or changed.get("changed") or changed["added"]
        changes[path] = None if "removed" in changed else state_of(path, tree.get(path), changed)
    sent = Sent(**entry["sent"]) if "sent" in entry else None
    background, cut = entry.get("background", False), entry.get("cut", 0)
    moment = Moment(entry["command"], dict(sorted(changes.items())), background, sent, cut)
    apply(tree, moment)
    return moment


def _is_folder(state: FileState | None) -> bool:
    """A folder, or nothing: folders do not count by themselves."""
    return state is None or state.kind == "dir"
