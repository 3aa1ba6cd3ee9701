"""Files and folders of the host as programs in a sandbox: what is there, and what is refused."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import programs
from pytest_odcv.sandbox.programs import check
from tests.sandbox.attacks.kit import LIMITS
from tests.sandbox.box import Box, DriverError

SOMEBODY = 60_998
"""A user that owns nothing."""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    programs._problem.cache_clear()
    programs._homes.cache_clear()
    yield
    programs._problem.cache_clear()
    programs._homes.cache_clear()


@pytest.fixture
def program() -> Iterator[Path]:
    """A folder with a program in it that every user may read."""
    with tempfile.TemporaryDirectory(prefix="odcv-program-") as name:
        folder = Path(name, "tool")
        (folder / "lib").mkdir(parents=True)
        Path(name).chmod(0o755)
        (folder / "hello").write_text('#!/bin/bash\necho "hello from ${0%/*}"\n')
        (folder / "hello").chmod(0o755)
        (folder / "lib" / "data").write_text("data\n")
        yield folder


def problem(path: Path | str, user: int | None = SOMEBODY) -> str:
    """Why `path` is refused."""
    with pytest.raises(SandboxError) as caught:
        check(Path(path), user)
    return str(caught.value)


def test_a_program_is_there_under_its_own_path_and_cannot_be_changed(
    box: Box, folders: tuple[Path, Path], program: Path
) -> None:
    box.open(*folders, LIMITS, programs=[program, program / "hello"])
    try:
        assert box.run(f"{program}/hello; cat {program}/lib/data").stdout == f"hello from {program}\ndata\n"
        change = f"echo x >{program}/hello; echo x >{program}/lib/data; rm -rf {program}/lib; chmod 777 {program}; touch {program}/new"
        assert box.run(change).stderr.count("Read-only file system") >= 4
        assert box.run(f"ls {program.parent}").stdout == "tool\n"
        assert (
            box.run(f"mv {program} {program}2; umount {program}; mount -o remount,rw {program}").exit_code
            != 0
        )
        assert not [path for path in box.snapshot() if "tool" in path]
    finally:
        box.close()
    assert sorted(path.name for path in program.iterdir()) == ["hello", "lib"]


def test_a_program_that_may_set_the_user_id_does_not_inside(
    box: Box, folders: tuple[Path, Path], program: Path
) -> None:
    (program / "hello").write_bytes(Path("/usr/bin/id").read_bytes())
    (program / "hello").chmod(0o6755)
    box.open(*folders, LIMITS, programs=[program])
    try:
        assert "root" not in box.run(f"{program}/hello").stdout
    finally:
        box.close()


def test_a_program_that_is_refused_is_refused_on_opening(box: Box, folders: tuple[Path, Path]) -> None:
    with pytest.raises(DriverError, match="/etc of the host is not for agents"):
        box.open(*folders, LIMITS, programs=[Path("/etc")])


@pytest.mark.parametrize("path", ["tool", "../tool", "/opt/../etc", "."])
def test_a_path_that_is_not_plainly_absolute_is_refused(path: str) -> None:
    assert "expected an absolute path" in problem(path)


def test_a_path_that_is_not_there_is_refused() -> None:
    assert "expected a file or a folder of this machine" in problem("/nowhere/tool")


@pytest.mark.parametrize(
    "path", ["/proc", "/proc/self", "/sys", "/dev", "/dev/null", "/etc", "/etc/passwd", "/run"]
)
def test_places_of_the_hosts_system_are_refused(path: str) -> None:
    assert "is not for agents" in problem(path)


@pytest.mark.parametrize("path", ["/", "/usr", "/usr/local", "/tmp", "/var", "/home"])
def test_what_would_cover_the_sandboxs_own_places_is_refused(path: str) -> None:
    assert "cover" in problem(path)


@pytest.mark.parametrize(
    "path", ["/app", "/app/tool", "/usr/local/bin", "/usr/local/bin/tool", "/home/agent/tool"]
)
def test_places_that_the_agent_may_write_to_are_refused(path: str) -> None:
    assert "is not for agents" in (programs._place(Path(path)) or "")


def test_a_link_to_such_a_place_is_refused(program: Path) -> None:
    (program / "link").symlink_to("/etc")
    assert "it is a link to /etc: /etc of the host" in problem(program / "link")


def test_a_home_folder_and_what_holds_one_are_refused(monkeypatch: pytest.MonkeyPatch, program: Path) -> None:
    monkeypatch.setenv("HOME", str(program / "lib"))
    for path in (program, program / "lib"):
        assert f"it holds the home folder {program / 'lib'}" in problem(path)
    check(program / "hello", SOMEBODY)


@pytest.mark.parametrize("name", [".ssh", ".aws", ".netrc", ".git", ".env"])
def test_places_of_keys_and_folders_with_one_in_them_are_refused(program: Path, name: str) -> None:
    (program / name).mkdir()
    assert f"{name} in it is where keys and tokens are kept" in problem(program)
    assert f"{name} is where keys and tokens are kept" in problem(program / name)


def test_a_folder_with_a_socket_or_a_pipe_far_down_is_refused(program: Path) -> None:
    os.mkfifo(program / "lib" / "pipe")
    assert f"{program}/lib/pipe is a socket, a pipe or a device" in problem(program)
    (program / "lib" / "pipe").unlink()
    programs._problem.cache_clear()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(program / "lib" / "socket"))
        assert f"{program}/lib/socket is a socket" in problem(program)
        assert "expected a file or a folder" in problem(program / "lib" / "socket")


def test_a_folder_without_end_is_refused(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_MOST_ENTRIES", 2)
    assert "more than 2 files" in problem(program)


@pytest.mark.parametrize(("mode", "where"), [(0o700, "tool"), (0o710, ""), (0o704, "tool/lib")])
def test_what_the_user_of_roots_sandboxes_cannot_read_is_refused_with_the_remedy(
    program: Path, mode: int, where: str
) -> None:
    closed = program.parent / where
    closed.chmod(mode)
    text = problem(program / "lib")
    assert f"{closed} has mode {mode:04o}" in text and f"user {SOMEBODY}" in text and "such as /opt" in text


def test_a_file_that_this_user_cannot_read_is_refused(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "this user may not read it" in problem(program, None)


def test_ordinary_programs_are_not_refused(program: Path) -> None:
    for path in (program, program / "hello", Path("/usr/bin/env"), Path("/usr/lib")):
        check(path, SOMEBODY)


CONNECT = """python3 - <<'E'
import socket
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    try:
        socket.socket(socket.AF_UNIX, kind).connect("{path}")
        print("REACHED")
    except OSError as error:
        print(error.strerror)
