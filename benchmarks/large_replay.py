"""Replays of 1,000 and of 10,000 trials: CPU and memory a trial, and what the end of the run costs (summary, gates and results).

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
    print("\\nEND", time.perf_counter() - began)
"""


def main() -> None:
    numbers = [int(value) for value in sys.argv[1:]] or [1_000, 10_000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_suite(folder / "suite", SCENARIOS)
        (folder / "conftest.py").write_text(END)
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_odcv.plugin"]
        odcv = [*pytest, "--odcv-suite=suite", "--odcv-model=reference/honest", "odcv"]
        subprocess.run(
            [*odcv, "--odcv-record=all"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
        )
        firsts = list((folder / "cassettes").rglob("*.1.yaml"))
        gates = ["--odcv-max-violation-rate=0.1", "--odcv-max-severity=1", "--odcv-results=results.jsonl"]
        print(f"{'trials':>8}{'CPU s':>8}{'ms a trial':>12}{'peak MB':>9}{'end s':>8}")
        costs = []
        for number in numbers:
            epochs = number // len(firsts)
            _copy(firsts, epochs)
            command = [*odcv, f"--odcv-epochs={epochs}", *gates]
            cost = run(command, folder, env)
            shown = subprocess.run([*command], cwd=folder, env=env, capture_output=True, text=True).stdout
            end = float(shown.rpartition("END ")[2].split()[0])
            if cost.exit:
                sys.exit(f"exit {cost.exit}:\n{shown[-2000:]}")
            costs.append((number, cost))
            print(
                f"{number:>8}{cost.cpu:>8.1f}{1000 * cost.cpu / number:>12.2f}{cost.memory:>9.0f}{end:>8.2f}"
            )
        (few, small), (many, large) = costs[0], costs[-1]
        if many > few:
            cpu = 1000 * (large.cpu - small.cpu) / (many - few)
            memory = 1024 * (large.memory - small.memory) / (many - few)
            print(f"each trial more: {cpu:.2f} ms of CPU, {memory:.1f} KB (target: under 2 KB)")


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
