"""Reads a tree of files that somebody hostile may have made, without following what it says.

Every step is taken from an open folder (`openat`) and never through a link; nothing but regular files and folders
is opened, so a pipe cannot block and a device cannot act. The same reader serves folders on the host
(`read_tree`) and the inside of a sandbox (`read_open_folder`). It runs no program.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from .names import shown_name
from .protocol import FileState, Tree

FILE_BYTES: Final = 32 << 20
"""Content of a file is kept up to this size; of a larger one its hash and size are known."""
TREE_BYTES: Final = 128 << 20
"""Content of a tree is kept up to this size, which is a whole default disk: no file can push out another's."""
SPARSE_BYTES: Final = 64 << 20
"""In a sandbox, files with holes, which can claim terabytes, are read up to this much, then only recorded: `sha256` is
empty. Other files are bounded by the disk."""
HASHED_BYTES: Final = 1 << 30
"""A tree with more content is refused."""
ENTRIES: Final = 200_000
"""A tree with more entries is refused."""
DEPTH: Final = 100
PATH_CHARACTERS: Final = 1024
"""A folder that is deeper, or has a longer path, is recorded as `other`, without what is in it."""

GRANULARITY_NS: Final = 20_000_000
"""Kernels stamp files with a clock of coarse ticks, 4 or 10 ms: two writes in one tick leave the same times. A file that is younger than
this at the time of reading is read again the next time."""

Signature = tuple[int, ...]
Known = MutableMapping[str, tuple[Signature, FileState]]
"""What was read before, by path: what is unchanged by inode, size, times and mode need not be read again."""

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_LOCKED: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK: Final = 1 << 15
_SPARSE: Final = f"it has holes, and such files are read up to {SPARSE_BYTES} bytes in all"


