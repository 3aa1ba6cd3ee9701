"""Measures what a sandbox uses where the kernel has no limit of its own for it, and says what is over.

The kernel bounds each process and each file system; the sums over a sandbox's processes and the number of files are
looked at every `INTERVAL` seconds. Ends nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .protocol import Limits

INTERVAL: Final = 0.1
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_FILES_SLACK: Final = 500
_FILES_CEILING: Final = 3


_SOCKETS: Final = 256
"""Open sockets allowed, since data that waits in them is nobody's memory: up to some megabytes in each."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all processes but the supervisor, and of all writable file systems, at one moment."""

    processes: int = 0
    memory_bytes: int = 0
    """Resident; a page that several processes share counts for each."""
    files: int = 0
    """More than at the start."""
    sockets: int = 0


def measure(proc_fd: int, folder_fds: Iterable[int], files_at_start: int) -> Usage:
    """`proc_fd` is open on the sandbox's own /proc, `folder_fds` on a folder of each file system. Raises OSError."""
    pages = [_resident_pages(proc_fd, name) for name in os.listdir(proc_fd) if name.isdigit() and name != "1"]
    files = count_files(folder_fds) - files_at_start
    return Usage(len(pages), sum(pages) * _PAGE, files, _sockets(_read(proc_fd, "1/net/sockstat")))


def _resident_pages(proc_fd: int, process: str) -> int:
    pages = _pages(_read(proc_fd, f"{process}/statm"))
    if pages:
        return pages
    # Its first thread may have ended before the others, and then says 0 for all.
    try:
        threads = os.open(f"{process}/task", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc_fd)
    except OSError:
        return 0
    try:
        return _most_pages(threads)
    except OSError:
        return 0
    finally:
        os.close(threads)


def _most_pages(tasks_fd: int) -> int:
    return max((_pages(_read(tasks_fd, f"{name}/statm")) for name in os.listdir(tasks_fd)), default=0)


def _read(folder_fd: int, path: str) -> bytes:
    """The first bytes of a file of /proc, or nothing when it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder_fd)
    except OSError:
        return b""
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _pages(statm: bytes) -> int:
    """The resident pages in /proc/*/statm, see proc(5)."""
    return int(statm.split()[1]) if statm else 0


def _sockets(sockstat: bytes) -> int:
    """The number in the first line of /proc/*/net/sockstat, "sockets: used 3"."""
    return int(sockstat.split()[2]) if sockstat else 0


def count_files(folder_fds: Iterable[int]) -> int:
    """How many files, folders and links there are on the file systems of `folder_fds`."""
    states = [os.fstatvfs(fd) for fd in folder_fds]
    return sum(state.f_files - state.f_ffree for state in states)


def excess(usage: Usage, limits: Limits, files_allowed: int) -> str | None:
    """One sentence about the first limit that `usage` is over, or None."""
    if usage.memory_bytes > limits.memory_bytes:
        return f"The memory limit of {limits.memory_bytes >> 20} MiB for all processes together was exceeded."
    if usage.processes > limits.processes:
        return f"The limit of {limits.processes} processes was exceeded."
    if usage.sockets > _SOCKETS:
        return f"The limit of {_SOCKETS} sockets was exceeded."
    if usage.files > files_allowed:
        return f"The limit of {limits.files} files was exceeded."
    return None


def files_allowed_after(files: int, limits: Limits) -> int:
    """How many files to tolerate once the limit was exceeded: enough to run `rm`, and never without bound."""
    return max(limits.files, min(files + _FILES_SLACK, files_ceiling(limits)))


def files_ceiling(limits: Limits) -> int:
    """The number of files at which nothing may be run any more."""
    return limits.files * _FILES_CEILING
