"""Copies a folder of the host into a folder of a sandbox that is open here. Runs no program and follows no link.

The host's files are read first, with the rights of this process; then everything is written with the rights of the
sandbox's user. When this process is root, the two differ.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import SandboxError


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to make: `data` for a file, `target` for a symlink, neither for a folder."""

    parts: tuple[bytes, ...]
    mode: int
    data: bytes | None = None
    target: bytes | None = None


def read_entries(folder: Path, most: int) -> list[Entry]:
    """Everything in `folder`, parents before children. Raises SandboxError for what cannot go into a sandbox.

    `most` is how many bytes of content there may be.
    """
    found: list[Entry] = []
    left = most
    try:
        for parts, path, status in _walk(os.fsencode(folder), ()):
            if stat.S_ISREG(status.st_mode):
                left -= status.st_size
            if left < 0:
                raise SandboxError(f"{folder}: holds more than the {most} bytes that fit into the sandbox")
            found.append(_read(parts, Path(os.fsdecode(path)), status.st_mode))
    except OSError as error:
        raise SandboxError(
            f"{folder}: expected a folder that can be copied into the sandbox: {error}"
        ) from error
    return found


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


def _walk(
    folder: bytes, above: tuple[bytes, ...]
) -> Iterator[tuple[tuple[bytes, ...], bytes, os.stat_result]]:
    with os.scandir(folder) as items:
        found = sorted(items, key=lambda item: item.name)
    for item in found:
        parts = (*above, item.name)
        yield parts, item.path, item.stat(follow_symlinks=False)
        if item.is_dir(follow_symlinks=False):
            yield from _walk(item.path, parts)


def _read(parts: tuple[bytes, ...], path: Path, mode: int) -> Entry:
    bits = stat.S_IMODE(mode)
    if stat.S_ISLNK(mode):
        return Entry(parts, bits, target=os.fsencode(path.readlink()))
    if stat.S_ISDIR(mode):
        return Entry(parts, bits)
    if stat.S_ISREG(mode):
        return Entry(parts, bits, data=path.read_bytes())
    raise SandboxError(f"{path}: expected a file, a folder or a link to copy into the sandbox; remove it")


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
