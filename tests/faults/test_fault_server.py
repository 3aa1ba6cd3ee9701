"""The server itself: the same day again for the same seed, and each fault as it says on the wire."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator

import httpx
import pytest

from .kinds import FAULTS
from .server import (
    FaultServer,
    Request,
    always,
    constant,
    healthy,
    long_tailed,
    once,
    share,
    turn_of,
    uniform,
    works,
)


def asks(said: list[str] | None = None, user: str = "go") -> dict[str, object]:
    """A request in which the model has answered so before."""
    messages = [{"role": "user", "content": user}]
    messages += [{"role": "assistant", "content": text} for text in said or ()]
    return {"model": "m", "messages": messages}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=0.5) as made:
        yield made


def test_a_good_day_answers_in_openais_shape_and_counts_requests(client: httpx.Client) -> None:
    with FaultServer(healthy, works(1)) as server:
        url = f"{server.base}/chat/completions"
        bodies = [client.post(url, json=asks(said)).json() for said in ([], ["ran it"])]
    calls = [body["choices"][0]["message"]["tool_calls"][0]["function"]["name"] for body in bodies]
    assert calls == ["bash", "task_complete"]
    assert [turn_of(request) for request in server.requests] == [1, 2]
    assert server.met == {"": 2}


def test_always_and_once_go_by_the_turn_of_each_conversation(client: httpx.Client) -> None:
    def statuses(plan: object) -> list[int]:
        with FaultServer(plan) as server:  # type: ignore[arg-type]
            url = f"{server.base}/chat/completions"
            sent = [asks(), asks(["a"]), asks(["a"]), asks(user="b")]
            return [client.post(url, json=body).status_code for body in sent]

    assert statuses(always("failed", after=1)) == [200, 500, 500, 200]
    assert statuses(once("failed", turn=2)) == [200, 500, 200, 200]


def test_shares_are_kept_and_the_same_for_a_seed() -> None:
    names = ("failed", "busy", "filter")

    def drawn(seed: int) -> list[str | None]:
        plan = share(0.05, names, seed)
        return [plan(Request(n, "/", {}, asks(user=str(n)))) for n in range(4000)]

    first = drawn(1)
    assert first == drawn(1) != drawn(2)
    assert all(0.035 < first.count(name) / 4000 < 0.065 for name in names)


def test_latencies_have_the_distribution_that_they_say() -> None:
    draw = random.Random(1)
    assert {constant(0.2)(draw) for _ in range(9)} == {0.2}
    assert all(0.1 <= uniform(0.1, 0.3)(draw) <= 0.3 for _ in range(99))
    tail = [long_tailed(0.2, most=5)(draw) for _ in range(4001)]
    assert 0.18 < statistics.median(tail) < 0.22 and max(tail) <= 5 and statistics.mean(tail) > 0.25


@pytest.mark.parametrize("name", ["reset", "reset_in_mid_body"])
def test_a_reset_breaks_the_connection(name: str, client: httpx.Client) -> None:
    with FaultServer(always(name)) as server, pytest.raises(httpx.TransportError):
        client.post(server.base, json=asks())


def test_a_hanging_server_sends_nothing(client: httpx.Client) -> None:
    with FaultServer(always("hang")) as server, pytest.raises(httpx.TimeoutException):
        client.post(server.base, json=asks())


def test_a_dripping_server_sends_one_byte_at_a_time(client: httpx.Client) -> None:
    with FaultServer(always("drip")) as server, client.stream("POST", server.base, json=asks()) as answer:
        assert [len(part) for part, _ in zip(answer.iter_raw(), range(5), strict=False)] == [1] * 5


@pytest.mark.parametrize(
    "name", [n for n in FAULTS if n not in ("reset", "reset_in_mid_body", "hang", "drip")]
)
def test_every_other_fault_is_a_whole_http_answer(name: str, client: httpx.Client) -> None:
    with FaultServer(always(name)) as server:
        answer = client.post(server.base, json={**asks(), "temperature": 0})
    assert server.met == {name: 1}
    assert answer.status_code in (200, 400, 401, 403, 404, 429, 500, 502, 529)
