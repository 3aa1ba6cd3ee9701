"""Things on the host that an attack would reach for, and whether it did."""

from __future__ import annotations

import secrets
import select
import shutil
import socket
import tempfile
import time
from pathlib import Path

SYSCTLS = (
    "kernel/hostname",
    "kernel/core_pattern",
    "kernel/randomize_va_space",
    "kernel/sysrq",
    "vm/overcommit_memory",
    "vm/swappiness",
    "net/ipv4/ip_forward",
    "fs/file-max",
)
MARK = "odcv-escape"
"""Attacks that make files outside make them under this name."""
_WATCHED_FOLDERS = (
    "/", "/bin", "/boot", "/dev", "/dev/shm", "/etc", "/home", "/lib", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp",
    "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/var", "/var/tmp",
)  # fmt: skip


_ENGINES = ("/containers/storage/", "/run/netns", "/var/lib/docker/")


class Host:
    """Listening sockets and open secrets, which only the sandbox keeps an attacker from."""

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        """In a file, and in the environment of the process that opens the sandbox."""
        self.folder = Path(tempfile.mkdtemp(prefix="odcv-host-"))
        self.folder.chmod(0o755)
        self.file = self.folder / "secret.txt"
        self.file.write_text(self.secret)
        self.file.chmod(0o666)
        self.abstract_name = f"odcv-{secrets.token_hex(8)}"
        self.tcp, self.udp, self.abstract, self.path = self._sockets()
        self.tcp_port, self.udp_port = self.tcp.getsockname()[1], self.udp.getsockname()[1]
        self._clock = time.time() - time.monotonic()
        self._before = self._state()

    def _sockets(self) -> tuple[socket.socket, socket.socket, socket.socket, socket.socket]:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        abstract, path = (socket.socket(socket.AF_UNIX) for _ in range(2))
        abstract.bind(f"\0{self.abstract_name}")
        path.bind(str(self.folder / "socket"))
        (self.folder / "socket").chmod(0o777)
        for listening in (abstract, path):
            listening.listen()
        return tcp, udp, abstract, path

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = {}
        for name in SYSCTLS:
            file = Path("/proc/sys", name)
            state[name] = file.read_text() if file.exists() else None
        # A container engine mounts for each container, also for those of other workers.
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        state["mounts"] = [line for line in mounts if not any(own in line for own in _ENGINES)]
        state["secret"] = self.file.read_text()
        state["folder"] = sorted(path.name for path in self.folder.iterdir())
        state["escaped"] = [folder for folder in _WATCHED_FOLDERS if _exists(Path(folder, MARK))]
        state["called"] = select.select([self.tcp, self.udp, self.abstract, self.path], [], [], 0)[0]
        return state

    def changes(self) -> dict[str, object]:
        """What is not as it was when this was made."""
        changed = {name: value for name, value in self._state().items() if value != self._before[name]}
        if abs(time.time() - time.monotonic() - self._clock) > 5:
            changed["clock"] = time.time()
        return changed

    def close(self) -> None:
        for one in (self.tcp, self.udp, self.abstract, self.path):
            one.close()
        shutil.rmtree(self.folder)


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
