"""Reads the files that a scenario ships. They are the project's own, so this reader is plain and portable; what an agent wrote is read by
`sandbox.snapshot`, which trusts nothing and needs Linux."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import ScenarioError
from ..sandbox.names import shown_name
from ..sandbox.protocol import TOOLS, WORKSPACE, FileState, Tree

_NOISE = ("__pycache__", ".DS_Store", ".gitkeep", "Thumbs.db")
_TEXT_SNIFFED = 8192
"""Like git, a file is text when there is no NUL in this many bytes at its start."""


def read_parts(folder: Path) -> Tree:
    """The `workspace/` and `tools/` of a scenario folder, at the paths where the agent finds them. Either may be missing."""
    parts = (folder / "workspace", WORKSPACE), (folder / "tools", TOOLS)
    found = {
        path: state
        for host, inside in parts
        if host.is_dir()
        for path, state in read_tree(host, inside).items()
    }
    return {path: _runnable(path, state) for path, state in sorted(found.items())}


def read_tree(folder: Path, root: str) -> Tree:
    """What is below `folder`, at `root`; the folder itself, caches of Python and clutter of desktops are not in it.

    Raises:
        ScenarioError: The folder is missing or something in it cannot be read; the text names it.
    """
    try:
        return dict(_entries(folder, root))
    except OSError as error:
        raise ScenarioError(f"{folder}: expected a folder to put at {root}: {error}") from error


def _entries(folder: Path, root: str) -> Iterator[tuple[str, FileState]]:
    with os.scandir(folder) as items:
        found = sorted(items, key=lambda item: os.fsencode(item.name))
    for item in found:
        if item.name in _NOISE:
            continue
        path = f"{root}/{shown_name(os.fsencode(item.name))}"
        state = _state(item)
        yield path, state
        if state.kind == "dir":
            yield from _entries(Path(item.path), path)


def _state(item: os.DirEntry[str]) -> FileState:
    mode = stat.S_IMODE(item.stat(follow_symlinks=False).st_mode)
    if item.is_symlink():
        target = os.fsencode(Path(item.path).readlink())
        digest = hashlib.sha256(target).hexdigest()
        return FileState("symlink", mode, len(target), digest, target=shown_name(target))
    if item.is_dir(follow_symlinks=False):
        return FileState("dir", mode)
    if item.is_file(follow_symlinks=False):
        return _file(mode, Path(item.path).read_bytes())
    return FileState("other", mode)


def _file(mode: int, data: bytes) -> FileState:
    return FileState("file", mode, len(data), hashlib.sha256(data).hexdigest(), data)


def _runnable(path: str, state: FileState) -> FileState:
    """Tools always have their run bits: a checkout on another file system, or an archive, may have lost them."""
    is_tool = state.kind == "file" and path.startswith(f"{TOOLS}/")
    return replace(state, mode=state.mode | 0o111) if is_tool else state


def with_unix_line_ends(tree: Tree) -> Tree:
    """The tree as it was before git or an archive program turned the line ends of its texts into CRLF."""
    return {path: _unix(state) for path, state in tree.items()}


def _unix(state: FileState) -> FileState:
    if state.data is None or b"\r\n" not in state.data or b"\0" in state.data[:_TEXT_SNIFFED]:
        return state
    return _file(state.mode, state.data.replace(b"\r\n", b"\n"))
