"""Content encodings: a body without its compression, by whatever module is there for it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Final

from ..errors import CassetteError

_NONE: Final = frozenset(("", "identity", "chunked"))
_ZSTD: Final = ("compression.zstd", "backports.zstd", "zstandard", "pyzstd")
"""The standard library's of Python 3.14, and those that HTTP libraries use before it."""
_BROTLI: Final = ("brotli", "brotlicffi")
_OPTIONAL: Final = frozenset(("br", "zstd"))
_WITHOUT_MARK: Final = frozenset(("br", "deflate"))
"""A short text may be one of these by chance."""
_MAGIC: Final = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


def decoded(body: bytes, coding: str, length: str = "") -> bytes:
    """`body` without the encodings of a `content-encoding` header, the last one first.

    Some libraries hand on a body that they decoded already and leave the headers as they were: one that is not as long as the header
    `content-length` says, and text that does not begin as compressed data does, is taken for that.

    Raises:
        CassetteError: for a body that is neither, or an encoding that nothing here can read.
    """
    if length.isdecimal() and int(length) != len(body):
        return body
    for kind in reversed([kind.strip().lower() for kind in coding.split(",")]):
        if kind in _NONE or not body:
            continue
        if kind in _WITHOUT_MARK and not _is_compressed(body, kind):
            break
        try:
            body = _unpacked(body, kind)
        except CassetteError:
            if _is_compressed(body, kind):
                raise
            break
    return body


def check_accepted(coding: str, accepted: str) -> None:
    """Raises CassetteError for an encoding that the client says it cannot read: it has seen the compressed body. Every client reads gzip and
    deflate. `accepted` is its header, "" where it says nothing."""
    asked = {part.partition(";")[0].strip().lower() for part in accepted.split(",")} if accepted else {"*"}
    kinds = [kind.strip().lower() for kind in coding.split(",")]
    odd = next((kind for kind in kinds if kind in _OPTIONAL and not asked & {kind, "*"}), None)
    if odd is not None:
        raise CassetteError(
            f"the server sent a body with the content-encoding {odd!r}, and the client accepts only {accepted!r}: it saw the compressed "
            "bytes, and a recording has none\n"
            f"  to fix: install a module that reads {odd}, or set the server to send what the client accepts"
        )


def _unpacked(body: bytes, kind: str) -> bytes:
    unpack = _UNPACK.get(kind)
    if unpack is None:
        raise CassetteError(
            f"a body has the content-encoding {kind!r}, which is none of {', '.join(_UNPACK)}: what the client made of it cannot be "
            "recorded\n  to fix: let the client ask without it, as with the header accept-encoding: gzip"
        )
    try:
        return unpack(body)
    except CassetteError:
        raise
    except Exception as error:  # Each module has errors of its own.
        raise CassetteError(
            f"a body has the content-encoding {kind!r} and is not {kind} as it says, or is cut off "
            f"({type(error).__name__}: {error}); it cannot be recorded as the client saw it"
        ) from None


def _is_compressed(body: bytes, kind: str) -> bool:
    """Whether this is compressed data rather than what was in it."""
    if body.startswith(_MAGIC.get(kind, b"\0\0\0\0")):
        return True
    if (
        kind == "deflate"
        and body[0] & 15 == 8
        and int.from_bytes(body[:2]) % 31 == 0
        and not body[1:2].isalnum()
    ):
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False


def _deflated(body: bytes) -> bytes:
    try:
        return _inflated(body, zlib.MAX_WBITS)
    except zlib.error:
        return _inflated(body, -zlib.MAX_WBITS)  # As some servers have it.


def _inflated(body: bytes, window: int) -> bytes:
    unpack = zlib.decompressobj(window)
    data = unpack.decompress(body)
    if not unpack.eof or unpack.unused_data:
        raise zlib.error("incomplete or truncated stream")
    return data


def _brotli(body: bytes) -> bytes:
    return bytes(_module(_BROTLI, "br").decompress(body))


def _zstd(body: bytes) -> bytes:
    module = _module(_ZSTD, "zstd")
    if module.__name__ != "zstandard":
        return bytes(module.decompress(body))
    data = b""
    while body:  # One frame after the other.
        unpack = module.ZstdDecompressor().decompressobj()
        data += unpack.decompress(body)
        if not unpack.eof:
            raise ValueError("incomplete frame")
        body = unpack.unused_data
    return data


def _module(names: Iterable[str], kind: str) -> Any:
    for name in names:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise CassetteError(
        f"a body has the content-encoding {kind!r}, and no module is installed that reads it: one of {', '.join(names)}\n"
        "  to fix: install one, or let the client ask without it, as with the header accept-encoding: gzip"
    )


_UNPACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.decompress,
    "x-gzip": gzip.decompress,
    "deflate": _deflated,
    "br": _brotli,
    "zstd": _zstd,
}
