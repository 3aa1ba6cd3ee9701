"""What could not be replayed is refused when it is recorded, before more is paid, with the reason."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("vcr", reason="needs the agent frameworks")
from pytest_odcv.errors import CassetteError
from pytest_odcv.http import current
from pytest_odcv.http.offline import no_network, recorded_only
from pytest_odcv.http.stops import TapeStop
from tests.http.raw_kit import CLIENTS, Ask, Raw, RawServer, answer, both, taped


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer([answer(b'{"a":1}')] * 3) as server:
        yield server


def _address(server: RawServer) -> tuple[str, int]:
    host, _, port = server.root.removeprefix("http://").rpartition(":")
    return host, int(port)


def _blocking(server: RawServer) -> None:
    socket.create_connection(_address(server)).close()


def _asyncio(server: RawServer) -> None:
    async def connect() -> None:
        _, writer = await asyncio.open_connection(*_address(server))
        writer.close()

    asyncio.run(connect())


def _in_a_thread(server: RawServer) -> None:
    asyncio.run(asyncio.to_thread(_blocking, server))


def _udp(server: RawServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", _address(server))


RAW = [_blocking, _asyncio, _in_a_thread, _udp]


@pytest.mark.parametrize("connect", RAW)
def test_a_connection_that_no_recording_has_is_refused(
    connect: Callable[[RawServer], None], server: RawServer
) -> None:
    with taped([]) as tape:
        with pytest.raises(TapeStop, match="no request of a recorded library"):
            connect(server)
        with pytest.raises(CassetteError, match=r"http_pass of \[tool\.odcv\]"):
            tape.finish()
    assert not server.requests


@pytest.mark.parametrize("connect", RAW)
def test_a_connection_that_passes_is_left_alone(
    connect: Callable[[RawServer], None], server: RawServer
) -> None:
    host, port = _address(server)
    with taped([]) as tape, current.let_through(f"{host}:{port}"):
        connect(server)
        tape.finish()


def test_a_host_that_passes_by_its_name_is_reached_by_its_address(server: RawServer) -> None:
    _, port = _address(server)
    with current.let_through(f"localhost:{port}"), taped([]) as tape:
        socket.create_connection(("localhost", port)).close()
        tape.finish()
    with current.let_through(f"localhost:{port}"), no_network():
        socket.create_connection(("localhost", port)).close()


def test_others_may_connect_while_a_trial_is_recorded(server: RawServer) -> None:
    done: list[bool] = []
    with taped([]) as tape:
        thread = threading.Thread(target=lambda: done.append(_blocking(server) is None))
        thread.start()
        thread.join(5)
        tape.finish()
    _blocking(server)
    with recorded_only():
        _blocking(server)
    assert done == [True]


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
def test_recorded_requests_connect(ask: Ask, server: RawServer) -> None:
    live, replayed = both(lambda: ask("POST", f"{server.root}/x", b"{}"), server)
    assert replayed == live and live.status == 200


UPGRADE = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "eA=="}


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
def test_a_websocket_is_refused_before_it_is_opened(ask: Ask, server: RawServer) -> None:
    with taped([]) as tape:
        with pytest.raises(TapeStop, match="it opens a websocket"):
            ask("GET", f"{server.root}/x", headers=UPGRADE)
        with pytest.raises(CassetteError, match="to fix: use the API's plain HTTP"):
            tape.finish()
    assert not server.requests


def test_a_websocket_of_aiohttp_is_refused(server: RawServer) -> None:
    import aiohttp

    async def connect() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(server.root):
            pass

    with taped([]), pytest.raises(TapeStop, match="it opens a websocket"):
        asyncio.run(connect())


def test_a_body_that_cannot_be_decoded_ends_the_trial_at_once(server: RawServer) -> None:
    with RawServer([answer(b"\x1f\x8b\x08broken", "content-encoding: gzip")]) as broken, taped([]) as tape:
        with pytest.raises(TapeStop, match="is not gzip as it says"):
            CLIENTS["httpx"]("POST", f"{broken.root}/x", b"{}")
        with pytest.raises(TapeStop):
            CLIENTS["httpx"]("POST", f"{server.root}/x", b"{}")
    assert not server.requests, "nothing more is paid"
    assert isinstance(tape.problem, CassetteError)


# --- bodies of requests ----------------------------------------------------------------------------------------------


def _httpx_form(url: str) -> int:
    import httpx

    return httpx.post(url, data={"a": "1"}, files={"f": ("x.txt", b"hello")}).status_code


def _requests_form(url: str) -> int:
    import requests

    return requests.post(url, data={"a": "1"}, files={"f": ("x.txt", b"hello")}, timeout=5).status_code


def _toolbelt_form(url: str) -> int:
    import requests

    encoder = pytest.importorskip("requests_toolbelt", reason="needs requests-toolbelt").MultipartEncoder
    form = encoder({"a": "1", "f": ("x.txt", b"hello", "text/plain")})
    return requests.post(url, data=form, headers={"content-type": form.content_type}, timeout=5).status_code


def _urllib3_form(url: str) -> int:
    import urllib3

    fields = {"a": "1", "f": ("x.txt", b"hello")}
    return urllib3.PoolManager().request("POST", url, fields=fields).status


def _aiohttp_form(url: str) -> int:
    import aiohttp

    async def post() -> int:
        form = aiohttp.FormData()
        form.add_field("a", "1")
        form.add_field("f", b"hello", filename="x.txt")
        async with aiohttp.ClientSession() as session, session.post(url, data=form) as got:
            return got.status

    return asyncio.run(post())


def _aiohttp_parts(url: str) -> int:
    import aiohttp

    async def post() -> int:
        with aiohttp.MultipartWriter("mixed") as parts:
            parts.append("hello")
        async with aiohttp.ClientSession() as session, session.post(url, data=parts) as got:
            return got.status

    return asyncio.run(post())


def _aiohttp_dict(url: str) -> int:
    import aiohttp

    async def post() -> int:
        async with aiohttp.ClientSession() as session, session.post(url, data={"a": "1"}) as got:
            return got.status

    return asyncio.run(post())


def _file(url: str) -> int:
    import io

    import requests

    return requests.post(url, data=io.BytesIO(b"hello"), timeout=5).status_code


def _surrogate(url: str) -> int:
    import requests

    return requests.post(url, json={"a": "\ud83d"}, timeout=5).status_code


def _by_hand(url: str) -> int:
    host = url.removeprefix("http://").partition("/")[0]
    connection = http.client.HTTPConnection(host)
    connection.putrequest("POST", "/x")
    connection.putheader("content-length", "10")
    connection.endheaders()
    connection.send(b"hello")
    connection.send(b"world")
    return connection.getresponse().status


POSTS = [
    _httpx_form,
    _requests_form,
    _toolbelt_form,
    _urllib3_form,
    _aiohttp_form,
    _aiohttp_parts,
    _aiohttp_dict,
    _file,
    _surrogate,
    _by_hand,
]


@pytest.mark.parametrize("post", POSTS)
def test_a_request_replays_or_is_refused_before_it_is_sent(
    post: Callable[[str], int], server: RawServer
) -> None:
    """Forms have a boundary at random, files are read, halves of surrogate pairs are no text: each either way, and never a mismatch."""
    try:
        assert both(lambda: post(f"{server.root}/x"), server) == (200, 200)
    except TapeStop as stop:
        assert "cannot be recorded" in str(stop) and "to fix:" in str(stop)
        assert not server.requests


def test_silence_of_a_server_is_no_connection_of_the_agents_own() -> None:
    """A pool that connects again in the middle of a request does so for the request."""
    import requests
    from requests.adapters import HTTPAdapter

    def run() -> Any:
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=2))
            return session.get(f"{server.root}/x", timeout=5).json()

    with RawServer([Raw(), Raw(then="reset"), answer(b'{"a":1}')]) as server:
        assert both(run, server) == ({"a": 1}, {"a": 1})


def test_a_key_that_is_put_into_a_header_by_hand_is_known_as_one(server: RawServer) -> None:
    def run() -> int:
        host = server.root.removeprefix("http://")
        connection = http.client.HTTPConnection(host)
        connection.putrequest("POST", "/x")
        connection.putheader("authorization", "Bearer Pl4nted-Zx81-S3cret")
        connection.putheader("content-length", "19")
        connection.endheaders(b"Pl4nted-Zx81-S3cret")
        return connection.getresponse().status

    kept: list[Any] = []
    with taped(kept):
        assert run() == 200
    assert kept[0].request == "[redacted:value]"


# --- addresses in brackets -------------------------------------------------------------------------------------------


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="needs IPv6 on the loopback interface")
@pytest.mark.parametrize("zone", ["", "%lo", "%25lo"])
@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
def test_an_address_in_brackets_is_recorded_and_replayed(ask: Ask, zone: str) -> None:
    """Not every library can reach an address with a zone, and fails in its own way: then so does the replay."""
    with RawServer([answer(b'{"a":1}')] * 2, host="::1") as server:
        url = server.root.replace("::1", f"::1{zone}")
        live, replayed = both(lambda: ask("POST", f"{url}/v1/x?a=1", b"{}"), server)
    assert replayed == live
    assert zone or live.status == 200


@pytest.mark.skipif(not _has_ipv6(), reason="needs IPv6 on the loopback interface")
@pytest.mark.parametrize("place", ["::1", "[::1]", "[::1]:{port}"])
def test_an_address_in_brackets_can_pass(place: str) -> None:
    with RawServer([answer(b'{"a":1}')], host="::1") as server:
        port = server.root.rpartition(":")[2]
        kept: list[Any] = []
        with current.let_through(place.format(port=port)), taped(kept):
            assert CLIENTS["httpx"]("POST", f"{server.root}/x", b"{}").status == 200
    assert kept == []


# --- requests that are others in every run ---------------------------------------------------------------------------


def test_an_address_with_a_secret_that_an_answer_gave_is_found_again(server: RawServer) -> None:
    """The recording has a mark in its place, and clients escape the brackets of the mark."""
    secret = "Pl4nted-Zx81-S3cret"
    with RawServer(
        [answer(b"", f"location: /files/{secret}/x", status="302 Found"), answer(b'{"a":1}')]
    ) as server:

        def run() -> int:
            import httpx

            key = {"authorization": f"Bearer {secret}"}
            return httpx.get(f"{server.root}/x", headers=key, follow_redirects=True).status_code

        assert both(run, server) == (200, 200)


@pytest.mark.parametrize("field", ["assertion", "client_assertion", "code_verifier"])
def test_a_proof_that_is_signed_anew_in_every_run_makes_no_difference(field: str, server: RawServer) -> None:
    """Clouds give tokens for a JWT that says when it was made."""
    import httpx

    proofs = iter(["eyJhbGciOi.one.two", "eyJhbGciOi.three.four"])
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}

    def run() -> int:
        return httpx.post(f"{server.root}/token", data=form | {field: next(proofs)}).status_code

    assert both(run, server) == (200, 200)


def test_a_signed_address_makes_no_difference(server: RawServer) -> None:
    import httpx

    dates = iter(["20260101T000000Z", "20260102T000000Z"])

    def run() -> int:
        date = next(dates)
        query = {"X-Amz-Date": date, "X-Amz-Signature": f"sig-{date}", "X-Amz-Credential": f"me/{date}"}
        return httpx.get(f"{server.root}/object", params=query).status_code

    assert both(run, server) == (200, 200)


def test_the_words_of_a_status_are_the_same_with_every_python() -> None:
    from pytest_odcv.http.exchange import phrase

    assert [phrase(status) for status in (200, 413, 422, 599)] == [
        "OK",
        "Request Entity Too Large",
        "Unprocessable Entity",
        "",
    ]
