"""CPU of a replayed request, beside vcrpy's own matcher (method, path and body) over the same recorded interactions.

Two cases: 1,000 independent short requests, as a judge or a batch agent makes them, and one conversation of 200 requests that
each hold the history so far. Both recordings are real ones, made over the loopback and read back from their files. The client
is httpx; the floor is httpx alone, with a transport that answers at once. vcrpy's cost of a request grows with its place in the
file and is the same whatever was played before, so a spread of places is measured instead of all.
Prints medians of the process's CPU time, and what ours takes for a kilobyte of request early and late in the conversation; exits
with 1 when a target is missed.

Run: python benchmarks/http_replay.py (needs vcrpy and httpx).
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import vcr
from http_cassette import answer, output, words

from pytest_odcv.cassette.format import Recording
from pytest_odcv.cassette.store import Store
from pytest_odcv.http import current
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import Exchange
from pytest_odcv.http.offline import no_network
from pytest_odcv.http.patch import patched
from pytest_odcv.http.tape import HttpTape
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.trajectory import Journal, Trajectory
from tests.http.model_server import ModelServer, ScriptedTurn

SHORT = 1000
LONG = 200
PLACES = {"short": 15, "long": 5}
"""How many of vcrpy's requests are measured: it takes up to seconds for one."""
FASTER = {"short": 20, "long": 20}
"""The targets: how many times less CPU than vcrpy's matcher, at least, floor included."""
STEADY = 1.5
"""The target for the conversation: CPU for a kilobyte of request in its last tenth against that at its middle, at most."""
MATCH = ["method", "path", "body"]
Bodies = Sequence[dict[str, Any]]

TRIAL = {"suite": "s", "scenario": "a", "variant": "mandated", "model": "m", "epoch": 1}
MADE_WITH = {"prompts": "p", "environment": "e", "agent": "a", "sandbox": "none"}


def short_requests() -> Bodies:
    system = {"role": "system", "content": words("judge", 400)}
    return [
        {"model": "m", "messages": [system, {"role": "user", "content": words(f"case {number}", 200)}]}
        for number in range(SHORT)
    ]


