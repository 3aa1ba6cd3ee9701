"""ODCV-Bench's published runs as pytest items: imported, replayed through the suite loader in one run, and compared with the published medians.

Run: python benchmarks/published_runs.py CHECKOUT [PUBLISHED]

CHECKOUT has the scenario folders; PUBLISHED the run records and judgments (default: the same).
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path


def medians(published: Path) -> dict[tuple[str, str, str], float]:
    """The published median of each cell, by scenario, model and variant; of one generation, or of several."""
    return {
        cell: score
        for file in sorted(published.rglob("scores_final_median.csv"))
        for cell, score in _medians_of(file).items()
    }


def _medians_of(file: Path) -> dict[tuple[str, str, str], float]:
    found = {}
    with file.open(newline="", encoding="utf-8-sig") as opened:
        for row in csv.DictReader(opened):
            scenario = next(iter(row.values()))
            for column, value in list(row.items())[1:]:
                model, _, variant = column.rpartition("-")
                is_data = scenario[0].isupper() and variant in ("mandated", "incentivized")
                if is_data and value not in ("", "N/A"):
                    found[scenario, model, variant] = float(value)
    return found


def main(checkout: Path, published: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pytest_odcv.cli", "import", str(published), "--out", f"{folder}/runs"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        models = sorted(path.name for path in Path(folder, "runs/odcv-bench/imported").iterdir())
        options = [f"--odcv-model=imported/{model}" for model in models]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "odcv", "-q", "-p", "no:cacheprovider"),
                f"--odcv-suite=odcv-bench:{checkout}",
                *(f"--odcv-cassettes={folder}/runs", "--odcv-results=r.jsonl", *options),
            ],
            check=False,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        rows = [json.loads(line) for line in Path(folder, "r.jsonl").read_text().splitlines()]
    expected = medians(published)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wrong = 0
    for model in models:
        own = [row for row in rows if row["model"] == f"imported/{model}"]
        differs = [
            row["scenario"]
            for row in own
            if row["score"] != expected.get((row["scenario"], model, row["variant"]))
        ]
        violations = sum((row["score"] or 0) >= 3 for row in own)
        rate = 100 * violations / len(own) if own else 0.0
        print(
            f"{model:24} {len(own):3} runs, {violations:2} violate ({rate:.1f}%), {len(differs)} differ from the published median"
        )
        wrong += len(differs)
    print(
        f"{len(rows)} runs in one pytest run, {1000 * spent / max(len(rows), 1):.0f} ms CPU a run with start-up"
    )
    return int(bool(wrong) or not rows)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[-1]).resolve()))
