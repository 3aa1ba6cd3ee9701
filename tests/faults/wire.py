"""A small HTTP/1.1 server on loopback whose every answer is a coroutine that writes to the socket as it likes.

Asyncio in a thread of its own: hundreds of requests may hang or drip at a time, which costs no thread each.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `number` counts from 1 in the order of arrival."""

    number: int
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)


class Connection:
    """What an answer writes to."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A whole answer."""
        await self.head(status, headers, len(body))
        await self.write(body)

    async def head(self, status: int, headers: Mapping[str, str], length: int) -> None:
        lines = [f"HTTP/1.1 {status} X", f"content-length: {length}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.write("\r\n".join([*lines, "", ""]).encode())

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """End it as a crashed server does: with RST instead of FIN."""
        self._writer.transport.abort()


Answer = Callable[[Request, Connection], Awaitable[None]]


class WireServer:
    """Serves `answer` at `base` until the `with` block ends. Noted are all requests, in the order of arrival."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[Request] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.base = ""

    def __enter__(self) -> WireServer:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.base = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                request = await self._read(reader)
                await self._answer(request, Connection(writer))
            finally:
                writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        data = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(
            len(self.requests) + 1, head[0].split()[1], headers, json.loads(data) if data else None
        )
        self.requests.append(request)
        return request
