"""Writes a tree into a folder of a sandbox that is open here, with the rights of the sandbox's user. Runs no program and follows no
link."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import SandboxError
from .names import real_name
from .protocol import FileState, Tree


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to make: `data` for a file, `target` for a symlink, neither for a folder."""

    parts: tuple[bytes, ...]
    mode: int
    data: bytes | None = None
    target: bytes | None = None


def tree_entries(tree: Tree, root: str, most: int) -> list[Entry]:
    """What a tree has below `root`, parents before children. Raises SandboxError for what cannot go into a sandbox.

    `most` is how many bytes of content there may be.
    """
    inside = {path: state for path, state in sorted(tree.items()) if path.startswith(f"{root}/")}
    size = sum(state.size for state in inside.values() if state.kind == "file")
    if size > most:
        raise SandboxError(f"{root}: the scenario holds more than the {most} bytes that fit into the sandbox")
    return [_entry(path, state, path[len(root) + 1 :]) for path, state in inside.items()]


def _entry(path: str, state: FileState, relative: str) -> Entry:
    parts = tuple(map(real_name, relative.split("/")))
    if state.kind == "symlink":
        return Entry(parts, state.mode, target=real_name(state.target))
    if state.kind == "dir":
        return Entry(parts, state.mode)
    if state.kind == "file" and state.data is not None:
        return Entry(parts, state.mode, data=state.data)
    raise SandboxError(
        f"{path}: expected a file with its content, a folder or a link to put into the sandbox"
    )


def text_entries(texts: Mapping[str, str]) -> list[Entry]:
    """Files to make, by their paths, and the folders they need."""
    folders: dict[tuple[bytes, ...], Entry] = {}
    files = []
    for path, text in texts.items():
        parts = tuple(os.fsencode(path).split(b"/"))
        for depth in range(1, len(parts)):
            folders.setdefault(parts[:depth], Entry(parts[:depth], 0o755))
        files.append(Entry(parts, 0o644, data=text.encode()))
    return [*folders.values(), *files]


def write_entries(root: int, entries: list[Entry], user: int | None) -> None:
    """Make `entries` in the folder open at `root`, as host user `user` (None: as this process). Raises OSError."""
    with _files_owned_by(user):
        for entry in entries:
            _write(root, entry)
        # A folder that may not be written to gets its mode when everything is in it.
        for entry in reversed(entries):
            if entry.data is None and entry.target is None:
                os.chmod(b"/".join(entry.parts), entry.mode, dir_fd=root)


def _write(root: int, entry: Entry) -> None:
    path = b"/".join(entry.parts)
    if entry.target is not None:
        os.symlink(entry.target, path, dir_fd=root)
    elif entry.data is None:
        os.mkdir(path, 0o700, dir_fd=root)
    else:
        fd = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=root
        )
        with os.fdopen(fd, "wb", buffering=0) as file:
            view = memoryview(entry.data)
            while view:
                view = view[file.write(view) :]
            os.fchmod(fd, entry.mode)


@contextmanager
def _files_owned_by(user: int | None) -> Iterator[None]:
    """New files belong to `user` in this block; only this thread is affected, unlike `os.seteuid`."""
    if user is None:
        yield
        return
    import ctypes  # Only root needs it, and it costs several milliseconds.

    libc = ctypes.CDLL(None)
    libc.setfsgid(user)
    libc.setfsuid(user)
    try:
        if libc.setfsuid(-1) != user:
            raise SandboxError(
                f"cannot write files as user {user}: this root user may not change its user id"
            )
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)
