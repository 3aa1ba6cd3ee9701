"""The bad day of `test_soak` for agents with a client of their own: one in this process over HTTP, and a program in the sandbox."""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import needs_litellm
from . import kit
from .kinds import completion
from .runs import start
from .server import FAULTS, FaultServer, Request, plays, turn_of

pytestmark = [needs_litellm, pytest.mark.slow, pytest.mark.usefixtures("sandbox")]

SHARE, SEED, TURNS = 0.05, 20261127, 4
REPORT = "The rate is 60; the target was not met."
ENDS = ("", "refusal", "text_call", "idle", "unwrapped_call", "other_tool", "half_a_pair")
"""What an agent that returned may have heard last: an answer of the model, be it a poor one."""

LOOP = '''
import json, os, subprocess, uuid
def turns(post, run, system, user):
    """Asks until there is no call, and once more after a failure. The id is not recorded and tells trials apart."""
    me, failures = uuid.uuid4().hex, 0
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    while True:
        try:
            message = (yield post, {"model": "m", "messages": messages, "user": me})["choices"][0]["message"]
            calls = message.get("tool_calls") or []
            wanted = [(call["id"], json.loads(call["function"]["arguments"])["command"]) for call in calls]
        except Exception:
            failures += 1
            if failures > 1:
                raise
            continue
        messages.append(message)
        if not calls:
            return message["content"]
        for number, command in wanted:
            messages.append({"role": "tool", "tool_call_id": number, "content": (yield run, command)})
'''
OVER_HTTP = (
    LOOP
    + """
import asyncio, httpx, pytest
async def bot(task, env):
    async with httpx.AsyncClient(timeout=12) as client:
        async def post(body):
            async with asyncio.timeout(15):
                answer = await client.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=body)
                answer.raise_for_status()
                return answer.json()
        async def run(command):
            return (await env.bash(command)).stdout
        work = turns(post, run, task.system_prompt, task.user_prompt)
        do, what = next(work)
        while True:
            try:
                found = await do(what)
            except Exception as error:
                step = lambda error=error: work.throw(error)
            else:
                step = lambda: work.send(found)
            try:
                do, what = step()
            except StopIteration as end:
                return end.value
@pytest.fixture(scope="session")
def odcv_agent():
    return bot
"""
)
PROGRAM = (
    LOOP
    + """
import sys, urllib.request
def post(body):
    headers = {"content-type": "application/json", "authorization": "Bearer x"}
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=15) as answer:
        return json.load(answer)
def run(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True).stdout
work = turns(post, run, *sys.argv[1:])
do, what = next(work)
while True:
    try:
        found = do(what)
    except Exception as error:
        step = lambda error=error: work.throw(error)
    else:
        step = lambda: work.send(found)
    try:
        do, what = step()
    except StopIteration as end:
        print(end.value)
        break
"""
)
IN_THE_SANDBOX = """
from pathlib import Path
import pytest
from pytest_odcv import CommandAgent
PROGRAM = Path(PATH)
@pytest.fixture(scope="session")
def odcv_agent():
    return CommandAgent(["/usr/bin/python3", str(PROGRAM), "{system_prompt}", "{user_prompt}"], programs=[PROGRAM], name="bot")
"""
AGENTS = {"over HTTP": (OVER_HTTP, 25), "in the sandbox": (IN_THE_SANDBOX, 12)}
"""The conftest.py, and epochs of the mini suite's four items."""


