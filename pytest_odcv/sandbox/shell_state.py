"""Whether the agent's shell has run what it was given, read from its memory by the kernel: the one witness that the agent cannot be.

What the shell says about the end of a command, it says on a pipe, and code that runs inside the shell has that pipe too. It could report an
end, read the next command from the script and never run it. So the host believes no report alone. It looks at two counters that bash
exports for loadable builtins: `parse_and_execute_level` is 0 at the top level, and at least 1 while a command, a function or a trap of the
agent's runs; `current_command_number` is one more with each command that bash itself has read from the script and begun. Native code
could set them, so code that was loaded into the shell is looked for as well. So is `extdebug`, in which a DEBUG trap can skip commands
of the script, `debugging_mode` to bash.

process_vm_readv works for root and for the ordinary user who owns the sandbox's user namespace. /proc/PID/syscall would need root.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
from functools import lru_cache
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from .clock import LIBRARY
from .shell import INIT, PROLOGUE_COMMANDS

_COUNTERS: Final = (b"parse_and_execute_level", b"current_command_number", b"debugging_mode")
_FIRST: Final = 1 + PROLOGUE_COMMANDS
"""What the number is before the first step."""
_OURS: Final = (INIT, LIBRARY)
_SYSTEM: Final = ("/usr/", "/lib", "/bin/", "/sbin/", "[vdso]", "[vsyscall]")
"""Where executable code in a shell may come from: what the agent can write to is none of it, see `_WRITABLE`."""
_WRITABLE: Final = "/usr/local/"
"""Below the system's folders, and the agent's tools: nothing of the host is in it."""
_DYNSYM: Final = 11
_ET_DYN: Final = 3


class _Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class ShellState:
    """Of one shell, `inner_pid` in the sandbox whose process 1 is `supervisor_pid` here. Raises SandboxError where it cannot be known."""

    def __init__(self, bash: Path, supervisor_pid: int, inner_pid: int) -> None:
        self._bash, self._supervisor, self._inner = bash, supervisor_pid, inner_pid
        self._pid: int | None = None
        self.can_skip = False
        """Whether a trap of the agent's can make bash leave out commands, when last looked at."""

    def has_returned(self, steps: int, reported: int | None) -> bool:
        """Whether the shell is at its top level and has begun the last of its steps.

        Args:
            steps: Commands of the script that it was given since the prologue.
            reported: The number of the step that was reported to have ended, if one was.

        Returns:
            False too for a shell that is just gone: the supervisor tells of that.

        Raises:
            SandboxError: A step was reported that bash never began, code was loaded into the shell, or its memory cannot be read.
        """
        try:
            if self._pid is None:
                self._pid = self._find()
            maps = Path("/proc", str(self._pid), "maps").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return False
        foreign = _foreign(maps)
        if foreign:
            raise SandboxError(
                f"bubblewrap: the agent loaded code of its own into its shell ({foreign}), so what the shell reports of its commands cannot be "
                "believed"
            )
        # Each time anew: before it became the shell, the process was a copy of the supervisor, which has another place in memory.
        level, number, skips = self._counters(self._place(maps))
        if level == 0 and reported and not _FIRST + reported <= number <= _FIRST + steps:
            raise SandboxError(
                "bubblewrap: the agent reported the end of a command that its shell never ran (it read the script of the shell), so what the "
                "shell reports of its commands cannot be believed"
            )
        self.can_skip = bool(skips)
        return level == 0 and number == _FIRST + steps

    def _find(self) -> int:
        """This side's number of the shell's process."""
        for name in self._candidates():
            try:
                status = Path("/proc", name, "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found = re.search(r"^NSpid:.*\t(\d+)$", status, re.MULTILINE)
            parent = re.search(r"^PPid:\t(\d+)$", status, re.MULTILINE)
            if found and parent and (int(found[1]), int(parent[1])) == (self._inner, self._supervisor):
                return int(name)
        raise ProcessLookupError

    def _candidates(self) -> list[str]:
        try:
            own = Path("/proc", str(self._supervisor), "task", str(self._supervisor), "children")
            return own.read_text().split()
        except FileNotFoundError:  # A kernel without CONFIG_PROC_CHILDREN.
            return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]

    def _place(self, maps: str) -> list[int] | None:
        """Where the counters are; None as long as the process is not the shell yet."""
        first = maps.partition("\n")[0].split()
        if len(first) < 6 or first[5] != INIT:
            return None
        places, is_relocated = counters_of(self._bash)
        base = int(first[0].partition("-")[0], 16) - int(first[2], 16) if is_relocated else 0
        return [base + place for place in places]

    def _counters(self, addresses: list[int] | None) -> tuple[int, int, int]:
        """Those of `_COUNTERS`; -1 for the level of a process that is gone, or no shell."""
        if addresses is None:
            return -1, 0, 0
        values = (ctypes.c_int * 3)()
        size = ctypes.sizeof(ctypes.c_int)
        here = _Piece(ctypes.addressof(values), 3 * size)
        there = (_Piece * 3)(*(_Piece(address, size) for address in addresses))
        if _libc().process_vm_readv(self._pid, ctypes.byref(here), 1, there, 3, 0) == 3 * size:
            return values[0], values[1], values[2]
        number = ctypes.get_errno()
        # EFAULT: it is just ending, or has become another program. There is no shell to report anything then.
        if number in (errno.ESRCH, errno.EFAULT):
            return -1, 0, 0
        raise SandboxError(
            f"bubblewrap: the memory of the agent's shell cannot be read ({os.strerror(number)}), so what the shell reports could not be checked. "
            "The system call process_vm_readv must be allowed: in a container, with the capability SYS_PTRACE or a seccomp profile that has it"
        )


def _foreign(maps: str) -> str:
    """The first executable code in a process that is not of the system: a file's name, or `memory`."""
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        name = fields[5] if len(fields) > 5 else ""
        of_system = name.startswith(_SYSTEM) and not name.startswith(_WRITABLE)
        if "x" in fields[1] and not of_system and name.removesuffix(" (deleted)") not in _OURS:
            return name or "memory"
    return ""


@lru_cache(maxsize=8)
def counters_of(bash: Path) -> tuple[tuple[int, ...], bool]:
    """The addresses of bash's counters, and whether they are relative to where the program is loaded. Raises SandboxError.

    Read from the section `.dynsym` of a 64-bit ELF file (see elf(5)); those of other kinds run no sandbox.
    """
    data = bash.read_bytes()
    found = _symbols(data) if data.startswith(b"\x7fELF\x02") else {}
    if found.keys() >= set(_COUNTERS):
        return tuple(found[name] for name in _COUNTERS), struct.unpack_from("<H", data, 16)[0] == _ET_DYN
    raise SandboxError(
        f"bubblewrap: {bash} does not export its counters, as every bash with loadable builtins does, so what the agent's shell reports "
        "could not be checked; install your distribution's bash"
    )


def _symbols(data: bytes) -> dict[bytes, int]:
    """The dynamic symbols that are counters, with their addresses."""
    (sections,), (size, count) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 58)
    headers = [struct.unpack_from("<IIQQQQII", data, sections + size * number) for number in range(count)]
    found = {}
    for _, kind, _, _, start, length, link, _ in headers:
        for at in range(start, start + length, 24) if kind == _DYNSYM else ():
            name = headers[link][4] + struct.unpack_from("<I", data, at)[0]
            for counter in _COUNTERS:
                if data.startswith(counter + b"\0", name):
                    found[counter] = struct.unpack_from("<Q", data, at + 8)[0]
    return found


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
