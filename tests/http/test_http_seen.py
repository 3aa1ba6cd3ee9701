"""A client sees in a replay what it saw when it was recorded: every HTTP library on a real server, whatever the server does."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("vcr", reason="needs the agent frameworks")
from pytest_odcv.errors import CassetteError
from pytest_odcv.http import coding, sse
from pytest_odcv.http.stops import TapeStop
from tests.http.raw_kit import CLIENTS, Ask, Raw, RawServer, Seen, answer, both, taped
from tests.http.test_http_bodies import brotli, zstd

STREAM = "text/event-stream"


def chunked(*parts: bytes, trailer: bytes = b"", end: bytes = b"0\r\n") -> Raw:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {STREAM}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return Raw(head.encode() + body + (end + trailer + b"\r\n" if end else b""))


def bare(status: str, *headers: str) -> Raw:
    return Raw("\r\n".join([f"HTTP/1.1 {status}", "connection: close", *headers, "", ""]).encode())


PLAIN = answer(b'{"a":1}')
ANSWERS: dict[str, tuple[Raw, ...]] = {
    "JSON with spaces": (answer(b'{"a": [1, 2.5], "b": "\xc3\xbc"}'),),
    "compact JSON": (answer(b'{"a":[1,2.5],"b":"\xc3\xbc"}'),),
    "JSON in ASCII": (answer(b'{"a": "\\u00fc"}\n'),),
    "JSON as Go writes it": (answer(b'{"a":"\\u003cb\\u003e \xc3\xbc"}\n'),),
    "indented JSON": (answer(b'{\n  "a": [\n    1\n  ]\n}'),),
    "JSON spelled in no usual way": (answer(b'{ "a":1.50,  "b": 1e5, "a": "\\/" }'),),
    "null": (answer(b"null"),),
    "a byte order mark": (answer(b'\xef\xbb\xbf{"a":1}'),),
    "another encoding": (answer('{"a":"ü"}'.encode("latin-1"), kind="application/json; charset=latin-1"),),
    "bytes": (answer(b"\xff\x00\x01", kind="application/octet-stream"),),
    "nothing": (answer(b""),),
    "headers": (
        answer(
            b"{}",
            'link: <http://x/2>; rel="next"',
            "retry-after: 1",
            "x-ratelimit-remaining-requests: 4",
            "anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:00Z",
        ),
    ),
    "two cookies": (answer(b"{}", "set-cookie: a=1; Path=/", "set-cookie: lang=en"),),
    "a header beyond ASCII": (answer(b"{}", "link: </\u00c3\u00bc>"),),
    "a server's error": (answer(b"busy", status="503 Very Busy", kind="text/plain"),),
    "204": (bare("204 No Content"),),
    "304": (bare("304 Not Modified", 'etag: "x"'),),
    "100 before the answer": (Raw(b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN.data),),
    "103 before the answer": (Raw(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + PLAIN.data),),
    "a redirect": (bare("302 Found", "location: /other", "content-length: 0"), PLAIN),
    "a redirect with the body": (bare("307 Other", "location: /other", "content-length: 0"), PLAIN),
    "a redirect that is refused": (bare("307 Other", "location: http://127.0.0.1:1/x", "content-length: 0"),),
    "a stream": (chunked(b'data: {"a":1}\n\n', b"data: [DONE]\n\n"),),
    "a stream without its last blank line": (chunked(b'data: {"a":1}\n\n', b'data: {"b":2}\n'),),
    "a stream that ends in the middle of a line": (chunked(b"data: x\n\nda", b"ta: y"),),
    "a stream with trailers": (chunked(b"data: x\n\n", trailer=b"x-checksum: 1\r\n"),),
    "a stream to the end of the connection": (Raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x\n\nid: 7\n"),),
    "a stream with ids": (chunked(b"id: 1\nevent: e\ndata: x\n\n", b"id: 2\nevent: e\n\n"),),
    "no stream though it says so": (answer(b'{"error": "busy"}', kind=STREAM),),
    "a stream cut off": (chunked(b"data: x\n\n", b"data: y", end=b""),),
    "a body cut off": (answer(b'{"a":', length=5),),
    "no answer": (Raw(),),
    "a reset": (Raw(then="reset"),),
    "no HTTP": (Raw(b"garbage\r\n\r\n"),),
    "silence": (Raw(then="silence"),),
    "silence in the middle": (Raw(answer(b'{"a":', length=5).data, "silence"),),
}  # fmt: skip


def told(seen: Seen) -> Any:
    """What was seen; of a stream its events, whose deltas a recording joins, and whose lines may end otherwise."""
    kind = seen.headers.get("content-type", [""])[0]
    if kind != STREAM or not sse.is_stream(seen.body):
        return seen
    return replace(seen, body=b""), sse.merge(sse.parse(seen.body))


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
def test_a_client_sees_in_a_replay_what_it_saw_live(answers: tuple[Raw, ...], ask: Ask) -> None:
    with RawServer(answers) as server:
        live, replayed = both(lambda: ask("POST", f"{server.root}/v1/x?a=1", b'{"q":1}'), server)
    assert told(replayed) == told(live)


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
def test_a_head_request_is_replayed(ask: Ask) -> None:
    with RawServer([answer(b"", "link: </2>", length=100)]) as server:
        live, replayed = both(lambda: ask("HEAD", f"{server.root}/x"), server)
    assert replayed == live
    assert (live.status, live.headers["link"]) == (200, ["</2>"])


REFUSED = {
    "httpx": "httpx.ConnectError",
    "httpx, streamed": "httpx.ConnectError",
    "httpx, async": "httpx.ConnectError",
    "aiohttp": "aiohttp.client_exceptions.ClientConnectorError",
    "requests": "requests.exceptions.ConnectionError",
    "urllib3": "urllib3.exceptions.MaxRetryError",
    "http.client": "builtins.ConnectionRefusedError",
}
LATE = {
    "httpx": "httpx.ReadTimeout",
    "httpx, streamed": "httpx.ReadTimeout",
    "httpx, async": "httpx.ReadTimeout",
    "aiohttp": "builtins.TimeoutError",
    "requests": "requests.exceptions.ReadTimeout",
    "urllib3": "urllib3.exceptions.ReadTimeoutError",
    "http.client": "builtins.TimeoutError",
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_refused_connection_that_the_agent_got_over_is_refused_again(name: str) -> None:
    closed = RawServer([])
    closed.stop()
    with RawServer([PLAIN]) as server:

        def run() -> list[Seen]:
            return [CLIENTS[name]("POST", f"{root}/x", b"{}") for root in (closed.root, server.root)]

        live, replayed = both(run, server)
    assert replayed == live
    assert live[0].error.startswith(f"{REFUSED[name]}: ")
    assert live[1].status == 200


@pytest.mark.parametrize("name", CLIENTS)
def test_an_answer_that_came_too_late_comes_too_late_again(name: str) -> None:
    with RawServer([Raw(then="silence"), PLAIN]) as server:

        def run() -> list[Seen]:
            return [CLIENTS[name]("POST", f"{server.root}/x", b"{}") for _ in range(2)]

        live, replayed = both(run, server)
    assert replayed == live
    assert live[0].error.split(": ")[0] in (LATE[name], "asyncio.exceptions.TimeoutError")
    assert live[1].status == 200


@pytest.mark.parametrize("name", CLIENTS)
def test_equal_requests_get_their_different_answers_in_order(name: str) -> None:
    bodies = [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    with RawServer([answer(body) for body in bodies]) as server:

        def run() -> list[bytes]:
            return [CLIENTS[name]("POST", f"{server.root}/x", b"{}").body for _ in bodies]

        assert both(run, server) == (bodies, bodies)


def _pieces() -> Any:
    yield b'{"part'
    yield b'":1}'


@pytest.mark.parametrize("name", [name for name in CLIENTS if name not in ("httpx, async", "aiohttp")])
def test_a_request_that_is_sent_in_pieces_is_replayed(name: str) -> None:
    with RawServer([PLAIN]) as server:
        live, replayed = both(lambda: CLIENTS[name]("POST", f"{server.root}/x", _pieces()), server)
        sent = server.requests[0]
    assert replayed == live and live.status == 200
    assert b'":1}' in sent


# --- encodings -------------------------------------------------------------------------------------------------------

PACKED = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd, "br": brotli}
DECODING = [name for name in CLIENTS if name != "http.client"]  # Which leaves that to who uses it.


@pytest.mark.parametrize("ask", [CLIENTS["httpx"], CLIENTS["aiohttp"], CLIENTS["requests"]])
@pytest.mark.parametrize("encoding", PACKED)
def test_a_compressed_body_is_recorded_as_the_client_read_it_or_refused(encoding: str, ask: Ask) -> None:
    data = PACKED[encoding](b'{"a":1}')
    with RawServer([answer(data, f"content-encoding: {encoding}")]) as server:
        try:
            live, replayed = both(lambda: ask("POST", f"{server.root}/x", b"{}"), server)
        except TapeStop as stop:
            assert "the client accepts only" in str(stop) and encoding in str(stop)
            return
    assert replayed == live
    assert live.body == b'{"a":1}' or "content-encoding" in live.error


@pytest.mark.parametrize(("coding_", "accepted", "fits"), [
    ("br", "gzip, br", True),
    ("br", "*", True),
    ("br", "", True),
    ("br", "gzip, deflate", False),
    ("zstd", "gzip;q=1, ZSTD;q=0.5", True),
    ("gzip, zstd", "gzip", False),
    ("gzip", "identity", True),
])  # fmt: skip
def test_an_encoding_that_the_client_cannot_read_is_refused(coding_: str, accepted: str, fits: bool) -> None:
    if fits:
        coding.check_accepted(coding_, accepted)
        return
    with pytest.raises(CassetteError, match="the client accepts only"):
        coding.check_accepted(coding_, accepted)


# --- at random -------------------------------------------------------------------------------------------------------

words = st.text("ab\u00fc<&/ ", min_size=1, max_size=5)
jsons = st.dictionaries(
    words, st.integers() | words | st.lists(words, max_size=2) | st.floats(0, 9), max_size=3
)
spaces = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}])
statuses = st.sampled_from(["200 OK", "201 Made", "400 Bad", "404 Gone", "429 Slow", "500 Oops", "529 Odd"])
links = st.sampled_from([(), ("link: </2>; rel=next",), ("retry-after: 3", "set-cookie: lang=en")])


@st.composite
def plain_answers(draw: st.DrawFn) -> Raw:
    import json

    body = json.dumps(draw(jsons), **draw(spaces)).encode()
    packing = draw(st.sampled_from(["", "", "gzip", "deflate"]))
    headers = (*draw(links), *([f"content-encoding: {packing}"] if packing else []))
    return answer(PACKED[packing](body) if packing else body, *headers, status=draw(statuses))


@st.composite
def streams(draw: st.DrawFn) -> Raw:
    lines = st.sampled_from([b'data: {"a":1}\n\n', b"data: x\n\n", b"event: e\ndata: y\n\n", b": ping\n\n"])
    parts = draw(st.lists(lines, min_size=1, max_size=4))
    if draw(st.booleans()):
        parts[-1] = parts[-1][: draw(st.integers(1, len(parts[-1])))]
    return chunked(*parts, end=draw(st.sampled_from([b"0\r\n", b"0\r\n", b""])))


failures = st.sampled_from(
    [Raw(), Raw(b"garbage\r\n\r\n"), answer(b'{"a":', length=3), bare("204 No Content")]
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(plain_answers() | streams() | failures, min_size=1, max_size=5),
    st.sampled_from(DECODING),
    st.booleans(),
)
def test_any_sequence_of_answers_is_seen_again(answers: list[Raw], name: str, equal: bool) -> None:
    """`equal`: whether all requests are the same one."""
    with RawServer(answers) as server:

        def run() -> list[Any]:
            asked = [b"{}" if equal else b'{"n":%d}' % number for number in range(len(answers))]
            return [told(CLIENTS[name]("POST", f"{server.root}/x", body)) for body in asked]

        live, replayed = both(run, server)
    assert replayed == live


def test_a_stream_is_kept_open_in_the_recording_and_its_ids_too() -> None:
    kept: list[Any] = []
    with RawServer([chunked(b"id: 1\ndata: x\n\nid: 2\ndata: y\n")]) as server, taped(kept):
        CLIENTS["httpx"]("POST", f"{server.root}/x", b"{}")
    assert [(event.id, event.open) for event in kept[0].response] == [("1", False), ("2", True)]


def test_an_answer_that_the_agent_gave_up_waiting_for_does_not_come_in_the_replay_either() -> None:
    import asyncio

    import httpx

    async def ask(root: str) -> list[Any]:
        async with httpx.AsyncClient() as client:
            try:
                await asyncio.wait_for(client.post(f"{root}/x", json={}), 0.2)
            except TimeoutError:
                return ["gave up", (await client.post(f"{root}/x", json={})).json()]
        return ["answered"]

    with RawServer([Raw(then="silence"), PLAIN]) as server:
        live, replayed = both(lambda: asyncio.run(ask(server.root)), server)
    assert live == replayed == ["gave up", {"a": 1}]


def test_a_stream_that_the_agent_stopped_reading_is_replayed() -> None:
    import httpx

    def run() -> str:
        with httpx.stream("POST", f"{server.root}/x", json={}) as response:
            return next(response.iter_lines())

    with RawServer([chunked(b"data: x\n\n", b"data: y\n\n")]) as server:
        assert both(run, server) == ("data: x", "data: x")


def test_equal_requests_that_are_made_at_the_same_time_are_replayed() -> None:
    import asyncio

    import httpx

    async def ask() -> list[int]:
        async with httpx.AsyncClient() as client:
            got = await asyncio.gather(*(client.post(f"{server.root}/x", json={}) for _ in range(5)))
            return sorted(one.json()["n"] for one in got)

    with RawServer([answer(b'{"n":%d}' % number) for number in range(5)]) as server:
        live, replayed = both(lambda: asyncio.run(ask()), server)
    assert live == replayed == [0, 1, 2, 3, 4]
