"""Which use of a sandbox is too much."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_odcv.sandbox.protocol import Limits
from pytest_odcv.sandbox.watch import Usage, count_files, excess, files_allowed_after, files_ceiling, measure

LIMITS = Limits(processes=10, memory_bytes=100 << 20, files=50)


@pytest.mark.parametrize(
    ("usage", "word"),
    [
        (Usage(11, 0, 0), "10 processes"),
        (Usage(1, (100 << 20) + 1, 0), "100 MiB"),
        (Usage(1, 0, 51), "50 files"),
        (Usage(sockets=257), "256 sockets"),
    ],
)
def test_what_is_over_a_limit_is_said_with_the_limit(usage: Usage, word: str) -> None:
    assert word in (excess(usage, LIMITS, LIMITS.files) or "")


def test_what_is_exactly_at_the_limits_is_allowed() -> None:
    assert excess(Usage(10, 100 << 20, 50, 256), LIMITS, LIMITS.files) is None


def test_after_too_many_files_there_is_room_to_remove_them_up_to_a_ceiling() -> None:
    assert files_allowed_after(60, LIMITS) == files_ceiling(LIMITS)
    big = Limits(files=10_000)
    assert 10_001 < files_allowed_after(10_001, big) < files_ceiling(big)
    assert files_allowed_after(10_000_000, big) == files_ceiling(big)


def test_use_is_read_from_a_proc_folder_without_process_1_and_with_processes_whose_first_thread_is_gone(
    tmp_path: Path,
) -> None:
    for number, pages in ((1, 1000), (2, 10), (37, 0)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "statm").write_text(f"99999 {pages} 1 1 0 1 0\n")
    for number, pages in ((37, 0), (40, 5)):
        (tmp_path / "37" / "task" / str(number)).mkdir(parents=True)
        (tmp_path / "37" / "task" / str(number) / "statm").write_text(f"9 {pages} 1 1 0 1 0\n")
    (tmp_path / "38").mkdir()
    (tmp_path / "self").mkdir()
    (tmp_path / "1" / "net").mkdir()
    (tmp_path / "1" / "net" / "sockstat").write_text("sockets: used 7\nTCP: inuse 2\n")
    proc = os.open(tmp_path, os.O_RDONLY)
    try:
        usage = measure(proc, [], 0)
    finally:
        os.close(proc)
    assert usage == Usage(3, 15 * os.sysconf("SC_PAGE_SIZE"), 0, 7)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a file system in memory")
def test_files_are_counted_for_each_file_system() -> None:
    fd = os.open("/dev/shm", os.O_RDONLY)
    try:
        state = os.fstatvfs(fd)
        assert count_files([fd, fd]) == 2 * (state.f_files - state.f_ffree)
    finally:
        os.close(fd)
