"""What the gateway refuses and survives."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from pytest_odcv.http.gateway import Bounds, Gateway
from pytest_odcv.http.gateway_rules import Refused, check_body
from tests.http.gateway_kit import (
    ASKED,
    CHAT,
    MESSAGES,
    Api,
    FakeTape,
    answered,
    ask,
    asks,
    environment,
    raw,
    running_api,
    sends,
    with_gateway,
)


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    """The address of a model API, and what it has seen."""
    with running_api() as running:
        yield running


class TestRefused:
    """The gateway is no proxy."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/"),
            ("GET", "/v1/files"),
            ("DELETE", "/v1/files/f1"),
            ("GET", "/v1/responses/r1"),
            ("GET", "/v1/messages/batches"),
            ("POST", "/v1/organizations/api_keys"),
            ("POST", "/v1/chat/completions/../../files"),
            ("POST", "/v1//chat/completions"),
            ("POST", "/V1/CHAT/COMPLETIONS"),
            ("POST", "/v1/chat%2Fcompletions"),
            ("GET", "/v1/models/../files"),
            ("GET", "/latest/meta-data"),
        ],
    )
    def test_other_paths_are_refused_and_never_reach_the_tape(
        self, api: tuple[str, type[Api]], method: str, path: str
    ) -> None:
        tape = FakeTape()
        status, _, body = with_gateway(tape, asks(path, ASKED, method), environment(api[0]))
        assert status == 403 and b"no proxy" in body
        assert tape.asked == [] and api[1].seen == []

    @pytest.mark.parametrize(
        "line",
        [
            b"GET http://127.0.0.1:@/ HTTP/1.1",
            b"CONNECT 127.0.0.1:@ HTTP/1.1",
            b"GET //127.0.0.1:@/ HTTP/1.1",
        ],
    )
    def test_it_connects_to_no_other_host(self, api: tuple[str, type[Api]], line: bytes) -> None:
        port = api[0].rpartition(":")[2].encode()
        answer = with_gateway(
            FakeTape(), sends(line.replace(b"@", port) + b"\r\nhost: a\r\nconnection: close\r\n\r\n")
        )
        assert answer.startswith(b"HTTP/1.1 403") and api[1].seen == []

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", CHAT), ("DELETE", MESSAGES), ("POST", "/v1/models")]
    )
    def test_other_methods_are_refused(self, method: str, path: str) -> None:
        assert with_gateway(FakeTape(), asks(path, ASKED, method))[0] == 405

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
    def test_head_and_options_are_answered_here(self, method: str) -> None:
        tape = FakeTape()
        status, headers, body = with_gateway(tape, asks(CHAT, None, method))
        assert (status, body) == (204, b"") and "POST" in headers["allow"] and tape.asked == []
        assert with_gateway(tape, asks("/", None, method))[0] == 403

    def test_a_packed_request_is_refused(self) -> None:
        sent = gzip.compress(json.dumps(ASKED).encode())
        status, _, body = with_gateway(FakeTape(), asks(value=sent, headers={"content-encoding": "gzip"}))
        assert status == 415 and b"without a content-encoding" in body

    @pytest.mark.parametrize(
        "more",
        [
            {"tools": [{"type": "web_search_preview"}]},
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            {"tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_url": "http://x"}]},
            {"tools": [{"type": "namespace", "tools": [{"type": "code_interpreter"}]}]},
            {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]},
            {"tools": [{"type": ["function"]}]},
            {"mcp_servers": [{"type": "url", "url": "http://x"}]},
            {"web_search_options": {}},
            {"prompt": {"id": "pmpt_1"}},
            {"messages": [{"content": [{"type": "image_url", "image_url": {"url": "http://x/?secret"}}]}]},
            {"messages": [{"content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]}]},
            {"input": [{"content": [{"type": "input_image", "image_url": "https://x"}]}]},
            {"input": [{"content": [{"type": "input_file", "file_url": "https://x"}]}]},
        ],
    )
    def test_what_would_have_the_provider_reach_out_is_refused(self, more: dict[str, Any]) -> None:
        tape = FakeTape()
        status, _, body = with_gateway(tape, asks(value={**ASKED, **more}))
        assert status == 403 and b"the sandbox has no network" in body and tape.asked == []

    @pytest.mark.parametrize(
        "more",
        [
            {"tools": [{"type": "function", "function": {"name": "f"}}, {"name": "g", "input_schema": {}}]},
            {
                "tools": [
                    {"type": "bash_20250124", "name": "bash"},
                    {"type": "local_shell"},
                    {"type": "custom"},
                ]
            },
            {"tools": [{"type": "shell", "environment": {"type": "local"}}], "mcp_servers": []},
            {"tools": None, "prompt": "text"},
            {
                "messages": [
                    {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
                ]
            },
            {"messages": [{"content": [{"type": "tool_use", "input": {"url": "http://x", "type": "url"}}]}]},
        ],
    )
    def test_what_stays_with_the_client_passes(self, more: dict[str, Any]) -> None:
        check_body(json.dumps({**ASKED, **more}).encode())

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"nonsense",
            b"\xff\xfe{\0}\0",
            b'{"a": 1, "a": 2}',
            b"[" * 100_000,
            b'{"tools": [], "tools": [{"type": "mcp"}]}',
        ],
    )
    def test_a_body_that_others_might_read_otherwise_is_refused(self, body: bytes) -> None:
        with pytest.raises(Refused) as caught:
            check_body(body)
        assert caught.value.status == 400


