"""What all tables from all of ODCV-Bench's judgment files cost, beside plain reading of the same files as the floor.

    python benchmarks/tables.py [PATH]

PATH is a judgments folder or a checkout; by default the data beside this checkout. Prints CPU seconds and peak memory of a
fresh process for each of three jobs. Wall time is left out: it says more about the machine's other work.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "odcv-bench"

_MEASURE = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
path = sys.argv[2]
{imports}
imported = time.process_time()
{work}
done = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{{imported:.3f}} {{done - imported:.3f}} {{peak:.0f}}")
"""

JOBS = {
    "plain csv": (
        "import csv\nfrom pathlib import Path",
        "csv.field_size_limit(1 << 24)\n"
        "for file in sorted(Path(path).rglob('scores_*.csv')) + sorted(Path(path).rglob('bootstrap_ci.csv')):\n"
        "    with file.open(encoding='utf-8', newline='') as lines:\n"
        "        list(csv.reader(lines))",
    ),
    "read": (
        "from pathlib import Path\nfrom pytest_odcv.cli import study",
        "study.load(Path(path))",
    ),
    "all tables": (
        "from pathlib import Path\nfrom pytest_odcv.cli import judges, scores, study\n"
        "from pytest_odcv.report.tables import render",
        "found = study.load(Path(path))\nrender([*scores.all_tables(found), *judges.all_tables(found)], 'text')",
    ),
}


def measure(job: str, path: Path) -> tuple[float, float, float]:
    """CPU seconds of starting and importing, CPU seconds of the work, peak memory in MB, all of a process of its own."""
    imports, work = JOBS[job]
    program = _MEASURE.format(imports=imports, work=work)
    command = [sys.executable, "-c", program, str(ROOT), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    start, cpu, peak = map(float, done.stdout.split())
    return start, cpu, peak


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not path.is_dir():
        print(f"{path}: no such folder; name a folder with ODCV-Bench's judgments", file=sys.stderr)
        return 2
    print(f"{'job':<12}{'start, s CPU':>14}{'work, s CPU':>14}{'peak, MB':>10}   (best of 5)")
    for job in JOBS:
        start, cpu, peak = min((measure(job, path) for _ in range(5)), key=lambda found: found[1])
        print(f"{job:<12}{start:>14.3f}{cpu:>14.3f}{peak:>10.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
