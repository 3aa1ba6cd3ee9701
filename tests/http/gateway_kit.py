"""What the tests of the gateway share: a tape, a model API, a proxy, and clients of the gateway."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pytest_odcv.http.exchange import WireRequest, WireResponse
from pytest_odcv.http.gateway import Bounds, Gateway
from pytest_odcv.http.gateway_upstream import upstreams

KEY = "sk-host-0123456789abcdef"
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class Miss(BaseException):
    """As a tape's: no Exception."""


@dataclass
class FakeTape:
    """Answers from `recorded` by path, raises where it is strict, and keeps."""

    recorded: dict[str, WireResponse] = field(default_factory=dict)
    strict: bool = False
    stop: BaseException | None = None
    asked: list[WireRequest] = field(default_factory=list)
    kept: list[tuple[WireRequest, WireResponse]] = field(default_factory=list)
    failed: list[tuple[WireRequest, str]] = field(default_factory=list)

    def ask(self, request: WireRequest) -> WireResponse | None:
        self.asked.append(request)
        if self.stop is not None:
            raise self.stop
        found = self.recorded.get("/" + request.url.split("/", 3)[3])
        if found is None and self.strict:
            raise Miss("nothing was recorded for this request")
        return found

    def keep(self, request: WireRequest, response: WireResponse) -> None:
        self.kept.append((request, response))

    def fail(self, request: WireRequest, error: BaseException | None = None) -> None:
        self.failed.append((request, str(error)))


class Api(BaseHTTPRequestHandler):
    """A model API: says what it was sent, as JSON, as a stream, compressed, or with the key in it."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]
    hold: threading.Event

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._note(b"")
        self._send({"data": []})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        self._note(data)
        how = json.loads(data).get("how", "")
        if how == "stream":
            self._stream()
        elif how == "gzip":
            body = gzip.compress(b'{"answer": "packed"}')
            self._raw(200, body, {"content-encoding": "gzip"})
        elif how == "bomb":
            self._raw(200, gzip.compress(bytes(40 << 20)), {"content-encoding": "gzip"})
        elif how == "echo":
            self._send({"error": f"wrong key: {self.headers['authorization']}"}, 401)
        elif how == "nonsense":
            self.wfile.write(b"what?\r\n\r\n")
            self.close_connection = True
        elif how == "nothing":
            self.close_connection = True
        else:
            self._send({"answer": "plain"})

    def _note(self, data: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen.append((self.command, self.path, headers, data))

    def _send(self, value: Any, status: int = 200) -> None:
        self._raw(status, json.dumps(value).encode(), {})

    def _raw(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "set-cookie": "a=b",
            "request-id": "r1",
            **headers,
        }.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for part in (b"data: 1 sk-host-01", b"23456789abcdef\n\n", b"data: [DONE]\n\n", b""):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.flush()
            if part.startswith(b"data: ["):
                self.hold.wait(10)


@contextmanager
def running_api() -> Iterator[tuple[str, type[Api]]]:
    handler = type("Handler", (Api,), {"seen": [], "hold": threading.Event()})
    handler.hold.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    handler.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def environment(base: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_API_KEY": KEY,
    }


@asynccontextmanager
async def serving(
    tape: FakeTape, environ: Mapping[str, str] | None = None, bounds: Bounds | None = None
) -> AsyncIterator[Gateway]:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    async with Gateway(listening, tape, upstreams(environ or {}), bounds) as gateway:
        yield gateway


def with_gateway(
    tape: FakeTape,
    work: Callable[[Gateway, int], Awaitable[Any]],
    environ: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
) -> Any:
    """What `work` gives, which gets the gateway and its port."""

    async def main() -> Any:
        async with serving(tape, environ, bounds) as gateway:
            return await work(gateway, int(gateway._address.rpartition(":")[2]))

    return asyncio.run(main())


def ask(
    port: int,
    path: str = CHAT,
    value: Any = ASKED,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """One request by the standard library's client."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    try:
        sent = {"authorization": "Bearer odcv-gateway", "content-type": "application/json", **(headers or {})}
        connection.request(method, path, data, sent)
        response = connection.getresponse()
        return response.status, {name.lower(): item for name, item in response.getheaders()}, response.read()
    finally:
        connection.close()


def asks(*arguments: Any, **options: Any) -> Callable[[Gateway, int], Awaitable[Any]]:
    async def work(gateway: Gateway, port: int) -> Any:
        return await asyncio.to_thread(ask, port, *arguments, **options)

    return work


def raw(port: int, data: bytes) -> bytes:
    """Everything that comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def sends(data: bytes) -> Callable[[Gateway, int], Awaitable[bytes]]:
    async def work(gateway: Gateway, port: int) -> bytes:
        return await asyncio.to_thread(raw, port, data)

    return work


def answered(body: str, **headers: str) -> WireResponse:
    return WireResponse(
        200, "OK", {name.replace("_", "-"): [value] for name, value in headers.items()}, body.encode()
    )


@contextmanager
def connect_proxy(target_port: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that answers CONNECT, whatever the host, with a connection to `target_port`."""
    seen: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with source, sink:
            while data := source.recv(65536):
                sink.sendall(data)

    def serve() -> None:
        client, _ = listening.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        seen.append(head.decode())
        there = socket.create_connection(("127.0.0.1", target_port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pump, args=(there, client.dup()), daemon=True)
        back.start()
        pump(client, there.dup())

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://user:pass%40@127.0.0.1:{listening.getsockname()[1]}", seen
    finally:
        listening.close()
