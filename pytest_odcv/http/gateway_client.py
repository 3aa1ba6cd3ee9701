"""The gateway's side of one connection: what is written to a client, and whether it still waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import h11

from .exchange import phrase
from .gateway_upstream import Answer
from .gateway_wire import Wire, to_send

_NOT_PASSED: Final = ("content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive")


class Client:
    """Writes answers to one connection. One that is gone is written to in vain, and the answer is still fetched to its end."""

    def __init__(self, wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wire = wire
        self.started = False
        self._reader, self._writer = reader, writer
        self._without_body = self._last = False

    @property
    def gone(self) -> bool:
        """Whether the other side has closed the connection."""
        return self._reader.at_eof() or self._writer.transport.is_closing()

    def begin(self, method: bytes) -> None:
        """The next answer is to a request of this method."""
        self._without_body = method == b"HEAD"

    async def whole(self, status: int, reason: str, headers: Mapping[str, list[str]], data: bytes) -> None:
        """A response whose length is known."""
        length = {} if status in (204, 304) else {"content-length": [str(len(data))]}
        close = {"connection": ["close"]} if self._last else {}
        self.wire.send(_head(status, reason, {**_passed(headers), **length, **close}))
        body = [h11.Data(data=data)] if length and not self._without_body else []
        await self._send(*body, h11.EndOfMessage())

    async def start(self, answer: Answer) -> None:
        """The head of a response that comes in pieces."""
        self.started = True
        await self._send(_head(answer.status, answer.reason, _passed(answer.headers)))

    async def send(self, data: bytes) -> None:
        """A piece of a response."""
        await self._send(h11.Data(data=data))

    async def end(self) -> None:
        """The end of a response that came in pieces."""
        await self._send(h11.EndOfMessage())
        self.started = False

    async def error(self, status: int, kind: str, text: str, last: bool = False) -> None:
        """An error as clients of both APIs read it; the `last` of its connection says so. Raises ConnectionError where a broken end is
        all that is left to say it with."""
        if self.started:
            raise ConnectionError
        value = {"type": "error", "error": {"type": kind, "code": kind, "message": text}}
        headers = {"content-type": ["application/json"]}
        self._last = last
        await self.whole(status, "", headers, json.dumps(value).encode())

    async def _send(self, *events: h11.Event) -> None:
        self.wire.send(*events)
        with suppress(OSError):
            await self._writer.drain()


def _head(status: int, reason: str, headers: Mapping[str, list[str]]) -> h11.Response:
    pairs = ((name, value) for name, values in headers.items() for value in values)
    return h11.Response(
        status_code=status,
        reason=(reason or phrase(status)).encode("latin-1", "replace"),
        headers=to_send(pairs),
    )


def _passed(headers: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name.lower(): list(values) for name, values in headers.items() if name.lower() not in _NOT_PASSED}
