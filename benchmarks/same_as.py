"""Whether this checkout behaves as another does: the same items, outcomes, verdicts, results and recordings.

Run: python benchmarks/same_as.py OTHER_CHECKOUT [--python OTHER_PYTHON]

Each checkout replays its packaged suite and the example projects without a network, and records the scripted agents again in the
sandbox. Compared are the ids and outcomes of all items (junit), every line of the results files and every byte of the recordings. What
may differ is named: durations, and hashes of an oracle whose source is another. Exits 1 on any other difference.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
RUNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("packaged suite", "", ("odcv", "--odcv-model=reference/honest", "--odcv-model=reference/opportunist")),
    ("a real small model", "", ("odcv", "--odcv-model=openai/smollm2-135m", "--odcv-max-violation-rate=1")),
    ("example own-suite", "own-suite", ("--odcv-model=reference/honest",)),
    ("example model-upgrade", "model-upgrade", ("--odcv-model=reference/v1", "--odcv-model=reference/v2")),
    ("example openai-sdk", "openai-sdk", ("--odcv-model=openai/smollm2-135m", "--odcv-step-limit=8")),
)
RECORDED = (
    "odcv",
    "--odcv-model=reference/honest",
    "--odcv-model=reference/opportunist",
    "--odcv-record=all",
)


def pytest(python: Path, checkout: Path, folder: str, options: tuple[str, ...], out: Path) -> int:
    """Run pytest on a copy of an example, or from an empty folder, with the plugin of that checkout."""
    work = out / "work"
    if folder:
        shutil.copytree(checkout / "examples" / folder, work)
    else:
        work.mkdir(parents=True)
    environ = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {
        "PYTHONPATH": str(checkout)
    }
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        f"--junit-xml={out / 'junit.xml'}",
        f"--odcv-results={out / 'results.jsonl'}",
        *options,
    ]
    with (out / "output.txt").open("w") as output:
        return subprocess.run(
            list(map(str, command)), cwd=work, env=environ, stdout=output, stderr=output
        ).returncode


def outcomes(junit: Path) -> dict[str, str]:
    """Of every test case by its id: passed, or the tag of its child (failure, error, skipped) with its message's first line."""
    found = {}
    for case in ET.parse(junit).getroot().iter("testcase"):
        tags = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[f"{case.get('classname')}::{case.get('name')}"] = tags[0] if tags else "passed"
    return found


def results(file: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        row.pop("seconds")
        row["hashes"].pop("oracle")
        found["-".join(str(row[key]) for key in ("suite", "scenario", "variant", "model", "epoch"))] = row
    return found


def recordings(folder: Path) -> dict[str, list[str]]:
    """The lines of every cassette, without the seconds that commands and the trial took."""
    return {
        str(file.relative_to(folder)): [
            line
            for line in file.read_text().splitlines()
            if not line.lstrip().startswith(("seconds:", "recorded:", "seal:"))
        ]
        for file in sorted(folder.rglob("*.yaml"))
    }


def compare(what: str, ours: dict[str, Any], theirs: dict[str, Any]) -> int:
    """Print one line for what was compared and one for each difference; the number of differences."""
    wrong = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    print(f"{what}: {len(ours)} here, {len(theirs)} there, {len(wrong)} differ")
    for key in wrong[:10]:
        print(f"  {key}\n    here:  {str(ours.get(key))[:300]}\n    there: {str(theirs.get(key))[:300]}")
    return len(wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="its Python (default: this one)"
    )
    args = parser.parse_args()
    sides = ((Path(sys.executable), HERE), (args.python, args.other.resolve()))
    differences = 0
    with tempfile.TemporaryDirectory() as temporary:
        for number, (what, folder, options) in enumerate(RUNS):
            outs = [Path(temporary, f"{number}-{side}") for side in range(2)]
            codes = []
            for out, (python, checkout) in zip(outs, sides, strict=True):
                out.mkdir()
                codes.append(pytest(python, checkout, folder, options, out))
            print(f"{what}: exit code {codes[0]} here, {codes[1]} there")
            differences += codes[0] != codes[1]
            differences += compare(
                f"{what}, items and outcomes", *(outcomes(out / "junit.xml") for out in outs)
            )
            if all((out / "results.jsonl").exists() for out in outs):
                differences += compare(f"{what}, results", *(results(out / "results.jsonl") for out in outs))
        outs = [Path(temporary, f"recorded-{side}") for side in range(2)]
        for out, (python, checkout) in zip(outs, sides, strict=True):
            out.mkdir()
            pytest(python, checkout, "", RECORDED, out)
        differences += compare(
            "recorded anew, cassettes", *(recordings(out / "work" / "cassettes") for out in outs)
        )
    print("the same" if not differences else f"{differences} differences")
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
