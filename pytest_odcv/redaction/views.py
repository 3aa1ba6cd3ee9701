"""The same text with its encodings taken off: a secret in an escaped, percent-encoded or base64 form is found in the decoded text, and
its place is told in the text as it is."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DEEPEST = 3
"""Encodings within each other that are looked through: a JSON text in a JSON text in a request's body has two."""
_LARGE = 1 << 20
"""Characters from which on only one encoding is taken off, to bound the time."""
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|U[0-9a-fA-F]{8}|[nrtbfav0\"'\\/])"
)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+={0,2}")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Span:
    """A secret at `start` to `end` of a text. Where two overlap, the lower `rank` names the whole."""

    start: int
    end: int
    mark: str
    rank: int


Find = Callable[[str], list[Span]]


def spans_within(text: str, find: Find, depth: int = 0) -> list[Span]:
    """What `find` finds in the text and in every decoded form of it, as places in `text`.

    Args:
        text: Any text.
        find: Gives the secrets in a text as it is.
        depth: How many encodings were taken off already.
    """
    found = find(text)
    if depth >= (1 if len(text) > _LARGE else DEEPEST):
        return found
    if "\\" in text:
        found += _mapped(text, _ESCAPE, _unescaped, find, depth)
    if "%" in text:
        found += _mapped(text, _PERCENT, _unquoted, find, depth)
    found += _in_base64(text, find, depth)
    return found


def _mapped(
    text: str, encoded: re.Pattern[str], decode: Callable[[str], str], find: Find, depth: int
) -> list[Span]:
    plain = encoded.sub(lambda match: decode(match[0]), text)
    if plain == text:
        return []
    found = spans_within(plain, find, depth + 1)
    if not found:
        return []
    # Only now, since most texts hold no secret: where each encoded piece begins, decoded and as it is.
    starts, sources = [0], [0]
    shift = 0
    for match in encoded.finditer(text):
        length = len(decode(match[0]))
        at = match.start() - shift
        starts += [at, at + length]
        sources += [match.start(), match.end()]
        shift += len(match[0]) - length

    def source(at: int, is_end: bool) -> int:
        place = bisect_right(starts, at - is_end) - 1
        # A place within an encoded piece takes the whole of it: half an escape is none.
        if place % 2 and place + 1 < len(sources):
            return sources[place + 1] if is_end else sources[place]
        return sources[place] + at - starts[place]

    return [Span(source(s.start, False), source(s.end, True), s.mark, s.rank) for s in found]


def _in_base64(text: str, find: Find, depth: int) -> Iterator[Span]:
    for match in _BASE64.finditer(text):
        plain = _unpacked(match[0].rstrip("="))
        found = spans_within(plain, find, depth + 1) if plain else []
        if found:
            first = min(found, key=lambda span: span.rank)
            yield Span(match.start(), match.end(), first.mark, first.rank)


def _unpacked(run: str) -> str:
    """The text that a run of base64 stands for; "" where it is none."""
    run = run.replace("-", "+").replace("_", "/")
    if len(run) % 4 == 1:
        return ""
    try:
        data = base64.b64decode(run + "=" * (-len(run) % 4))
    except (ValueError, binascii.Error):
        return ""
    # Random letters seldom decode to plain text, so what does was text.
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return (
        text
        if text.isprintable() or text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable()
        else ""
    )


def _unescaped(piece: str) -> str:
    kind = piece[1]
    if kind not in "uUx":
        return _SIMPLE.get(kind, kind)
    if len(piece) == 12:
        return piece_of_pair(int(piece[2:6], 16), int(piece[8:12], 16))
    code = int(piece[2:], 16)
    return chr(code) if code < 0x110000 else "\ufffd"


def piece_of_pair(high: int, low: int) -> str:
    """The character that a pair of surrogates stands for."""
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _unquoted(piece: str) -> str:
    return bytes.fromhex(piece.replace("%", "")).decode("utf-8", "replace")
