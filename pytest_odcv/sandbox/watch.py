"""Measures what a sandbox uses where the kernel has no limit of its own for it, and says what is over.

The kernel bounds each process and each file system; the sums over a sandbox's processes and the number of files are
looked at every `INTERVAL` seconds. Ends nothing itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_odcv.sandbox.base import Limits

INTERVAL: Final = 0.1
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_FILES_SLACK: Final = 500
_FILES_CEILING: Final = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all processes but the supervisor, and of all writable file systems, at one moment."""

    processes: int
    memory_bytes: int
    """Resident; a page that several processes share counts for each."""
    files: int
    """More than at the start."""


def measure(proc_fd: int, folder_fds: Iterable[int], files_at_start: int) -> Usage:
    """`proc_fd` is open on the sandbox's own /proc, `folder_fds` on a folder of each file system. Raises OSError."""
    processes = pages = 0
    for name in os.listdir(proc_fd):
        if name.isdigit() and name != "1":
            try:
                fd = os.open(f"{name}/statm", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc_fd)
            except OSError:
                continue  # Ended since the listing.
            try:
                pages += int(os.read(fd, 100).split()[1])
                processes += 1
            except (OSError, IndexError):
                continue
            finally:
                os.close(fd)
    return Usage(processes, pages * _PAGE, count_files(folder_fds) - files_at_start)


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
    if usage.files > files_allowed:
        return f"The limit of {limits.files} files was exceeded."
    return None


def files_allowed_after(files: int, limits: Limits) -> int:
    """How many files to tolerate once the limit was exceeded: enough to run `rm`, and never without bound."""
    return max(limits.files, min(files + _FILES_SLACK, files_ceiling(limits)))


def files_ceiling(limits: Limits) -> int:
    """The number of files at which nothing may be run any more."""
    return limits.files * _FILES_CEILING