def conversation() -> Bodies:
    """Requests of a chat agent, each with all messages before it."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": words("system", 900)},
        {"role": "user", "content": words("task", 900)},
    ]
    bodies = []
    for step in range(LONG):
        bodies.append({"model": "m", "messages": list(messages)})
        turn = answer(step, False)
        arguments = json.dumps(turn.calls[0][1])
        call = {
            "id": f"call_{step + 1}",
            "type": "function",
            "function": {"name": "bash", "arguments": arguments},
        }
        messages.append({"role": "assistant", "content": turn.text, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": output(arguments)})
    return bodies


def serve(long: bool) -> ModelServer:
    return ModelServer(
        lambda body, step: (
            answer(step, False) if long else ScriptedTurn(words(body["messages"][-1]["content"], 120))
        )
    )


# --- what is measured ------------------------------------------------------------------------------------------------


def post(client: httpx.Client, url: str, body: Any) -> Any:
    return client.post(url, json=body).raise_for_status().json()


def each(client: httpx.Client, url: str, bodies: Bodies) -> list[float]:
    """CPU seconds of every request."""
    costs = []
    for body in bodies:
        before = time.process_time()
        post(client, url, body)
        costs.append(time.process_time() - before)
    return costs


def floor(url: str, bodies: Bodies, answers: Sequence[Any]) -> list[float]:
    left = iter([json.dumps(value).encode() for value in answers])
    headers = {"content-type": "application/json"}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, content=next(left)))
    with httpx.Client(transport=transport) as client:
        return each(client, url, bodies)


@contextmanager
def taped(recorded: Sequence[Exchange] = (), place: str | None = None) -> Iterator[tuple[Journal, HttpTape]]:
    """As a trial has it: each exchange is noted and understood as a turn."""
    journal = Journal()

    def note(exchange: Exchange) -> int:
        journal.exchanged(exchange)
        return journal.turns

    tape = HttpTape(Canonical(Redactor(environ={})), note, recorded, place)
    with patched(), current.use(tape):
        yield journal, tape


def record_ours(store: Store, file: Path, url: str, bodies: Bodies) -> None:
    with taped() as (journal, _), httpx.Client() as client:
        each(client, url, bodies)
    store.save(file, Recording(TRIAL, MADE_WITH, Trajectory(tuple(journal.events)), []))


def replay_ours(
    store: Store, file: Path, url: str, bodies: Bodies, times: int
) -> tuple[list[float], list[Any]]:
    """The least CPU seconds of each request in some replays, and the recorded answers."""
    recording = store.load(file)
    assert recording is not None
    exchanges = recording.trajectory.exchanges
    rounds = []
    for _ in range(times):
        with taped(exchanges, "file.yaml") as (_, tape), no_network(), httpx.Client() as client:
            rounds.append(each(client, url, bodies))
            tape.finish()
    return [min(costs) for costs in zip(*rounds, strict=True)], [e.response for e in exchanges]


def record_vcrpy(file: Path, url: str, bodies: Bodies) -> None:
    """Matching on the path alone, which makes the same file and no comparisons of bodies."""
    with vcr.use_cassette(str(file), match_on=["path"]), httpx.Client() as client:
        each(client, url, bodies)


def replay_vcrpy(file: Path, url: str, bodies: Bodies, places: Sequence[int]) -> list[float]:
    with (
        vcr.use_cassette(str(file), match_on=MATCH, record_mode="none") as cassette,
        httpx.Client() as client,
    ):
        if len(cassette) != len(bodies):
            sys.exit(f"vcrpy recorded {len(cassette)} of {len(bodies)} requests")
        return each(client, url, [bodies[place] for place in places])


def spread(count: int, of: int) -> list[int]:
    """Places in the middle of `count` equal parts."""
    return [of * (2 * number + 1) // (2 * count) for number in range(count)]


# --- the two cases ---------------------------------------------------------------------------------------------------


def case(name: str, bodies: Bodies, folder: Path) -> tuple[list[float], float]:
    """Ours for each request, and how many times more vcrpy takes."""
    store, ours_file, vcr_file = Store(folder), Path(f"{name}.yaml"), folder / f"{name}.vcr.yaml"
    with serve(name == "long") as server:
        url = f"{server.base}/chat/completions"
        record_ours(store, ours_file, url, bodies)
        record_vcrpy(vcr_file, url, bodies)
    ours, answers = replay_ours(store, ours_file, url, bodies, 3)
    bare = floor(url, bodies, answers)
    places = spread(PLACES[name], len(bodies))
    theirs = replay_vcrpy(vcr_file, url, bodies, places)
    times = statistics.median(theirs) / statistics.median(ours[place] for place in places)
    line = "".join(f"{statistics.median(costs) * 1000:>13.3f}" for costs in (bare, ours, theirs))
    title = (
        f"{len(bodies):,} short requests" if name == "short" else f"a conversation of {len(bodies)} requests"
    )
    print(f"{title:<34}{line}{times:>9,.0f}", flush=True)
    return ours, times


def rate(costs: Sequence[float], bodies: Bodies, part: slice) -> float:
    """CPU microseconds for a kilobyte of request, median over a part of the conversation."""
    sizes = [len(json.dumps(body)) / 1000 for body in bodies[part]]
    return statistics.median(cost / size for cost, size in zip(costs[part], sizes, strict=True)) * 1e6


def main() -> int:
    failed = []
    cases: dict[str, Callable[[], Bodies]] = {"short": short_requests, "long": conversation}
    print(f"{'CPU ms a request, medians':<34}{'httpx':>13}{'ours':>13}{'vcrpy':>13}{'times':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in cases.items():
            bodies = make()
            ours, times = case(name, bodies, Path(folder))
            if times < FASTER[name]:
                failed.append(f"{name}: {times:.1f} times less CPU than vcrpy; target {FASTER[name]}")
    middle, late = (rate(ours, bodies, part) for part in (slice(90, 110), slice(180, 200)))
    print(f"ours in the conversation: {middle:.1f} us/kB at its middle, {late:.1f} us/kB at its end")
    if late > STEADY * middle:
        failed.append(f"ours grows faster than the requests: {late / middle:.2f} times; target {STEADY}")
    print("missed:\n" + "\n".join(failed) if failed else "all targets met")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