class Day:
    """Which trial meets what, and when. Trials are numbered as they first ask, and every third one cheats."""

    def __init__(self, trials: int) -> None:
        draw = random.Random(SEED)
        self.faults: dict[int, list[tuple[int, str, bool]]] = {number: [] for number in range(trials)}
        for name in (name for name in FAULTS if name != "drip"):
            for number in draw.sample(range(trials), max(1, int(trials * SHARE))):
                self.faults[number].append((draw.randint(1, TURNS), name, draw.random() < 0.5))
        self.seen: dict[int, list[str]] = {}
        self._numbers: dict[str, int] = {}
        self._spent: set[tuple[int, int]] = set()

    def number_of(self, request: Request) -> int:
        return self._numbers.setdefault(request.body["user"], len(self._numbers))

    def plan(self, request: Request) -> str | None:
        number, turn = self.number_of(request), turn_of(request)
        for place, (first, name, lasts) in enumerate(self.faults[number]):
            if turn >= first if lasts else turn == first and (number, place) not in self._spent:
                self._spent.add((number, place))
                self.seen.setdefault(number, []).append(name)
                return name
        self.seen.setdefault(number, []).append("")
        return None

    def model(self, request: Request) -> dict[str, Any]:
        number, turn = self.number_of(request), turn_of(request)
        if turn == TURNS:
            return completion(f"I am trial-{number}. {REPORT}")
        body = plays([kit.CHEAT if number % 3 == 0 else "ls", "ls", "ls"], REPORT)(request)
        body["choices"][0]["message"]["content"] = f"I am trial-{number}."
        return body


@pytest.fixture
def shared() -> Iterator[str]:
    """A folder that the sandbox's user can read, which a test's own may not be."""
    with tempfile.TemporaryDirectory(prefix="odcv-soak-") as name:
        Path(name).chmod(0o755)
        yield name


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]
    by_trial = {f"{row['scenario']}/{row['variant']}.{row['epoch']}": row for row in found}
    assert len(by_trial) == len(found), "a trial was counted twice"
    return by_trial


@pytest.mark.parametrize("agent", AGENTS)
def test_every_trial_of_a_bad_day_is_accounted_for_and_holds_its_own_traffic(
    agent: str, tmp_path: Path, shared: str
) -> None:
    conftest, epochs = AGENTS[agent]
    if agent == "in the sandbox" and not Path("/usr/bin/python3").exists():
        pytest.skip("needs /usr/bin/python3")
    program = Path(shared, "program.py")
    program.write_text(PROGRAM)
    (tmp_path / "conftest.py").write_text(conftest.replace("PATH", repr(str(program))))
    trials = 4 * epochs
    day = Day(trials)
    with FaultServer(day.plan, day.model) as server:
        start(tmp_path, server.base, epochs, 40, "all", (), "--odcv-http-ignore=user").wait(500)
    live = rows(tmp_path)
    assert len(live) == len(day.seen) == trials, "none is lost"
    found: Counter[int] = Counter()
    for trial, row in live.items():
        kept = [f for f in (tmp_path / "cassettes").rglob("*.yaml*") if f"/{trial}.yaml" in str(f)]
        numbers = {int(n) for file in kept for n in re.findall(r"trial-(\d+)", file.read_text())}
        assert len(kept) <= 1 and len(numbers) <= 1, "another's traffic"
        found.update(numbers)
        known = row["score"] is not None
        assert known or row["error"] or (row["reason"] and row["cause"]), row
        if numbers:
            (number,) = numbers
            last, cheated = day.seen[number][-1], number % 3 == 0
            assert not (known and row["score"] < 3) or (last in ENDS and not cheated), (
                number,
                day.seen[number],
                row,
            )
            # Noted at the end, after those that got over it, is a request that a program did not wait for: unknown, which is safe.
            given_up = row["ended"] == "faulted" and "did not wait" in row["cause"]
            assert known or last != "" or given_up, (number, day.seen[number], row)
        else:
            assert not known or row["ended"] == "refused", row
    assert set(found.values()) == {1}, "two recordings of one trial"
    ends = Counter(row["ended"] for row in live.values())
    print(
        f"{agent}: {trials} trials, {sum(map(len, day.seen.values()))} requests: {dict(ends)}",
        file=sys.stderr,
    )
    assert ends["completed"] and ends["error"] + ends["faulted"]
    start(tmp_path, "http://127.0.0.1:9/v1", epochs, 1, "none", (), "--odcv-http-ignore=user").wait(500)
    again, same = rows(tmp_path), ("score", "ended", "steps")
    recorded = [trial for trial in live if list((tmp_path / "cassettes").rglob(f"{trial}.yaml"))]
    assert recorded
    assert [[again[t][k] for k in same] for t in recorded] == [[live[t][k] for k in same] for t in recorded]
