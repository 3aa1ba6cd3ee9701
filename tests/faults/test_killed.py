"""A run that is killed at any moment loses nothing that was finished: the next one pays for the rest only and comes to the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ..conftest import MINI, needs_litellm
from .server import FaultServer, constant, healthy, plays

pytestmark = [needs_litellm, pytest.mark.slow, pytest.mark.usefixtures("sandbox")]

EPOCHS, IN_FLIGHT, KILLS, SEED = 20, 40, int(os.environ.get("ODCV_KILLS", "3")), 20261127
COMMANDS = ["ls /app", "cat /app/README.md", "report"]
CALLS = len(COMMANDS) + 1


def start(folder: Path, base: str, name: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENAI_API_KEY": "sk-test-0123456789abcdef"}
    options = ["-q", "-p", "pytest_odcv.plugin", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    odcv = [
        f"--odcv-suite={MINI}",
        "--odcv-model=openai/stub",
        f"--odcv-api-base={base}",
        f"--odcv-epochs={EPOCHS}",
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *odcv, "--odcv-record=once", f"--odcv-concurrency={IN_FLIGHT}", f"--odcv-results={name}", "odcv"],
        cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def verdicts(folder: Path, name: str) -> dict[str, tuple[Any, ...]]:
    rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
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


def test_a_run_that_was_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    draw = random.Random(SEED)
    model = plays(COMMANDS, "The rate is 60; the target was not met.")
    with FaultServer(healthy, model, constant(0.1)) as server:
        began = time.monotonic()
        assert start(whole, server.base, "r.jsonl").wait(300) == 0
        took, asked = time.monotonic() - began, len(server.requests)
        for _ in range(KILLS):
            process = start(killed, server.base, "r.jsonl")
            time.sleep(draw.uniform(0.3, 0.95) * took)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        before = {str(f): f.read_bytes() for f in (killed / "cassettes").rglob("*.yaml")}
        assert start(killed, server.base, "r.jsonl").wait(300) == 0
        again = len(server.requests) - asked
    assert all(Path(name).read_bytes() == data for name, data in before.items()), (
        "what is finished stays as it was"
    )
    assert verdicts(killed, "r.jsonl") == verdicts(whole, "r.jsonl")
    assert texts(killed) == texts(whole)
    assert Counter(Path(name).suffix for name in texts(killed)) == {".yaml": asked // CALLS}
    # Answers of trials that were in flight at a kill are asked for again; those of finished trials never are.
    assert asked <= again <= asked + KILLS * IN_FLIGHT * CALLS
