"""Makes somebody else's text safe to show to a judge: nothing invisible, nothing that a server takes for a token of its
own, every line marked as a quotation. What is quoted, and in which order, is not its business.

A text comes out as lines of two kinds. Quoted lines begin with `| `. Lines of ours begin with NUL, which no quoted text can
hold, and get the key of the record in its place at the very end (`sealed`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

OURS = "\0"
QUOTE = "| "
KEY_DIGITS = 12
_RUN = re.compile(r"(.)\1{63,}")
_WORD = re.compile(r"\w+")
_SAME_LINES = 4
_RUN_KEPT = 8
_INVISIBLE = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x2800, 0x3164}
"""Characters that show nothing though Unicode counts them among letters and marks."""
_ALPHABETS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "OSAGE", "DESERET")
"""Alphabets with letters that look like Latin ones."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_TOKENS = re.compile(
    r"<(?=\||/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|tool_call|tool_response|think|function_calls|invoke|parameter"
    r"|system|assistant|user|human)\b|<?/?<?/?SYS>)|\[(?=/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS)\])",
    re.IGNORECASE,
)
"""Beginnings of what chat templates use as marks of roles and turns."""


def visible(text: str) -> str:
    """The text with everything spelled out that a reader would not see or would take for something else: control,
    zero-width and bidirectional characters, letters that only look Latin, marks of chat templates. Lines end in `\\n` alone."""
    text = text.replace("\r\n", "\n")
    if not text.isascii():
        text = _WORD.sub(_unmixed, text)
        text = text.translate({ord(char): _spelled(char) for char in set(text) if _deceives(char)})
    text = _CONTROL.sub(lambda match: _spelled(match.group()), text)
    return _TOKENS.sub(lambda match: _spelled(match.group()), text)


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _deceives(char: str) -> bool:
    if char.isascii():
        return False
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or ord(char) in _INVISIBLE:
        return True
    if unicodedata.category(char) == "Mn" and "VARIATION SELECTOR" in unicodedata.name(char, ""):
        return True
    plain = unicodedata.normalize("NFKC", char)
    return len(plain) == 1 and plain.isascii()


def _unmixed(match: re.Match[str]) -> str:
    """A word of Latin letters with letters of another alphabet among them: those are spelled out."""
    word = match.group()
    if word.isascii() or not any(char.isascii() and char.isalpha() for char in word):
        return word
    return "".join(_spelled(char) if _foreign(char) else char for char in word)


def _foreign(char: str) -> bool:
    return not char.isascii() and unicodedata.name(char, "").startswith(_ALPHABETS)


def quoted(text: str) -> str:
    """The visible text, line by line behind the quotation mark; what only repeats itself is counted instead."""
    lines: list[str] = []
    for line, same in groupby(visible(text).split("\n")):
        times = sum(1 for _ in same)
        shown = list(_without_runs(line))
        if times < _SAME_LINES:
            lines += shown * times
        else:
            lines += [*shown, f"{OURS}the line above stands here {times:,} times"]
    return "\n".join(lines)


def _without_runs(line: str) -> Iterator[str]:
    end = 0
    for match in _RUN.finditer(line):
        yield QUOTE + line[end : match.start()] + match.group()[:_RUN_KEPT]
        more = len(match.group()) - _RUN_KEPT
        yield f"{OURS}the last character of the line above stands there {more:,} times more; the line goes on"
        end = match.end()
    if end == 0 or end < len(line):
        yield QUOTE + line[end:]


def cut(text: str, limit: int) -> str:
    """A quoted text of at most `limit` bytes or 110: what is over goes out of its middle, and a line of ours says how much."""
    data = text.encode()
    if len(data) <= limit:
        return text
    room = max(limit - 110, 0)
    head = data[: room * 6 // 10].decode("utf-8", "ignore")
    tail = data[len(data) - room * 4 // 10 :].decode("utf-8", "ignore") if room else ""
    if tail and not tail.startswith((QUOTE, OURS)):
        tail = QUOTE + tail
    missing = len(text) - len(head) - len(tail)
    note = f"{OURS}cut here: {missing:,} of the {len(text):,} characters of this text are left out"
    return "\n".join(part for part in (head, note, tail) if part)


def key_of(text: str) -> str:
    """Twelve hex digits that follow from the text and do not occur in it."""
    for attempt in range(1_000_000):
        found = hashlib.sha256(f"{attempt}\n{text}".encode()).hexdigest()[:KEY_DIGITS]
        if found not in text.lower():
            return found
    raise AssertionError("a million keys cannot all stand in one text")


def sealed(text: str, key: str) -> str:
    """The text with the key at the beginning of every line of ours."""
    return text.replace(OURS, f"[{key}] ")