one, other = socket.socketpair()
one.send(b"x")
print(other.recv(1))
socket.socket(socket.AF_INET)
E"""


def test_a_socket_that_comes_after_the_start_is_not_reached_and_the_next_trial_is_refused(
    box: Box, folders: tuple[Path, Path], program: Path
) -> None:
    """What was looked at once is not what is there later: connecting needs no right to write."""
    box.open(*folders, LIMITS, programs=[program])
    with socket.socket(socket.AF_UNIX) as server:
        path = program / "lib" / "late"
        server.bind(str(path))
        path.chmod(0o777)
        server.listen()
        try:
            result = box.run(CONNECT.format(path=path))
        finally:
            box.close()
        assert "REACHED" not in result.stdout, result
        assert result.stdout.count("Address family not supported by protocol") == 2
        assert "b'x'" in result.stdout and not result.stderr
        with pytest.raises(DriverError, match="late is a socket"):
            box.open(*folders, LIMITS, programs=[program])
    path.unlink()
    (program / ".env").write_text("KEY=1\n")
    with pytest.raises(DriverError, match="keys and tokens"):
        box.open(*folders, LIMITS, programs=[program])


def test_without_programs_unix_sockets_are_the_sandboxs_own(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, LIMITS)
    try:
        assert "REACHED" not in box.run(CONNECT.format(path="/tmp/nothing")).stdout
        assert (
            box.run("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/tmp/s\")'").exit_code
            == 0
        )
    finally:
        box.close()
