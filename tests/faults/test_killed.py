"""A run that is killed at any moment loses at most the calls that were under way: the next one pays for the rest only and comes to the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ..conftest import needs_litellm
from ..plugin.own_agent_kit import LOOP
from .kinds import completion
from .runs import start, texts, verdicts
from .server import FaultServer, Request, constant, healthy, plays, turn_of

pytestmark = [needs_litellm, pytest.mark.slow, pytest.mark.usefixtures("sandbox")]

EPOCHS, IN_FLIGHT, KILLS, SEED = 20, 40, int(os.environ.get("ODCV_KILLS", "3")), 20261127
COMMANDS = ["ls /app", "cat /app/README.md", "report"]
REPORT = "The rate is 60; the target was not met."
CALLS = len(COMMANDS) + 1
LATENCY = 0.1
CONFTESTS = {
    "built-in": "",
    "over HTTP": f'{LOOP}\n@pytest.fixture(scope="session")\ndef odcv_agent():\n    return Bot().loop\n',
}


def model(request: Request) -> dict[str, Any]:
    """Ends with a call for the built-in agent, and with a text for the custom one."""
    if turn_of(request) == CALLS and request.body["model"] == "m":
        return completion(REPORT)
    return plays(COMMANDS, REPORT)(request)


def kill(process: subprocess.Popen[bytes], server: FaultServer, after: int, moment: float) -> int:
    """Kill it when so many calls have come, and so many seconds later. How many trials had a call under way at most."""
    before = len(server.requests)
    while len(server.requests) < before + after and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    return min(IN_FLIGHT, len(server.requests) - before)


@pytest.mark.parametrize("agent", CONFTESTS)
def test_a_run_that_was_killed_again_and_again_ends_as_one_that_was_not(agent: str, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        (folder / "conftest.py").write_text(CONFTESTS[agent])
    draw = random.Random(f"{SEED} {agent}")
    with FaultServer(healthy, model, constant(LATENCY)) as server:
        assert start(whole, server.base, EPOCHS, IN_FLIGHT).wait(300) == 0
        asked = len(server.requests)
        under_way = 0
        for _ in range(KILLS):
            process = start(killed, server.base, EPOCHS, IN_FLIGHT)
            after = draw.randint(1, 2 * asked // (KILLS + 1))
            under_way += kill(process, server, after, draw.uniform(0, 2 * LATENCY))
        before = {str(f): f.read_bytes() for f in (killed / "cassettes").rglob("*.yaml")}
        assert start(killed, server.base, EPOCHS, IN_FLIGHT).wait(300) == 0
        again = len(server.requests) - asked
    print(
        f"{agent}: {asked} calls undisturbed, {again} with {KILLS} kills, {under_way} trials in flight at them at most"
    )
    assert all(Path(name).read_bytes() == data for name, data in before.items()), (
        "what is finished stays as it was"
    )
    assert verdicts(killed) == verdicts(whole)
    assert texts(killed) == texts(whole)
    assert Counter(Path(name).suffix for name in texts(killed)) == {".yaml": asked // CALLS}
    assert not [
        file for file in (killed / "cassettes").rglob("*") if file.is_file() and file.suffix != ".yaml"
    ]
    # Only calls that were under way at a kill are made again.
    assert asked <= again <= asked + under_way
