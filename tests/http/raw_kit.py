"""A loopback server that sends bytes as they are given, and clients that say all they saw: for tests that a replay shows what was live."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pytest_odcv.cassette.exchanges import Reader, Writer
from pytest_odcv.http import current
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import Exchange
from pytest_odcv.http.headers import is_safe
from pytest_odcv.http.offline import no_network, recorded_only
from pytest_odcv.http.patch import patched
from pytest_odcv.http.tape import HttpTape
from pytest_odcv.redaction.redactor import Redactor

TIMEOUT = 0.3
"""Seconds that clients wait for a server that says nothing."""


@dataclass(frozen=True)
class Raw:
    """What the server does with one request: sends `data`, then closes, resets or says nothing more."""

    data: bytes = b""
    then: str = "close"


def answer(
    body: bytes = b"{}",
    *headers: str,
    status: str = "200 OK",
    kind: str = "application/json",
    length: int = 0,
) -> Raw:
    """A whole answer; `length` is added to the length that it states."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body) + length}"]
    return Raw("\r\n".join([*lines, "connection: close", *headers, "", ""]).encode() + body)


class RawServer:
    """Plays `answers` one after the other, one for each connection, and keeps what it was sent."""

    def __init__(self, answers: Sequence[Raw], host: str = "127.0.0.1") -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, 0), family=family, backlog=50)
        self._open: list[socket.socket] = []
        port = self._listening.getsockname()[1]
        self.root = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for raw in self.answers:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            with contextlib.suppress(OSError):
                self.requests.append(_request(connection))
                connection.sendall(raw.data)
                if raw.then == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if raw.then != "silence":
                    connection.close()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _request(connection: socket.socket) -> bytes:
    connection.settimeout(5)
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    while re.search(rb"(?i)transfer-encoding: *chunked", head) and not body.endswith(b"0\r\n\r\n"):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


# --- clients ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What a client saw of one request."""

    status: int = 0
    body: bytes = b""
    headers: dict[str, list[str]] = field(default_factory=dict)
    error: str = ""
    reason: str = ""


_OBJECT = re.compile(r"<?[\w.]+(?: object)? at 0x[0-9a-f]+>?|\w+Connection\(host='[^']+', port=\d+\)")


def _error(error: BaseException) -> Seen:
    said = _OBJECT.sub("<object>", str(error))
    return Seen(error=f"{type(error).__module__}.{type(error).__qualname__}: {said}")


def _seen(status: int, reason: str, body: bytes, headers: list[tuple[str, str]]) -> Seen:
    kept: dict[str, list[str]] = {}
    for name, value in headers:
        if is_safe(name.lower()):
            kept.setdefault(name.lower(), []).append(value)
    return Seen(status, body, kept, reason=reason)


Ask = Callable[..., Seen]
"""Asks a method and an address with a body, and says what it saw."""


def _guarded(ask: Ask) -> Ask:
    def asking(*args: Any, **more: Any) -> Seen:
        try:
            return ask(*args, **more)
        except Exception as error:
            return _error(error)

    return asking


def _httpx(method: str, url: str, body: Any = None, **more: Any) -> Seen:
    import httpx

    with httpx.Client(timeout=TIMEOUT) as client:
        got = client.request(method, url, content=body, **more)
        return _seen(got.status_code, got.reason_phrase, got.content, got.headers.multi_items())


def _httpx_streamed(method: str, url: str, body: Any = None, **more: Any) -> Seen:
    import httpx

    with httpx.Client(timeout=TIMEOUT) as client, client.stream(method, url, content=body, **more) as got:
        return _seen(
            got.status_code, got.reason_phrase, b"".join(got.iter_bytes()), got.headers.multi_items()
        )


def _httpx_async(method: str, url: str, body: Any = None, **more: Any) -> Seen:
    import httpx

    async def ask() -> Seen:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            got = await client.request(method, url, content=body, **more)
            return _seen(got.status_code, got.reason_phrase, got.content, got.headers.multi_items())

    return asyncio.run(ask())


def _aiohttp(method: str, url: str, body: Any = None, **more: Any) -> Seen:
    import aiohttp

    async def ask() -> Seen:
        patience = aiohttp.ClientTimeout(total=TIMEOUT)
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.request(method, url, data=body, **more) as got,
        ):
            return _seen(got.status, str(got.reason), await got.read(), list(got.headers.items()))

    return asyncio.run(ask())


def _requests(method: str, url: str, body: Any = None, **more: Any) -> Seen:
    import requests

    got = requests.request(method, url, data=body, timeout=TIMEOUT, **more)
    return _seen(got.status_code, got.reason, got.content, list(got.headers.items()))


def _urllib3(method: str, url: str, body: Any = None, **more: Any) -> Seen:
    import urllib3

    pool = urllib3.PoolManager(timeout=TIMEOUT, retries=urllib3.Retry(0, redirect=3))
    got = pool.request(method, url, body=body, **more)
    return _seen(got.status, str(got.reason), got.data, list(got.headers.items()))


def _http_client(method: str, url: str, body: Any = None, headers: dict[str, str] | None = None) -> Seen:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection.request(method, target, body, headers or {})
    got = connection.getresponse()
    return _seen(got.status, got.reason, got.read(), got.getheaders())


CLIENTS: dict[str, Ask] = {
    name: _guarded(ask)
    for name, ask in {
        "httpx": _httpx,
        "httpx, streamed": _httpx_streamed,
        "httpx, async": _httpx_async,
        "aiohttp": _aiohttp,
        "requests": _requests,
        "urllib3": _urllib3,
        "http.client": _http_client,
    }.items()
}


# --- recording and replaying -----------------------------------------------------------------------------------------


@contextmanager
def taped(
    kept: list[Exchange], recorded: Sequence[Exchange] | None = None, names: Sequence[str] = ()
) -> Iterator[HttpTape]:
    """A tape that appends to `kept`; a strict one of what is `recorded`, without any network."""

    def note(exchange: Exchange) -> int:
        kept.append(exchange)
        return len(kept)

    place = None if recorded is None else "file.yaml"
    tape = HttpTape(Canonical(Redactor(environ={}), names=names), note, recorded or (), place)
    with patched(), contextlib.ExitStack() as stack:
        stack.enter_context(no_network() if place else recorded_only())
        with current.use(tape):
            yield tape
        tape.close()


def from_file(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """As a cassette has them."""
    writer, reader = Writer(), Reader()
    return [reader.exchange(writer.step(exchange)) for exchange in exchanges]


def both(run: Callable[[], Any], server: RawServer | None = None) -> tuple[Any, Any]:
    """What `run` gives live, then in a replay after the server stopped."""
    kept: list[Exchange] = []
    with taped(kept) as tape:
        live = run()
        tape.finish()
    if server is not None:
        server.stop()
    again: list[Exchange] = []
    with taped(again, from_file(kept)) as tape:
        replayed = run()
        tape.finish()
    assert again == kept
    return live, replayed
