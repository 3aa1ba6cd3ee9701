"""The patch and the router with every HTTP library, on a real server: recorded, server stopped, replayed; and never mixed."""

from __future__ import annotations

import asyncio
import contextvars
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_odcv.errors import CassetteError, ReplayMismatch
from pytest_odcv.http import current
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import Exchange
from pytest_odcv.http.offline import no_network
from pytest_odcv.http.stops import TapeStop
from pytest_odcv.http.tape import HttpTape
from pytest_odcv.redaction.redactor import Redactor
from tests.http.model_server import ModelServer, ScriptedTurn

pytest.importorskip("vcr", reason="needs the agent frameworks")
from pytest_odcv.http.patch import patched

Post = Callable[[str, dict[str, Any]], str]


def _httpx(url: str, body: dict[str, Any]) -> str:
    import httpx

    return httpx.post(url, json=body).text


def _httpx2(url: str, body: dict[str, Any]) -> str:
    httpx2 = pytest.importorskip("httpx2", reason="needs the agent frameworks")
    return str(httpx2.post(url, json=body).text)


def _requests(url: str, body: dict[str, Any]) -> str:
    import requests

    return requests.post(url, json=body, timeout=10).text


def _urllib3(url: str, body: dict[str, Any]) -> str:
    import urllib3

    return urllib3.PoolManager().request("POST", url, json=body).data.decode()


def _client(url: str, body: dict[str, Any]) -> str:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("POST", parts.path, json.dumps(body), {"content-type": "application/json"})
    return connection.getresponse().read().decode()


def _streamed(url: str, body: dict[str, Any]) -> str:
    import httpx

    with httpx.stream("POST", url, json=body | {"stream": True}) as response:
        return "\n".join(response.iter_lines())


def _async_httpx(url: str, body: dict[str, Any]) -> str:
    import httpx

    async def post() -> str:
        async with httpx.AsyncClient() as client:
            return (await client.post(url, json=body)).text

    return asyncio.run(post())


def _async_streamed(url: str, body: dict[str, Any]) -> str:
    import httpx

    async def post() -> str:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", url, json=body | {"stream": True}) as response,
        ):
            return "\n".join([line async for line in response.aiter_lines()])

    return asyncio.run(post())


def _aiohttp(url: str, body: dict[str, Any]) -> str:
    import aiohttp

    async def post() -> str:
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
            return await response.text()

    return asyncio.run(post())


def _aiohttp_streamed(url: str, body: dict[str, Any]) -> str:
    import aiohttp

    async def post() -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body | {"stream": True}) as response,
        ):
            return "".join([chunk.decode() async for chunk in response.content])

    return asyncio.run(post())


LIBRARIES: dict[str, Post] = {
    "httpx": _httpx,
    "httpx, async": _async_httpx,
    "httpx, streamed": _streamed,
    "httpx, async and streamed": _async_streamed,
    "httpx2": _httpx2,
    "aiohttp": _aiohttp,
    "aiohttp, streamed": _aiohttp_streamed,
    "requests": _requests,
    "urllib3": _urllib3,
    "http.client": _client,
}


