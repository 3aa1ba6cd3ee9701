"""What an attack is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_odcv.sandbox.protocol import CommandResult, Limits, Tree
from tests.sandbox.box import Box
from tests.sandbox.host import Host

LIMITS = Limits(
    command_seconds=20,
    cpu_seconds=10,
    memory_bytes=256 << 20,
    file_bytes=8 << 20,
    disk_bytes=16 << 20,
    files=2_000,
    processes=32,
    output_bytes=8_192,
)
IMPATIENT = Limits(
    command_seconds=0.6,
    cpu_seconds=10,
    memory_bytes=256 << 20,
    file_bytes=8 << 20,
    disk_bytes=16 << 20,
    files=2_000,
    processes=32,
    output_bytes=8_192,
)
"""For attacks that are expected to leave a shell that does not answer."""


@dataclass
class Scene:
    """One attack that was run: its result, and the sandbox and the host to look at."""

    box: Box
    host: Host
    result: CommandResult
    as_root: bool = False
    """Whether the agent is user 0 inside."""

    @property
    def said(self) -> str:
        """All output of the attack."""
        return self.result.stdout + self.result.stderr

    def tree(self) -> Tree:
        return self.box.snapshot()


@dataclass(frozen=True)
class Attack:
    """`script` is run with these names replaced: @FILE@, @FOLDER@, @TCP@, @UDP@, @ABSTRACT@, @MARK@ (see `Host`).

    With `python`, the script is Python and run by the host's /usr/bin/python3. With `gateway`, there is a gateway in the
    sandbox, that answers everything with `driver.ANSWER`. `contained` asserts.
    """

    name: str
    script: str
    contained: Callable[[Scene], object]
    limits: Limits = field(default=LIMITS)
    python: bool = False
    gateway: bool = False

    def command(self, host: Host, mark: str) -> str:
        values = {
            "FILE": str(host.file),
            "FOLDER": str(host.folder),
            "TCP": str(host.tcp_port),
            "UDP": str(host.udp_port),
            "ABSTRACT": host.abstract_name,
            "MARK": mark,
        }
        script = self.script.strip("\n")
        for name, value in values.items():
            script = script.replace(f"@{name}@", value)
        return f"/usr/bin/python3 - <<'END'\n{script}\nEND" if self.python else script


def never(*words: str) -> Callable[[Scene], None]:
    """None of `words` was printed."""

    def check(scene: Scene) -> None:
        assert not [word for word in words if word in scene.said], scene.result

    return check


def says(*words: str) -> Callable[[Scene], None]:
    """All of `words` were printed."""

    def check(scene: Scene) -> None:
        assert not [word for word in words if word not in scene.said], scene.result

    return check


def fails(scene: Scene) -> None:
    """The attack's own exit status is an error."""
    assert scene.result.exit_code not in (0, None), scene.result


def refused(*names: str) -> Callable[[Scene], None]:
    """For scripts that end in `CALLS`: each of these system calls failed with EPERM, EACCES or ENOSYS."""

    def check(scene: Scene) -> None:
        lines = dict(line.split(" ", 1) for line in scene.result.stdout.splitlines())
        assert {name: lines.get(name) for name in names if lines.get(name) not in _REFUSALS} == {}, (
            scene.result
        )

    return check


_REFUSALS = ("EPERM", "EACCES", "ENOSYS")

CALLS = """
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
def call(name, x86_64, aarch64, *arguments):
    result = libc.syscall(x86_64 if X86 else aarch64, *arguments)
    print(name, "done" if result >= 0 else errno.errorcode[ctypes.get_errno()])
"""
"""Put before Python scripts that make system calls by number."""
