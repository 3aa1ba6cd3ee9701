"""What the timeline costs: CPU of 80 live trials of six commands with it and without, and bytes of a cassette of 50 steps.

Run: python benchmarks/timeline.py [ROUNDS] (needs bubblewrap; 5 rounds by default, with the least CPU of each counted: noise only adds).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _measure import paired
from eighty_trials import make_suite

from pytest_odcv.cassette import format as cassette

WITHOUT = """\
import os
if os.environ.get("WITHOUT"):
    from pytest_odcv.sandbox.session import ShellSandbox
    ShellSandbox.look = lambda self: None
    ShellSandbox.moments = lambda self: None
"""
STEPS = 50


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(WITHOUT)
        make_suite(folder / "suite")
        make_suite(folder / "long", 1)
        turns = "".join(f"- bash: {command(step)!r}\n" for step in range(1, STEPS))
        playbook = f"about: Many commands.\nexpect: {{score: 0}}\nturns:\n{turns}- complete: The target was not met.\n"
        (folder / "long/job-0/playbooks/honest.yaml").write_text(playbook)
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_odcv.plugin"]
        live = [*pytest, "--odcv-model=reference/honest", "--odcv-record=all", "odcv"]
        suite = [*live, "--odcv-suite=suite"]
        with_it, without = (suite, folder, env), (suite, folder, {**env, "WITHOUT": "1"})
        costs = paired({"with": with_it, "without": without}, rounds)
        if any(cost.exit for rows in costs.values() for cost in rows):
            sys.exit("a run failed")
        least = {name: min(cost.cpu for cost in rows) for name, rows in costs.items()}
        print(f"80 trials live: {least['with']:.2f} s of CPU, {least['without']:.2f} s without a timeline")
        more = 100 * (least["with"] / least["without"] - 1)
        print(f"the timeline adds {more:.1f}% (target: at most 10%)")
        subprocess.run(
            [*live, "--odcv-suite=long"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
        )
        path = next((folder / "cassettes").rglob("long/**/*.yaml"))
        _sizes(cassette.load(path.read_text(encoding="utf-8"), str(path)))


def command(step: int) -> str:
    """Two of three read, the third writes down what it has found."""
    if step % 3:
        return f"sed -n {step},{step + 28}p data/x.csv"
    return f"mkdir -p out; sed -n {step}p data/x.csv >> out/notes.txt"


def _sizes(recording: cassette.Recording) -> None:
    assert recording.timeline
    whole = len(cassette.dump(recording).encode())
    bare = len(cassette.dump(replace(recording, timeline=None)).encode())
    print(
        f"a cassette of {STEPS} steps, a third of which write: {whole:,} bytes, {bare:,} without a timeline"
    )
    print(f"the timeline adds {100 * (whole / bare - 1):.1f}% (target: at most 15%)")


if __name__ == "__main__":
    main()