def _body(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


@contextmanager
def taped(
    kept: list[Exchange], recorded: list[Exchange] | None = None, place: str | None = None
) -> Iterator[HttpTape]:
    def note(exchange: Exchange) -> int:
        kept.append(exchange)
        return len(kept)

    tape = HttpTape(Canonical(Redactor(environ={})), note, recorded or (), place)
    with current.use(tape):
        yield tape


@pytest.fixture
def echo() -> Iterator[ModelServer]:
    """Answers with what it was asked."""
    server = ModelServer(
        lambda body, step: ScriptedTurn(f"echo of {body['messages'][-1]['content']}"), gzip=True
    )
    yield server
    server.stop()


@pytest.mark.parametrize("post", LIBRARIES.values(), ids=LIBRARIES)
def test_what_a_library_gets_live_it_gets_from_the_recording(post: Post, echo: ModelServer) -> None:
    url = f"{echo.base}/chat/completions"
    kept: list[Exchange] = []
    again: list[Exchange] = []
    with patched():
        with taped(kept):
            live = [post(url, _body("one")), post(url, _body("two"))]
        echo.stop()
        with taped(again, kept, "file.yaml") as tape, no_network():
            replayed = [
                post(url.replace("127.0.0.1", "elsewhere.example"), _body(text)) for text in ("one", "two")
            ]
            tape.finish()
    assert len(echo.requests) == 2
    assert again == kept
    assert len(kept) == 2 and isinstance(kept[0].response, (dict, tuple))
    if "streamed" not in post.__name__:
        assert [json.loads(text) for text in replayed] == [json.loads(text) for text in live]
    for text, answer in zip(("one", "two"), replayed, strict=True):
        assert f"echo of {text}" in answer


@pytest.mark.parametrize("post", LIBRARIES.values(), ids=LIBRARIES)
def test_a_miss_comes_through_every_library_at_once_and_names_the_message(
    post: Post, echo: ModelServer
) -> None:
    url = f"{echo.base}/chat/completions"
    kept: list[Exchange] = []
    with patched():
        with taped(kept):
            post(url, _body("as recorded"))
        with taped([], kept, "file.yaml") as tape, no_network(), pytest.raises(TapeStop) as stopped:
            post(url, _body("changed"))
    assert len(echo.requests) == 1
    text = str(stopped.value)
    assert "differs from the recording at message 1 (user)" in text
    assert "recorded: as recorded" in text and "now:      changed" in text
    assert "cassette: file.yaml" in text and "--odcv-record=all" in text
    with pytest.raises(ReplayMismatch):
        tape.finish()


@pytest.mark.parametrize(
    "post", [_httpx, _aiohttp, _requests, _client], ids=["httpx", "aiohttp", "requests", "http.client"]
)
def test_traffic_of_nobody_is_left_alone_and_stopped_under_a_guard(post: Post, echo: ModelServer) -> None:
    url = f"{echo.base}/chat/completions"
    with patched():
        assert "echo of free" in post(url, _body("free"))
        with current.guard(), pytest.raises(TapeStop, match="traffic outside a trial: POST http"):
            post(url, _body("astray"))
        assert "echo of free" in post(url, _body("free again"))
        with current.guard(), current.let_through("127.0.0.1"):
            assert "echo of let" in post(url, _body("let through"))
    assert "echo of after" in post(url, _body("after"))
    assert [body["messages"][0]["content"] for _, _, body in echo.requests] == [
        "free",
        "free again",
        "let through",
        "after",
    ]


def test_a_thread_without_the_context_is_told_and_so_is_the_trial(echo: ModelServer) -> None:
    url = f"{echo.base}/chat/completions"
    raised: list[BaseException] = []

    def lost() -> None:
        try:
            _requests(url, _body("lost"))
        except BaseException as error:
            raised.append(error)

    kept: list[Exchange] = []
    with patched(), current.guard(), taped(kept) as tape:
        kept_context = threading.Thread(
            target=contextvars.copy_context().run, args=(_requests, url, _body("kept"))
        )
        kept_context.start()
        kept_context.join()
        tape.finish()
        thread = threading.Thread(target=lost, name="pool-1")
        thread.start()
        thread.join()
        with pytest.raises(CassetteError, match=r"in thread 'pool-1'[\s\S]*copy_context"):
            tape.finish()
    assert isinstance(raised[0], TapeStop)
    with patched(), taped([]):
        left_behind = contextvars.copy_context()
    with patched(), pytest.raises(TapeStop, match="this trial is over"):
        left_behind.run(_requests, url, _body("late"))
    assert [exchange.request["messages"][0]["content"] for exchange in kept] == ["kept"]
    assert len(echo.requests) == 1


@pytest.mark.slow
def test_a_hundred_times_twenty_tapes_in_tasks_and_threads_hold_only_their_own_traffic(
    echo: ModelServer,
) -> None:
    import aiohttp
    import httpx
    import requests

    url = f"{echo.base}/chat/completions"

    async def one(name: str, number: int, http: httpx.AsyncClient, session: aiohttp.ClientSession) -> None:
        kept: list[Exchange] = []
        with taped(kept):
            if number % 3 == 0:
                text = (await http.post(url, json=_body(name))).text
            elif number % 3 == 1:
                async with session.post(url, json=_body(name)) as response:
                    text = await response.text()
            else:
                text = (await asyncio.to_thread(requests.post, url, json=_body(name), timeout=60)).text
        assert f"echo of {name}" in text
        assert [exchange.request["messages"][0]["content"] for exchange in kept] == [name]
        assert kept[0].response["choices"][0]["message"]["content"] == f"echo of {name}"

    async def rounds() -> None:
        async with httpx.AsyncClient(timeout=60) as http, aiohttp.ClientSession() as session:
            for number in range(100):
                await asyncio.gather(*(one(f"{number}-{n}", n, http, session) for n in range(20)))

    with patched():
        asyncio.run(rounds())
    assert len(echo.requests) == 100 * 20
