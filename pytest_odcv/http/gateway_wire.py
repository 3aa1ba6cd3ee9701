"""One HTTP/1.1 connection of the gateway, to a client or to an API: h11 reads and writes the messages, this bounds what is read.

The other side may be hostile, so what is unclear is refused: two lengths, folded headers. Connects to nobody and knows no
model API.
"""

from __future__ import annotations

import re
import zlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

import h11

HEAD_BYTES: Final = 64 << 10
"""Of a start line with its headers, and of the trailers of a body."""
_HEADERS: Final = 100
_PIECE: Final = 64 << 10
_FOLDED: Final = re.compile(rb"\n[ \t]")
_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")
_HOP_BY_HOP: Final = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip
_OF_THE_BODY: Final = frozenset(("content-length", "content-encoding", "expect"))

Head = h11.Request | h11.Response
"""Header names are in lower case, in the order they came."""


class BadMessage(Exception):
    """What came cannot be taken; `status` is what to answer where somebody waits for an answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Wire:
    """One connection, on which messages follow one another.

    Args:
        role: what this side is, `h11.SERVER` or `h11.CLIENT`.
        reader: where bytes come from.
        writer: where they go. One whose other side is gone is written to in vain.
    """

    def __init__(
        self, role: type[h11.SERVER] | type[h11.CLIENT], reader: StreamReader, writer: StreamWriter
    ) -> None:
        self._messages = h11.Connection(role, max_incomplete_event_size=HEAD_BYTES)
        self._reader, self._writer = reader, writer

    async def head(self) -> Head | None:
        """The next message's head; None when the other side has nothing more to say. Raises BadMessage."""
        seen = self._left_over()
        while isinstance(event := await self._next(seen), h11.InformationalResponse):
            seen = self._left_over()
        if not isinstance(event, (h11.Request, h11.Response)):
            return None
        _check_head(_END_OF_HEAD.split(bytes(seen), 1)[0], len(event.headers))
        return event

    async def body(self, head: Head, most: int) -> AsyncIterator[bytes]:
        """The body that follows `head` in pieces, at most `most` bytes in all. Raises BadMessage."""
        length = header(head, "content-length")
        if length and header(head, "transfer-encoding"):
            raise BadMessage(400, "expected either a content-length or the transfer-encoding chunked")
        if length and int(length) > most:
            raise _too_long(most)
        if self._messages.they_are_waiting_for_100_continue:
            self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        left = most
        while isinstance(event := await self._next(), h11.Data):
            left -= len(event.data)
            if left < 0:
                raise _too_long(most)
            yield bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            _check_number(len(event.headers), "trailers")

    def send(self, *events: h11.Event) -> None:
        """Write a message, or a part of one. Raises ConnectionError for one that is out of turn."""
        try:
            data = b"".join(self._messages.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:
            raise ConnectionError(str(error)) from None
        if not self._writer.is_closing():
            self._writer.write(data)

    def next_cycle(self) -> bool:
        """Whether another message may follow on this connection, which then begins."""
        if self._messages.our_state is not h11.DONE or self._messages.their_state is not h11.DONE:
            return False
        self._messages.start_next_cycle()
        return True

    def _left_over(self) -> bytearray:
        return bytearray(self._messages.trailing_data[0])

    async def _next(self, seen: bytearray | None = None) -> object:
        """The next event of h11's; what is read for it is added to `seen`."""
        try:
            while (event := self._messages.next_event()) is h11.NEED_DATA:
                data = await self._reader.read(_PIECE)
                if seen is not None:
                    seen += data
                self._messages.receive_data(data)
        except h11.RemoteProtocolError as error:
            text = "the connection ended before the message did" if self._reader.at_eof() else str(error)
            raise BadMessage(431 if error.error_status_hint == 431 else 400, text) from None
        return event


def header(head: Head, name: str) -> str:
    """The values of a header, joined as RFC 9110 5.3 says; "" when it is not there."""
    return ", ".join(value.decode("latin-1") for key, value in head.headers if key == name.encode())


def headers_of(head: Head) -> dict[str, str]:
    """All headers by name, each with its values joined."""
    return {key.decode(): header(head, key.decode()) for key, _ in head.headers}


def passed_on(head: Head) -> Iterator[tuple[str, str]]:
    """The headers that are not about this connection, nor about how the body travels on it (RFC 9110 7.6.1)."""
    named = {name.strip().lower() for name in header(head, "connection").split(",")}
    for key, value in head.headers:
        name = key.decode()
        if name not in _HOP_BY_HOP and name not in _OF_THE_BODY and name not in named:
            yield name, value.decode("latin-1")


def to_send(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers for an event. Characters that would make another header of a value are left out."""
    return [
        (name.encode("latin-1"), _one_line(value).encode("latin-1", "replace")) for name, value in headers
    ]


def _one_line(value: str) -> str:
    return "".join(" " if character in "\r\n\0" else character for character in value).strip(" \t")


def _check_head(head: bytes, number: int) -> None:
    """What h11 takes and this does not: it bounds what is incomplete, and joins folded lines, as RFC 9112 5.2 allows."""
    if len(head) > HEAD_BYTES:
        raise BadMessage(431, f"the headers have more than {HEAD_BYTES} bytes")
    if _FOLDED.search(head):
        raise BadMessage(400, "a header goes on in the next line")
    _check_number(number, "headers")


def _check_number(number: int, what: str) -> None:
    if number > _HEADERS:
        raise BadMessage(431, f"there are more than {_HEADERS} {what}")


def _too_long(most: int) -> BadMessage:
    return BadMessage(413, f"the body has more than {most} bytes")


async def decoded(pieces: AsyncIterator[bytes], coding: str, most: int) -> AsyncIterator[bytes]:
    """`pieces` without their content-encoding: gzip, deflate, or none. Raises BadMessage for another, and over `most` bytes."""
    if coding in ("", "identity"):
        async for piece in pieces:
            yield piece
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise BadMessage(502, f"the content-encoding {coding!r} is not one that was asked for")
    # 32: a gzip or zlib header, whichever is there.
    unpack = zlib.decompressobj(32 + zlib.MAX_WBITS)
    left = most
    try:
        async for piece in pieces:
            while piece and not unpack.eof:
                out = unpack.decompress(piece, _PIECE)
                left -= len(out)
                if left < 0:
                    raise _too_long(most)
                if out:
                    yield out
                piece = unpack.unconsumed_tail
    except zlib.error as error:
        raise BadMessage(502, f"the body is not {coding} as it says: {error}") from None
    if not unpack.eof:
        raise BadMessage(502, f"the {coding} body is cut off")
