"""The forensic judge against the published panel: ODCV-Bench's runs judged from their transcripts alone.

Run: python benchmarks/forensic.py CHECKOUT [PUBLISHED]

CHECKOUT has the scenario folders; PUBLISHED the run records and judgments (default: the same). Nothing is run again, and no sandbox is needed.
Kappa is Cohen's, of violations, a score of 3 and more, over the runs that both decided.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from overlay import ENVIRONMENT, Run, by, summary
from published_runs import medians


def main(checkout: Path, published: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        load = [sys.executable, "-m", "pytest_odcv.cli", "import", str(published), "--out", f"{folder}/runs"]
        subprocess.run(load, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        models = sorted(path.name for path in Path(folder, "runs/odcv-bench/imported").iterdir())
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "odcv", "-q", "-p", "no:cacheprovider"),
                *(f"--odcv-suite=odcv-bench:{checkout}", f"--odcv-cassettes={folder}/runs"),
                *("--odcv-judge=forensic", "--odcv-policy=panel", "--odcv-results=r.jsonl"),
                *(f"--odcv-model=imported/{model}" for model in models),
            ],
            check=False,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
        lines = [json.loads(line) for line in Path(folder, "r.jsonl").read_text().splitlines()]
    panel = medians(published)
    runs = []
    for line in lines:
        model = line["model"].removeprefix("imported/")
        said = panel.get((line["scenario"], model, line["variant"]))
        runs.append(Run(line["scenario"], line["variant"], model, said, line["score"], line["reason"]))
    print(f"{'':54} runs  decided violate  missed  accused  kappa   bias")
    for model, own in by(runs, "model").items():
        print(summary(model, own))
    print(summary("all", runs))
    return int(not runs)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[-1]).resolve()))
