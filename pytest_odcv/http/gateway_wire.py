"""HTTP/1.1 on asyncio streams, for both sides of the gateway: reads and writes messages, and bounds everything it reads.

The one who sends may be hostile, so what is unclear is refused: two lengths, folded headers, names that are none. Connects
to nobody and knows no model API.
"""

from __future__ import annotations

import re
import zlib
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 64 << 10
"""Of a start line with its headers; to be the `limit` of the stream that is read."""
_HEADERS: Final = 100
_PIECE: Final = 64 << 10
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\r\n")
_HOP_BY_HOP: Final = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip
_OF_THE_BODY: Final = frozenset(("content-length", "content-encoding", "expect"))


class BadMessage(Exception):
    """What came cannot be taken; `status` is what to answer where somebody waits for an answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and the headers after it, names in lower case, in the order they came."""

    start: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The values of a header, joined as RFC 9110 5.3 says; "" when it is not there."""
        return ", ".join(value for key, value in self.headers if key == name)

    def passed_on(self) -> Iterator[tuple[str, str]]:
        """The headers that are not about this connection, nor about how the body travels on it (RFC 9110 7.6.1)."""
        named = {name.strip().lower() for name in self.get("connection").split(",")}
        for name, value in self.headers:
            if name not in _HOP_BY_HOP and name not in _OF_THE_BODY and name not in named:
                yield name, value


async def read_head(reader: StreamReader) -> Head | None:
    """The next message's head; None when the other side has nothing more to say. Raises BadMessage."""
    try:
        data = await reader.readuntil(b"\r\n\r\n")
    except IncompleteReadError as error:
        if error.partial:
            raise BadMessage(400, "the message ends within its headers") from None
        return None
    except LimitOverrunError:
        raise BadMessage(431, f"the headers have more than {HEAD_BYTES} bytes") from None
    start, *lines = data[:-4].decode("latin-1").split("\r\n")
    if len(lines) > _HEADERS:
        raise BadMessage(431, f"there are more than {_HEADERS} headers")
    return Head(start, tuple(_header(line) for line in lines))


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or "\0" in value or "\r" in value or "\n" in value:
        raise BadMessage(400, "a header is not `name: value`")
    return name.lower(), value.strip(" \t")


def body(reader: StreamReader, head: Head, most: int, *, to_the_end: bool = False) -> AsyncIterator[bytes]:
    """The body that follows `head` in pieces, at most `most` bytes in all.

    `to_the_end`: without a length it ends with the connection, as that of a response does. Raises BadMessage.
    """
    coding, length = head.get("transfer-encoding").lower(), head.get("content-length")
    if coding:
        if coding != "chunked" or length:
            raise BadMessage(400, "expected either a content-length or the transfer-encoding chunked")
        return _chunked(reader, most)
    if length:
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise BadMessage(400, "content-length is not one number")
        if int(length) > most:
            raise _too_long(most)
        return _pieces(reader, int(length))
    return _rest(reader, most) if to_the_end else _pieces(reader, 0)


async def _chunked(reader: StreamReader, most: int) -> AsyncIterator[bytes]:
    left = most
    while size := await _chunk_size(reader):
        left -= size
        if left < 0:
            raise _too_long(most)
        async for piece in _pieces(reader, size):
            yield piece
        if await _line(reader) != b"\r\n":
            raise BadMessage(400, "a chunk is longer than it says")
    for _ in range(_HEADERS):
        if await _line(reader) == b"\r\n":
            return
    raise BadMessage(431, f"there are more than {_HEADERS} trailers")


async def _chunk_size(reader: StreamReader) -> int:
    found = _SIZE.fullmatch(await _line(reader))
    if found is None:
        raise BadMessage(400, "a chunk's size is not a number")
    return int(found[1], 16)


async def _line(reader: StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except (IncompleteReadError, LimitOverrunError):
        raise BadMessage(400, "the body is not in chunks as it says") from None


async def _pieces(reader: StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.read(min(size, _PIECE))
        if not piece:
            raise BadMessage(400, "the body is shorter than it says")
        size -= len(piece)
        yield piece


async def _rest(reader: StreamReader, most: int) -> AsyncIterator[bytes]:
    while piece := await reader.read(_PIECE):
        most -= len(piece)
        if most < 0:
            raise _too_long(most)
        yield piece


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


def head_bytes(start: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """A head to send. Characters that would make another header of a value are left out."""
    lines = [start, *(f"{name}: {_one_line(value)}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return "".join(" " if character in "\r\n\0" else character for character in value)


def chunk(data: bytes) -> bytes:
    """`data` as a chunk of a chunked body; the end of one when it is empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)
