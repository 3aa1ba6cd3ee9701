"""Bodies of requests and answers as values: what is compared, and what a cassette holds."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from . import sse

_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)\"?")
_PARTS = re.compile(rb"--([^\r\n]{1,70})\r\n")
_CHARSET = re.compile(r"charset=\"?([^\";\s]+)", re.IGNORECASE)
_FORM = "application/x-www-form-urlencoded"


def request(body: bytes, content_type: str) -> Any:
    """A request's body: JSON's value, a form's fields, a form of parts as text whose boundary is always the same, other text, or bytes."""
    if not body:
        return None
    boundary = _boundary(body, content_type)
    if boundary is not None:
        body = body.replace(boundary, b"boundary")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body
    if boundary is not None:
        return text
    if content_type.startswith(_FORM):
        return _fields(text)
    try:
        return sse.json_value(text, finite=False)
    except (ValueError, RecursionError):
        return text


def _boundary(body: bytes, content_type: str) -> bytes | None:
    """What stands between the parts of a form; aiohttp adds the header that says it only when it sends."""
    stated = _BOUNDARY.search(content_type)
    if stated is not None:
        return stated[1].encode()
    first = _PARTS.match(body)
    return first[1] if first and body.rstrip().endswith(b"--%b--" % first[1]) else None


def _fields(text: str) -> Any:
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        fields.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()} or text


def answer(body: bytes, content_type: str) -> Any:
    """JSON that is no object or list stays as it is written: as a value, a text could be one that is no JSON, and null no body. So does
    what Python reads and could not write again, such as NaN and halves of surrogate pairs, and text of another encoding."""
    charset = _CHARSET.search(content_type)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        return body or None
    if "text/event-stream" in content_type:
        return sse.merge(sse.parse(body)) if sse.is_stream(body) else _text_or_bytes(body)
    if _is_json(content_type):
        try:
            value = sse.json_value(body.decode())
            if isinstance(value, (dict, list)):
                return value
        except (ValueError, RecursionError):
            pass
    return _text_or_bytes(body)


def _text_or_bytes(body: bytes) -> str | bytes | None:
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return body


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")
