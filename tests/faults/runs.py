"""Runs of pytest in a process of their own against a model server, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..conftest import MINI


def start(
    folder: Path,
    base: str,
    epochs: int,
    in_flight: int,
    record: str = "once",
    inside: Sequence[str] = (),
    *more: str,
) -> subprocess.Popen[bytes]:
    """A run of the mini suite in `folder`, with its results in r.jsonl and its output in out.txt there. `inside` goes before the command, `more` are
    options."""
    env = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "OPENAI_API_KEY": "sk-test-0123456789abcdef",
        "OPENAI_BASE_URL": base,
    }
    options = ["-q", "-p", "pytest_odcv.plugin", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    odcv = [
        f"--odcv-suite={MINI}",
        "--odcv-model=openai/stub",
        f"--odcv-api-base={base}",
        f"--odcv-epochs={epochs}",
    ]
    command = [*inside, sys.executable, "-m", "pytest", *options, *odcv, f"--odcv-record={record}"]
    command += [f"--odcv-concurrency={in_flight}", "--odcv-results=r.jsonl", *more, "odcv"]
    with (folder / "out.txt").open("wb") as out:
        return subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT)


def verdicts(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Score, ending and steps of each trial of the last run."""
    rows = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    found = {
        f"{r['scenario']}-{r['variant']}-{r['epoch']}": (r["score"], r["ended"], r["steps"]) for r in rows
    }
    assert len(found) == len(rows), "a trial was counted twice"
    return found


def texts(folder: Path) -> dict[str, str]:
    """The recordings without what no two runs have in common: times, and the seal over them."""
    found = {}
    for file in sorted((folder / "cassettes").rglob("*.yaml")):
        lines = file.read_text().splitlines()
        kept = [
            line
            for line in lines
            if not line.lstrip("- ").startswith(("seconds:", "recorded:", "seal:", "sealed:"))
        ]
        found[str(file.relative_to(folder))] = "\n".join(kept)
    return found