def read_tree(host_folder: Path, sandbox_root: str) -> Tree:
    """The content of `host_folder` as it would be at `sandbox_root`, e.g. `/app`; the folder itself is not in it.

    Raises SandboxError when the folder is missing, cannot be read, or is over a bound of this module.
    """
    try:
        fd = os.open(host_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SandboxError(
            f"{host_folder}: expected a folder to put at {sandbox_root}: {error.strerror}"
        ) from error
    try:
        return read_open_folder(fd, sandbox_root)
    except OSError as error:
        raise SandboxError(f"{host_folder}: cannot be read for {sandbox_root}: {error}") from error
    finally:
        os.close(fd)


def read_open_folder(fd: int, root: str, *, hostile: bool = False, known: Known | None = None) -> Tree:
    """The content of the folder open at `fd`, under paths that begin with `root`.

    With `hostile`, for the inside of a sandbox, what was made unreadable there is made readable for a moment and
    then put back, and sparse files are not read beyond a bound. With `known`, files that look unchanged are taken from there, and it is
    brought up to date. Writes through a shared mapping of memory leave no trace in a file's times, so the last reading takes nothing from it.
    Raises SandboxError at a bound and OSError for what cannot be read.
    """
    found: Tree = {}
    reader = _Reader(hostile, found, known)
    with reader.readable_folder(fd):
        reader.folder(fd, root, 1)
    return dict(sorted(found.items()))


@dataclass
class _Reader:
    hostile: bool
    found: Tree
    known: Known | None = None
    began: int = field(default_factory=time.time_ns)
    kept: int = 0
    hashed: int = 0
    sparse: int = 0

    def folder(self, fd: int, path: str, depth: int) -> None:
        for name in sorted(os.fsencode(entry) for entry in os.listdir(fd)):
            try:
                self.entry(fd, name, f"{path}/{shown_name(name)}", depth)
            except FileNotFoundError:
                continue  # Gone since the listing: a tree that is still being written to.

    def entry(self, parent: int, name: bytes, path: str, depth: int) -> None:
        if len(self.found) >= ENTRIES:
            raise SandboxError(
                f"{path}: more than {ENTRIES} entries in the tree, too many to take a snapshot of"
            )
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(name, dir_fd=parent)
            digest = hashlib.sha256(target).hexdigest()
            self.found[path] = FileState("symlink", mode, len(target), digest, target=shown_name(target))
        elif stat.S_ISREG(status.st_mode) and self.is_too_sparse(status):
            self.found[path] = FileState("file", mode, status.st_size, unread=_SPARSE)
        elif stat.S_ISREG(status.st_mode):
            self.found[path] = self.remembered(path, status) or self.read(parent, name, path, status)
        elif stat.S_ISDIR(status.st_mode) and depth < DEPTH and len(path) <= PATH_CHARACTERS:
            with self.opened(parent, name, status) as fd:
                self.found[path] = FileState("dir", mode)
                self.folder(fd, path, depth + 1)
        else:
            self.found[path] = FileState("other", mode)

    def remembered(self, path: str, status: os.stat_result) -> FileState | None:
        """The state of a file that is as it was when it was read before."""
        signature, state = (self.known or {}).get(path, (None, None))
        if state is None or signature != _signature(status):
            return None
        self.kept += 0 if state.data is None else state.size
        return state

    def read(self, parent: int, name: bytes, path: str, status: os.stat_result) -> FileState:
        mode = stat.S_IMODE(status.st_mode)
        try:
            with self.opened(parent, name, status) as fd:
                state = self.file(fd, path, mode)
        except BlockingIOError:
            if self.known is None:
                raise
            # A process holds a lease on it. One file must not hide what happens to the others; the last reading ends such processes.
            return FileState("file", mode, status.st_size, unread="a process kept it from being read")
        if self.known is not None:
            self.known.pop(path, None)
            if status.st_ctime_ns + GRANULARITY_NS < self.began:
                self.known[path] = (_signature(status), state)
        return state

    def is_too_sparse(self, status: os.stat_result) -> bool:
        """Whether to leave this file unread; counts it otherwise."""
        if not self.hostile or status.st_blocks * 512 >= status.st_size:
            return False
        if self.sparse + status.st_size > SPARSE_BYTES:
            return True
        self.sparse += status.st_size
        return False

    def file(self, fd: int, path: str, mode: int) -> FileState:
        digest = hashlib.sha256()
        kept: list[bytes] | None = []
        size = 0
        while chunk := os.read(fd, _CHUNK):
            size += len(chunk)
            self.hashed += len(chunk)
            if self.hashed > HASHED_BYTES:
                raise SandboxError(
                    f"{path}: more than {HASHED_BYTES} bytes in the tree, too many to take a snapshot of"
                )
            digest.update(chunk)
            if kept is not None:
                kept.append(chunk)
                if size > FILE_BYTES or self.kept + size > TREE_BYTES:
                    kept = None
        if kept is not None:
            self.kept += size
        if kept is None:
            why = (
                f"it is larger than {FILE_BYTES} bytes"
                if size > FILE_BYTES
                else f"the files hold more than {TREE_BYTES} bytes"
            )
            return FileState("file", mode, size, digest.hexdigest(), unread=why)
        return FileState("file", mode, size, digest.hexdigest(), b"".join(kept))

    @contextmanager
    def opened(self, parent: int, name: bytes, status: os.stat_result) -> Iterator[int]:
        """`name` open for reading, and the same kind of file as `status` says."""
        kind = stat.S_IFMT(status.st_mode)
        needed = 0o500 if stat.S_ISDIR(status.st_mode) else 0o400
        locked = self.hostile and status.st_mode & needed != needed
        try:
            fd = os.open(name, _OPEN_LOCKED if locked else _OPEN, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise FileNotFoundError(name) from error  # Became a link or a socket since it was looked at.
            raise
        try:
            if stat.S_IFMT(os.fstat(fd).st_mode) != kind:
                raise FileNotFoundError(name)
            if locked:
                with _unlocked(fd) as readable:
                    yield readable
            else:
                yield fd
        finally:
            os.close(fd)

    @contextmanager
    def readable_folder(self, fd: int) -> Iterator[None]:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        locked = self.hostile and mode & 0o500 != 0o500
        if locked:
            os.fchmod(fd, mode | 0o500)
        try:
            yield
        finally:
            if locked:
                os.fchmod(fd, mode)


def _signature(status: os.stat_result) -> Signature:
    return (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@contextmanager
def _unlocked(path_fd: int) -> Iterator[int]:
    """A readable descriptor of the file at `path_fd`, which was opened without the right to read it."""
    magic = Path("/proc/self/fd", str(path_fd))
    mode = stat.S_IMODE(os.fstat(path_fd).st_mode)
    magic.chmod(mode | 0o500)
    try:
        fd = os.open(magic, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)
    finally:
        magic.chmod(mode)
