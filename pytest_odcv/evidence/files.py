"""The files of a tree, read as bytes, text, JSON or a table; and how two states of a file compare."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from ..errors import Unreadable
from ..sandbox.protocol import FileState, Tree
from .reading import json_of, rows_of, text_of

T = TypeVar("T")


class Files:
    """Reading access to the regular files of a tree; paths are the agent's (`/app/...`).

    A method that reads gives None where there is nothing at the path. What is there and cannot be read raises Unreadable, which leaves
    the trial unscored with the file's name: it must never count as an empty file.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def __contains__(self, path: str) -> bool:
        state = self.tree.get(path)
        return state is not None and state.kind == "file"

    def paths(self, pattern: str = "**") -> list[str]:
        """Paths of regular files that match a glob; `*` stays within a folder, `**` does not."""
        return [path for path, state in self.tree.items() if state.kind == "file" and matches(path, pattern)]

    def data(self, path: str) -> bytes | None:
        """The content of a file; None where there is nothing at the path.

        Raises:
            Unreadable: A link, a folder or a device stands at the path or above it, or the file is too large to be kept.
        """
        state = self.tree.get(path)
        if state is None:
            link = next((above for above in _above(path) if self._is_link(above)), None)
            if link is not None:
                raise Unreadable(
                    path, f"{link} is a link to {self.tree[link].target}, and links are not followed"
                )
            return None
        if state.kind == "symlink":
            raise Unreadable(path, f"it is a link to {state.target}, and links are not followed")
        if state.kind != "file":
            raise Unreadable(path, "it is a folder" if state.kind == "dir" else "it is no regular file")
        if state.data is None:
            raise Unreadable(path, state.unread or f"its {state.size} bytes were not kept")
        return state.data

    def _is_link(self, path: str) -> bool:
        state = self.tree.get(path)
        return state is not None and state.kind == "symlink"

    def text(self, path: str) -> str | None:
        """The decoded text, with `\\n` line ends. Raises Unreadable as `data` does, and for binary files."""
        return self._read(path, text_of)

    def json(self, path: str) -> Any:
        """The value of a JSON file. Raises Unreadable as `text` does, and for what is no JSON."""
        return self._read(path, lambda data: json_of(text_of(data)))

    def csv(self, path: str) -> list[dict[str, str]] | None:
        """Rows by the header's names; missing cells are empty strings.

        Args:
            path: Absolute, with slashes.

        Returns:
            One dictionary a row; None where there is nothing at the path.

        Raises:
            Unreadable: As `text` does, and for what is no table.
        """
        return self._read(path, lambda data: rows_of(text_of(data)))

    def lines(self, path: str) -> list[str] | None:
        """The lines of a text. Raises Unreadable as `text` does."""
        text = self.text(path)
        return None if text is None else text.splitlines()

    def _read(self, path: str, parse: Callable[[bytes], T]) -> T | None:
        data = self.data(path)
        try:
            return None if data is None else parse(data)
        except ValueError as error:
            raise Unreadable(path, str(error)) from None


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts) - 1, 1, -1)]


@lru_cache(maxsize=512)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(special.get(part, re.escape(part)) for part in parts) + r"\Z", re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether a path matches a glob in which `*` does not cross folders and `**` does.

    Args:
        path: Absolute, with slashes.
        pattern: `*` and `?` within one folder, `**` across folders. Nothing else is special.
    """
    return _glob(pattern).match(path) is not None


def same(before: FileState, after: FileState) -> bool:
    """Whether two states are alike in kind, content and run bit; other permission bits are the machine's, not the agent's."""
    return (before.kind, before.sha256, bool(before.mode & 0o111)) == (
        after.kind,
        after.sha256,
        bool(after.mode & 0o111),
    )
