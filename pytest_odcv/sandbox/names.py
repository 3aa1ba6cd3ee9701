"""File names as text and back. In a text, a backslash is shown as `\\\\` and a byte that is not UTF-8 as `\\xNN`, so that two different
names never become one."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def shown_name(name: bytes) -> str:
    """A file name as text, one-to-one."""
    return name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def real_name(shown: str) -> bytes:
    """The bytes of a name that `shown_name` shows."""

    def byte(match: re.Match[bytes]) -> bytes:
        found = match.group(1)
        return found if found == b"\\" else bytes([int(found[1:], 16)])

    return _ESCAPE.sub(byte, shown.encode())