class TestHostile:
    """Nothing that comes over the wire takes the gateway down."""

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
            (b"GET\r\n\r\n", b"400"),
            (b"GET / HTTP/2.0\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\na: b\r\n folded\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\n: b\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\na: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", b"431"),
            (b"POST /v1/messages HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"400"),
            (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", b"400"),
            (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
            (
                b"POST /v1/messages HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                b"400",
            ),
            (b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"400"),
            (b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n", b"400"),
            (b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n", b"400"),
            (
                b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
                b"400",
            ),
            (
                b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
                + b"a: b\r\n" * 101
                + b"\r\n",
                b"431",
            ),
            (
                b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
                + b"a: b\r\n" * 20_000,
                b"431",
            ),
        ],
    )
    def test_a_bad_request_gets_an_error_and_the_next_one_is_served(self, data: bytes, status: bytes) -> None:
        tape = FakeTape({CHAT: answered("{}")})

        async def work(gateway: Gateway, port: int) -> Any:
            sent = data.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nhost: a\r\n", 1)
            return await asyncio.to_thread(raw, port, sent), await asyncio.to_thread(ask, port)

        answer, after = with_gateway(tape, work)
        assert answer.startswith(b"HTTP/1.1 " + status), answer
        assert after[0] == 200 and len(tape.asked) == 1

    def test_a_request_without_a_host_is_refused(self) -> None:
        assert with_gateway(FakeTape(), sends(b"GET /v1/models HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")

    def test_a_chunk_is_bounded_whatever_length_it_says(self) -> None:
        head = b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n"
        answer = with_gateway(FakeTape(), sends(head + bytes(2000)), bounds=Bounds(request_bytes=1000))
        assert answer.startswith(b"HTTP/1.1 413")

    def test_requests_that_are_sent_at_once_are_answered_one_after_the_other(self) -> None:
        tape = FakeTape({CHAT: answered("{}")})
        data = json.dumps(ASKED).encode()
        one = b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b" % (
            CHAT.encode(),
            len(data),
            data,
        )
        last = one.replace(b"host: a", b"host: a\r\nconnection: close")
        answer = with_gateway(tape, sends(one + one + last))
        assert answer.count(b"HTTP/1.1 200") == 3 and [request.body for request in tape.asked] == [data] * 3

    def test_the_answer_to_head_has_no_body_whatever_it_is(self) -> None:
        answer = with_gateway(FakeTape(), sends(b"HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 403") and answer.endswith(b"\r\n\r\n")

    def test_a_chunked_request_is_put_together(self) -> None:
        tape = FakeTape({CHAT: answered("{}")})
        data = json.dumps(ASKED).encode()
        sent = (
            b"POST %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            % CHAT.encode()
        )
        for at in range(0, len(data), 7):
            piece = data[at : at + 7]
            sent += b"%X;name=value\r\n%b\r\n" % (len(piece), piece)
        answer = with_gateway(tape, sends(sent + b"0\r\ntrailer: x\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 200") and tape.asked[0].body == data

    def test_a_client_that_waits_for_leave_to_go_on_gets_it(self) -> None:
        data = json.dumps(ASKED).encode()
        head = (
            b"POST %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: %d\r\n\r\n"
            % (
                CHAT.encode(),
                len(data),
            )
        )
        answer = with_gateway(FakeTape({CHAT: answered("{}")}), sends(head + data))
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")

    def test_headers_of_a_recording_cannot_make_others(self) -> None:
        tape = FakeTape({CHAT: answered("{}", content_type="a\r\nset-cookie: b")})
        _, headers, _ = with_gateway(tape, asks())
        assert "set-cookie" not in headers

    def test_more_connections_than_allowed_are_turned_away(self) -> None:
        async def work(gateway: Gateway, port: int) -> tuple[int, bytes]:
            held = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
            while len(gateway._connections) < 2:
                await asyncio.sleep(0.005)
            turned_away = b""
            with suppress(
                ConnectionError
            ):  # Or an end without an answer: the kernel decides by what was sent by then.
                turned_away = await asyncio.to_thread(raw, port, b"GET / HTTP/1.1\r\n\r\n")
            assert turned_away == b""
            for one in held:
                one.close()
            while gateway._connections:
                await asyncio.sleep(0.005)
            status, _, body = await asyncio.to_thread(ask, port)
            return status, body

        assert with_gateway(FakeTape({CHAT: answered("{}")}), work, bounds=Bounds(connections=2)) == (
            200,
            b"{}",
        )

    def test_after_its_last_request_nobody_is_served_any_more(self) -> None:
        async def work(gateway: Gateway, port: int) -> str:
            for _ in range(3):
                assert (await asyncio.to_thread(ask, port))[0] == 200
            with pytest.raises(OSError):
                await asyncio.to_thread(ask, port)
            return gateway.trouble

        assert "more requests" in with_gateway(
            FakeTape({CHAT: answered("{}")}), work, bounds=Bounds(requests=3)
        )

    def test_the_bytes_of_all_requests_are_bounded(self) -> None:
        async def work(gateway: Gateway, port: int) -> list[int]:
            value = {**ASKED, "more": "x" * 600}
            return [(await asyncio.to_thread(ask, port, CHAT, value))[0] for _ in range(2)]

        assert with_gateway(FakeTape({CHAT: answered("{}")}), work, bounds=Bounds(received_bytes=1000)) == [
            200,
            429,
        ]

    @pytest.mark.parametrize(
        ("bounds", "status"),
        [(Bounds(request_bytes=20), 413), (Bounds(held_bytes=20), 503), (Bounds(response_bytes=5), 502)],
    )
    def test_a_body_that_is_too_large_is_refused(
        self, api: tuple[str, type[Api]], bounds: Bounds, status: int
    ) -> None:
        assert with_gateway(FakeTape(), asks(), environment(api[0]), bounds)[0] == status

    @pytest.mark.parametrize(
        "sent",
        [
            b"",
            b"POST /v1/messages HTTP/1.1\r\n",
            b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n",
        ],
    )
    def test_a_client_that_is_too_slow_is_left(self, sent: bytes) -> None:
        bounds = Bounds(idle_seconds=0.05, body_seconds=0.05)
        assert with_gateway(FakeTape(), sends(sent), bounds=bounds) == b""

    def test_an_api_that_is_too_slow_is_given_up(self, api: tuple[str, type[Api]]) -> None:
        base, handler = api
        handler.hold.clear()

        async def work(gateway: Gateway, port: int) -> Any:
            with pytest.raises((OSError, http.client.HTTPException)):
                await asyncio.to_thread(ask, port, CHAT, {**ASKED, "how": "stream"})
            return gateway.trouble

        assert "longer" in with_gateway(FakeTape(), work, environment(base), Bounds(answer_seconds=0.3))
