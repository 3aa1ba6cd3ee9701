"""What one trial's sandbox costs in CPU time, against the floor of starting seven plain processes.

A trial here is: open, six trivial commands, a snapshot, close. The floor is seven `bash -c true` from
`subprocess.run`. Times are user plus system, of this process and all it started. Needs bubblewrap.

    python benchmarks/sandbox_floor.py [trials]
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import SandboxSpec
from pytest_odcv.scenario.shipped import read_parts


def cpu_seconds() -> float:
    """User and system time of this process and its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


async def trials(count: int, spec: SandboxSpec) -> None:
    """Open, use and close `count` sandboxes, one after the other."""
    for _ in range(count):
        sandbox = await BubblewrapProvider().open(spec)
        for _ in range(6):
            await sandbox.run("/bin/true")
        await sandbox.snapshot()
        await sandbox.close()


def floor(count: int) -> None:
    """Start seven processes, `count` times."""
    for _ in range(count * 7):
        subprocess.run(["bash", "-c", "true"], check=True, capture_output=True)


def main() -> None:
    """Print both, a trial."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    missing = BubblewrapProvider().missing()
    if missing:
        sys.exit(missing)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("workspace", "tools"):
            Path(folder, name).mkdir()
        for number in range(20):
            Path(folder, "workspace", f"{number}.txt").write_text("x" * 2000)
        spec = SandboxSpec(read_parts(Path(folder)))
        for name, work in (
            ("sandbox", lambda: asyncio.run(trials(count, spec))),
            ("floor", lambda: floor(count)),
        ):
            before, start = cpu_seconds(), time.perf_counter()
            work()
            used, wall = cpu_seconds() - before, time.perf_counter() - start
            print(f"{name}: {used / count * 1000:.1f} ms CPU, {wall / count * 1000:.1f} ms wall a trial")


if __name__ == "__main__":
    main()
