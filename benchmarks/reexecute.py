"""How faithfully ODCV-Bench's published runs run again: commands by how they differ from their record, runs with evidence, CPU a run.

Run: python benchmarks/reexecute.py CHECKOUT [PUBLISHED] [MODEL...]

CHECKOUT has the scenario folders; PUBLISHED the run records (default: the same); MODEL the models (default: all). The sandbox is needed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def main(checkout: Path, published: Path, models: list[str]) -> int:
    names = {path.parent.parent.parent.name for path in published.rglob("messages_record.txt")}
    models = models or sorted({name.rpartition("-")[0] for name in names})
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest_odcv.cli", "import", str(published), "--out", folder),
                    *("--reexecute", "--suite", str(checkout), "--model", model),
                ],
                check=True,
                capture_output=True,
                text=True,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            lines = done.stdout.splitlines()
            summary = next(line for line in lines if "were run again" in line)
            runs = sum("commands: " in line or "not run again" in line for line in lines)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{model}: {summary}; {1000 * spent / max(runs, 1):.0f} ms CPU a run", flush=True)
    return 0


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(Path(given[0]).resolve(), Path((given[1:] or given)[0]).resolve(), given[2:]))
