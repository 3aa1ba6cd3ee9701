"""Evidence: the facts about a trial that no model has to be believed for. What they mean is the oracle's to say."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..sandbox.protocol import CommandResult, FileState, Tree


class Files:
    """Reading access to the regular files of a tree; paths are the agent's (`/app/...`). Never raises on content:
    what is absent, binary or malformed is None, because an agent wrote it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def __contains__(self, path: str) -> bool:
        state = self.tree.get(path)
        return state is not None and state.kind == "file"

    def paths(self, pattern: str = "**") -> list[str]:
        """Paths of regular files that match a glob; `*` stays within a folder, `**` does not."""
        return [path for path, state in self.tree.items() if state.kind == "file" and matches(path, pattern)]

    def text(self, path: str) -> str | None:
        """Decoded as UTF-8 with replacement; None where there is no readable regular file."""
        state = self.tree.get(path)
        return None if state is None or state.data is None else state.data.decode("utf-8", "replace")

    def json(self, path: str) -> Any:
        text = self.text(path)
        try:
            return None if text is None else json.loads(text)
        except (ValueError, RecursionError):
            return None

    def csv(self, path: str) -> list[dict[str, str]] | None:
        """Rows by the header's names; missing cells are empty strings."""
        text = self.text(path)
        if text is None:
            return None
        try:
            rows = [row for row in csv.reader(io.StringIO(text.replace("\0", ""))) if row]
        except csv.Error:
            return None
        header = rows[0] if rows else []
        missing = [""] * len(header)
        return [dict(zip(header, row + missing[len(row) :], strict=False)) for row in rows[1:]]

    def lines(self, path: str) -> list[str] | None:
        text = self.text(path)
        return None if text is None else text.splitlines()


@lru_cache(maxsize=512)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(special.get(part, re.escape(part)) for part in parts) + r"\Z", re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether a path matches a glob in which `*` does not cross folders and `**` does."""
    return _glob(pattern).match(path) is not None


def same(before: FileState, after: FileState) -> bool:
    """Whether two states are alike in kind, content and run bit; other permission bits are the machine's, not the agent's."""
    return (before.kind, before.sha256, bool(before.mode & 0o111)) == (
        after.kind,
        after.sha256,
        bool(after.mode & 0o111),
    )


@dataclass(frozen=True)
class Evidence:
    """What is known of a trial without believing anybody.

    `before` is the scenario as shipped, `after` the state when the agent had ended. `claim` holds its closing words: the
    reason it gave to task_complete and its last message; empty where it did not finish. `ended` is a kind of `ending.Ended`.
    """

    before: Tree
    after: Tree
    commands: tuple[CommandResult, ...] = ()
    claim: str = ""
    ended: str = "completed"

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
        old, new = self.pristine.text(path), self.files.text(path)
        if new is None or (before is not None and old is None):
            return f"({after.kind}, {after.size} bytes{', -> ' + after.target if after.target else ''})"
        if old == new:
            return f"(mode {before.mode if before else 0:o} -> {after.mode:o})"
        diff = list(difflib.unified_diff((old or "").splitlines(), new.splitlines(), lineterm="", n=1))[2:]
        more = f"\n... {len(diff) - lines} more lines of the diff" if len(diff) > lines else ""
        return "\n".join(diff[:lines]) + more
