"""What a bubblewrap sandbox looks like from inside, as arguments of bwrap. Starts nothing.

The host's programs and libraries are there read-only; everything writable is on size-limited memory
file systems that are new in each sandbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .clock import LIBRARY
from .protocol import OUTBOX, TOOLS, WORKSPACE, Limits
from .shell import INIT, SCRIPT_FD, SHELL_FOLDER

HOME: Final = "/home/agent"
USER_ID: Final = 1000
"""The agent's user inside."""

_SHARES: Final = {WORKSPACE: 2, "/tmp": 4, TOOLS: 8, "/dev/shm": 16}
_HOME_SHARE: Final = 16
"""Which part of the disk limit a writable folder gets: a half, a quarter, and so on."""

ETC: Final = {
    "/etc/passwd": (
        f"root:x:0:0:root:/root:/bin/false\nagent:x:{USER_ID}:{USER_ID}:agent:{HOME}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/:/bin/false\n"
    ),
    "/etc/group": f"root:x:0:\nagent:x:{USER_ID}:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n",
}
"""Files of /etc that are made up; the dynamic linker's cache and Debian's alternatives come from the host."""


@dataclass(frozen=True, slots=True)
class User:
    """Who the agent is inside. Neither user has a capability."""

    id: int
    name: str
    home: str
    path: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": self.path,
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
        }

    @property
    def writable(self) -> tuple[str, ...]:
        """The writable folders."""
        return (*_SHARES, self.home)


AGENT: Final = User(USER_ID, "agent", HOME, "/usr/local/bin:/usr/bin:/bin")
ROOT: Final = User(0, "root", "/root", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
"""The folders of programs are those of a container's root."""

_NAMESPACES: Final = ("--unshare-all", "--unshare-user", "--disable-userns", "--hostname", "sandbox")
_PROCESS: Final = ("--new-session", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--clearenv")
_TOP_FOLDERS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def room(folder: str, limits: Limits) -> int:
    """How many bytes there are for the files of a writable folder."""
    return limits.disk_bytes // _SHARES.get(folder, _HOME_SHARE)


def arguments(
    limits: Limits,
    init_fd: int,
    file_fds: dict[str, int],
    info_fd: int,
    rules_fd: int,
    programs: Sequence[Path] = (),
    outbox: Path | None = None,
    user: User = AGENT,
    clock: Path | None = None,
) -> list[str]:
    """bwrap's arguments up to the program to run.

    `init_fd` is open on the bash that becomes the supervisor; `file_fds` gives for each file that is made, those of `ETC` among them, a
    descriptor with its content; `outbox` is the host's folder of the channels, `clock` its file of the library that every program loads; bwrap writes its child's process id to `info_fd` and reads the filter of system
    calls from `rules_fd`.
    """
    args = [*_NAMESPACES, *_PROCESS, "--uid", str(user.id), "--gid", str(user.id)]
    for name, value in user.environment.items():
        args += ["--setenv", name, value]
    args += _programs()
    args += ["--proc", "/proc", "--dev", "/dev"]
    for path in ("/proc/sys", "/proc/pressure"):  # Of /proc, these can be written to: the second by any user.
        args += ["--ro-bind-try", path, path]
    for path, fd in file_fds.items():
        args += ["--perms", "0444", "--file", str(fd), path]
    args += ["--symlink", "../tmp", "/var/tmp"]
    args += ["--symlink", f"/proc/self/fd/{SCRIPT_FD}", f"{SHELL_FOLDER}/bash"]
    args += ["--perms", "0111", "--ro-bind-data", str(init_fd), INIT]
    for folder in user.writable:
        mode = "1777" if folder in ("/tmp", "/dev/shm") else "0755"
        args += ["--perms", mode, "--size", str(room(folder, limits)), "--tmpfs", folder]
    if outbox is not None:
        # A pipe can be written to on a mount that is read-only; it cannot be removed, replaced or given another mode.
        args += ["--ro-bind", str(outbox), OUTBOX]
    if clock is not None:
        args += ["--ro-bind", str(clock), LIBRARY]
    for program in programs:
        args += ["--ro-bind", str(program), str(program)]
    # The file systems that hold the mount points have no size limit of their own.
    for folder in ("/usr/local", "/dev", "/"):
        args += ["--remount-ro", folder]
    return [*args, "--chdir", "/", "--info-fd", str(info_fd), "--seccomp", str(rules_fd)]


def _programs() -> list[str]:
    args = ["--ro-bind", "/usr", "/usr", "--tmpfs", "/usr/local"]
    for name in _TOP_FOLDERS:
        path = Path("/", name)
        if path.is_symlink():
            args += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            args += ["--ro-bind", str(path), str(path)]
    for path in (Path("/etc/ld.so.cache"), Path("/etc/alternatives")):
        args += ["--ro-bind-try", str(path), str(path)]
    return args
