"""CPU and memory of whole commands, for the benchmarks beside it. Prints medians: machines are noisy, ratios are steadier."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Of one run of a command and its waited-for children: CPU and wall seconds, peak memory in MB of the largest process."""

    cpu: float
    wall: float
    memory: float
    exit: int


def run(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command with its output thrown away."""
    started = _now()
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=None if env is None else dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, _now() - started, usage.ru_maxrss / 1024, process.returncode)


def _now() -> float:
    import time

    return time.perf_counter()


def paired(
    commands: Mapping[str, tuple[Sequence[str | Path], Path, Mapping[str, str] | None]], rounds: int
) -> dict[str, list[Cost]]:
    """Run the commands in turn, `rounds` times after one warm-up, so that noise meets all of them alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, (command, cwd, env) in commands.items():
            cost = run(command, cwd, env)
            if number:
                costs[name].append(cost)
    return costs


def median(costs: Sequence[Cost], field: str) -> float:
    return statistics.median(getattr(cost, field) for cost in costs)


def table(costs: Mapping[str, Sequence[Cost]], unit_ms: bool = False) -> None:
    factor, unit = (1000, "ms") if unit_ms else (1, "s")
    print(f"{'':<44}{'CPU ' + unit:>10}{'wall ' + unit:>10}{'peak MB':>10}")
    for name, rows in costs.items():
        print(
            f"{name:<44}{median(rows, 'cpu') * factor:>10.2f}{median(rows, 'wall') * factor:>10.2f}{median(rows, 'memory'):>10.0f}"
        )
    bad = {name: rows[0].exit for name, rows in costs.items() if any(row.exit for row in rows)}
    if bad:
        sys.exit(f"these did not exit with 0: {bad}")
