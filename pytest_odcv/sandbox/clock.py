"""A clock at a given date for a sandbox: a small library that every program inside loads, compiled here from `clock.c` when it is first needed.

The clock goes on from the date. Programs that are linked statically, or that ask the kernel without the C library, see the machine's own time.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from .reachable import reachable_folder

LIBRARY: Final = "/run/clock.so"
"""Where it is inside: on a file system that nothing there can write to."""
PRELOAD: Final = "/etc/ld.so.preload"
"""What the dynamic linker reads for each program, whatever its environment."""

_SOURCE: Final = Path(__file__).with_name("clock.c")
_MARK: Final = struct.pack("<qq", 0x6F646376636C6F63, 0x6B63366E616E6F73)
"""The value of `moved_by` in the source."""
_FLAGS: Final = (
    *("-O2", "-fPIC", "-shared", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-w"),
    *("-Wl,-s", "-Wl,--hash-style=both", "-Wl,-soname,clock.so"),
)
_SECONDS: Final = 120.0
_REMEDY: Final = "install a C compiler (gcc or clang), or the one of pip install 'pytest-odcv[clock]'"
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?Z?)?")
_NOON: Final = "12:00"
YEARS: Final = range(1990, 2100)


def read(text: str) -> datetime:
    """The moment that `2026-04-07`, `2026-04-07T14:30` or `2026-04-07T14:30:05Z` names, in UTC; of a date alone its noon.

    Raises ValueError that says what was expected.
    """
    match = _DATE.fullmatch(text)
    if match is not None:
        day, minute, second = match.groups()
        try:
            found = datetime.fromisoformat(f"{day}T{minute or _NOON}{second or ':00'}+00:00")
        except ValueError:
            found = None
        if found is not None and found.year in YEARS:
            return found
    raise ValueError(
        f"expected a date or a moment in UTC, 2026-04-07 or 2026-04-07T14:30:00Z, of the years {YEARS[0]} to {YEARS[-1]}, found {text!r}"
    )


def spelled(moment: datetime) -> str:
    """As recordings and messages have it: `2026-04-07T14:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def named(value: object) -> str:
    """The same moment `spelled`, of a text, or of a date as YAML and TOML make one. Raises ValueError that says what was expected."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return spelled(value)
    return spelled(read(value.isoformat() if isinstance(value, date) else str(value)))


class SandboxClock:
    """The clock of one sandbox: a library on the host, which is mounted read-only inside."""

    def __init__(self, moment: datetime) -> None:
        """A clock that stands at `moment` now. Raises SandboxError where none can be made."""
        found = _compiled()
        if isinstance(found, str):
            raise SandboxError(found)
        self._place = found.index(_MARK)
        self._folder = Path(tempfile.mkdtemp(prefix="odcv-clock-", dir=reachable_folder()))
        self.path = self._folder / "clock.so"
        try:
            self._folder.chmod(0o755)
            self.path.write_bytes(found)
            self.set(moment)
            self.path.chmod(0o644)  # Whoever made it puts it later; inside it is mounted read-only.
        except BaseException:
            self.close()
            raise

    def set(self, moment: datetime) -> None:
        """Put it to `moment`; dates of files move along. Raises OSError."""
        seconds, nanoseconds = divmod(round(moment.timestamp() * 1e6) * 1000 - time.time_ns(), 10**9)
        with self.path.open("r+b", buffering=0) as file:
            file.seek(self._place)
            file.write(struct.pack("<qq", seconds, nanoseconds))

    def close(self) -> None:
        """Remove it from the host. Sandboxes that have it keep it."""
        shutil.rmtree(self._folder, ignore_errors=True)


def missing() -> str | None:
    """None when a clock can be made here (tried once a process); else one sentence with the reason and the remedy."""
    found = _compiled()
    return found if isinstance(found, str) else None


@cache
def _compiled() -> bytes | str:
    """The library, or why there is none."""
    commands = _compilers()
    if not commands:
        return f"a clock at a given date needs a C compiler, and there is none; {_REMEDY}"
    said = ""
    for command in commands:
        with tempfile.TemporaryDirectory(prefix="odcv-clock-") as folder:
            made = Path(folder, "clock.so")
            said = _compile([*command, *_FLAGS, "-o", str(made), str(_SOURCE)])
            if not said:
                data = made.read_bytes()
                if data.count(_MARK) == 1:
                    return data
                said = f"in the file that it made {data.count(_MARK)} places are the clock's, not 1"
    return f"the clock of a sandbox could not be compiled with {' '.join(commands[-1])}: {said}; {_REMEDY}"


def _compilers() -> list[list[str]]:
    found = [[path] for path in map(shutil.which, ("cc", "gcc", "clang")) if path is not None]
    if importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


def _compile(command: Sequence[str]) -> str:
    """Why it did not work; empty where it did."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr.strip()[-300:] or f"exit status {done.returncode}")
