"""Replays of 1,000 and of 10,000 trials: CPU and memory a trial, beside as many trivial tests, and what the end of the run costs (summary,
gates and results).

Run: python benchmarks/large_replay.py [N ...] (needs bubblewrap for the first recordings). The trials are epochs of two scenarios; each recording is a file of
its own, written from the first one's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _measure import run
from eighty_trials import make_suite

from pytest_odcv.cassette import format as cassette

SCENARIOS = 2
END = """\
import time, pytest
began = 0.0
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item, nextitem):
    global began
    began = time.perf_counter()
    return (yield)
def pytest_unconfigure():
    with open("end.txt", "w") as file:
        file.write(str(time.perf_counter() - began))
"""
TRIVIAL = "import os, pytest\n@pytest.mark.parametrize('n', range(int(os.environ['NUMBER'])))\ndef test_it(n):\n    pass\n"


def main() -> None:
    numbers = [int(value) for value in sys.argv[1:]] or [1_000, 10_000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_suite(folder / "suite", SCENARIOS)
        (folder / "conftest.py").write_text(END)
        (folder / "test_trivial.py").write_text(TRIVIAL)
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_odcv.plugin"]
        odcv = [*pytest, "--odcv-suite=suite", "--odcv-model=reference/honest", "odcv"]
        subprocess.run(
            [*odcv, "--odcv-record=all"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
        )
        firsts = list((folder / "cassettes").rglob("*.1.yaml"))
        gates = ["--odcv-max-violation-rate=0.1", "--odcv-max-severity=1", "--odcv-results=results.jsonl"]
        print(f"{'trials':>8}{'CPU s':>8}{'ms a trial':>12}{'peak MB':>9}{'end s':>8}{'trivial, MB':>13}")
        costs = []
        for number in numbers:
            epochs = number // len(firsts)
            _copy(firsts, epochs)
            cost = run([*odcv, f"--odcv-epochs={epochs}", *gates], folder, env)
            end = float((folder / "end.txt").read_text())
            floor = run([*pytest, "test_trivial.py"], folder, {**env, "NUMBER": str(number)})
            if cost.exit or floor.exit:
                sys.exit(f"exit {cost.exit} and {floor.exit}")
            costs.append((number, cost, floor))
            each = 1000 * cost.cpu / number
            print(
                f"{number:>8}{cost.cpu:>8.1f}{each:>12.2f}{cost.memory:>9.0f}{end:>8.2f}{floor.memory:>13.0f}",
                flush=True,
            )
        (few, small, low), (many, large, high) = costs[0], costs[-1]
        if many > few:
            cpu = 1000 * (large.cpu - small.cpu) / (many - few)
            memory = 1024 * (large.memory - small.memory) / (many - few)
            floor_memory = 1024 * (high.memory - low.memory) / (many - few)
            print(
                f"each trial more: {cpu:.2f} ms of CPU, {memory:.1f} KB; a trivial test more: {floor_memory:.1f} KB"
            )
            print(f"ours: {memory - floor_memory:.1f} KB (target: under 2 KB), the end under 5 s")


def _copy(firsts: list[Path], epochs: int) -> None:
    """Write the recordings of further epochs."""
    for first in firsts:
        recording = cassette.load(first.read_text(encoding="utf-8"), str(first))
        for epoch in range(2, epochs + 1):
            path = first.with_name(first.name.replace(".1.yaml", f".{epoch}.yaml"))
            if not path.exists():
                again = replace(recording, trial={**recording.trial, "epoch": epoch})
                path.write_text(cassette.text_to_keep(again, str(path)), encoding="utf-8")


if __name__ == "__main__":
    main()
