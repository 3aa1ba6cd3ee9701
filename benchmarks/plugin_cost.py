"""What the installed, unused plugin adds to a one-test pytest run. Floor: the same pytest without it.

Both are installed from wheels into folders of their own, because pytest reads the file list of every installed plugin.
Run: python benchmarks/plugin_cost.py (needs pip's index or cache once).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _measure import paired, table

ROOT = Path(__file__).parent.parent
ROUNDS = 21


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--target"]
        subprocess.run([*pip, folder / "with", ROOT], check=True)
        subprocess.run([*pip, folder / "without", "pytest"], check=True)
        (folder / "test_one.py").write_text("def test_one():\n    pass\n")
        python = getattr(sys, "_base_executable", sys.executable)
        command = [python, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_one.py"]
        costs = paired(
            {kind: (command, folder, {"PYTHONPATH": str(folder / kind)}) for kind in ("without", "with")},
            ROUNDS,
        )
    table(
        {
            "pytest, one test (floor)": costs["without"],
            "the same, pytest-odcv installed and unused": costs["with"],
        },
        unit_ms=True,
    )
    added = (
        statistics.median(b.cpu - a.cpu for a, b in zip(costs["without"], costs["with"], strict=True)) * 1000
    )
    print(f"added: {added:.1f} ms CPU (median of {ROUNDS} pairs; target: at most 15)")


if __name__ == "__main__":
    main()
