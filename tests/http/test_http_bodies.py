"""Bodies of requests and answers in whatever form they come: compressed, forms, streams, broken, hostile."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from pytest_odcv.http.canonical import Asked, wire
from pytest_odcv.http.exchange import SseEvent
from tests.http.canonical_kit import (
    SECRET,
    calm,
    canonical,
    from_file,
    key,
    request,
    response,
    values,
)

# --- bodies ----------------------------------------------------------------------------------------------------------

PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", lambda data: zlib.compress(data, wbits=-15)),
    ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
]


def zstd(data: bytes) -> bytes:
    packer = pytest.importorskip("zstandard", reason="needs zstandard").ZstdCompressor().compressobj()
    return bytes(packer.compress(data) + packer.flush())


def brotli(data: bytes) -> bytes:
    return bytes(pytest.importorskip("brotli", reason="needs brotli").compress(data))


@pytest.mark.parametrize(("encoding", "pack"), [*PACKED, ("zstd", zstd), ("br", brotli)])
def test_a_compressed_body_is_the_body(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    rules = canonical()
    plain = {"a": "ü" * 100}
    data = pack(json.dumps(plain).encode())
    found = rules.asked(request(data, {"content-encoding": encoding}))
    assert found == rules.asked(request(plain))
    kept = rules.exchange(found, response(data, content_encoding=encoding))
    assert kept.response == plain
    assert "content-encoding" not in wire(kept).headers


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br", "something", "gzip, gzip", ",", ""])
@pytest.mark.parametrize(
    "data",
    [b'{"a": 1}', b"\x1f\x8b\x08broken", gzip.compress(b'{"a": 1}')[:-9]],
    ids=[
        "plain",
        "broken",
        "cut short",
    ],  # gzip writes the time: as an id it would differ from worker to worker.
)
def test_an_encoding_that_does_not_hold_is_no_error(encoding: str, data: bytes) -> None:
    rules = canonical()
    kept = rules.exchange(
        rules.asked(request(data, {"content-encoding": encoding})), response(data, content_encoding=encoding)
    )
    if data.startswith(b"{"):
        assert kept.request == kept.response == {"a": 1}


@pytest.mark.parametrize("content", [b"plain text", b"\xff\xfe\x00 no UTF-8"])
def test_a_multipart_boundary_makes_no_difference(content: bytes) -> None:
    def form(boundary: str, text: bytes = content) -> Asked:
        mark = boundary.encode()
        data = b'--%b\r\nContent-Disposition: form-data; name="f"\r\n\r\n%b\r\n--%b--\r\n' % (
            mark,
            text,
            mark,
        )
        return canonical().asked(
            request(data, {"content-type": f'multipart/form-data; boundary="{boundary}"'})
        )

    assert form("5f1e2d3c") == form("aaaa-bbbb")
    assert form("5f1e2d3c").key != form("5f1e2d3c", content + b"!").key


def _nested(depth: int) -> bytes:
    return b'{"a":[' * depth + b"1" + b"]}" * depth


HOSTILE = {
    "nothing": b"",
    "deep": _nested(300),
    "deeper": _nested(5000),
    "open brackets": b"[" * 100_000,
    "lone surrogates": rb'{"\ud800": "\udfff", "a": ["\ud83d"]}',
    "surrogate bytes": b'{"a": "\xed\xa0\x80"}',
    "not a number": b'{"a": [NaN, Infinity, -Infinity]}',
    "huge numbers": b'{"a": 1e999, "b": %b}' % (b"9" * 5000),
    "one name twice": b'{"a": 1, "a": 2}',
    "controls": b'{"a": "\\u0000\\u2028\\u0085\\ufeff\\r"}',
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "another encoding": '{"a": 1}'.encode("utf-16"),
    "a text": b'"text"',
    "null": b"null",
    "a number": b"1.50",
    "no JSON": b"<html>502</html>",
    "half a JSON": b'{"a": ',
    "odd fields": b'{"api_key": null, "password": {"secret": [[1]]}, "": "", "metadata": [[]]}',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bodies_are_kept_and_replayed(data: bytes) -> None:
    rules = canonical("metadata.*.id", "a.*", r"/\d\d\d\d/")
    found = rules.asked(request(data))
    kept = from_file(rules.again(rules.exchange(found, response(data))))
    assert key(kept) == canonical("metadata.*.id", "a.*", r"/\d\d\d\d/").asked(request(data)).key
    wire(kept)


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_events_are_kept_and_replayed(data: bytes) -> None:
    rules = canonical()
    stream = b"event: x\ndata: " + data + b"\n\ndata: [DONE]\n\n"
    kept = from_file(
        rules.exchange(rules.asked(request({})), response(stream, content_type="text/event-stream"))
    )
    assert b"data: [DONE]\n\n" in wire(kept).body


@pytest.mark.parametrize("data", [b'"text"', b"null", b"<html>502</html>", b'{"a": ', b"1.50", b"true", b""])
def test_an_answer_that_is_no_object_is_replayed_byte_for_byte(data: bytes) -> None:
    rules = canonical()
    kept = from_file(rules.exchange(rules.asked(request({})), response(data)))
    assert wire(kept).body == data


@calm
@given(values)
def test_an_answer_in_json_is_replayed_as_the_same_value(value: Any) -> None:
    rules = canonical()
    got = wire(from_file(rules.exchange(rules.asked(request({})), response(value)))).body
    spelled = json.dumps(value, sort_keys=True)
    if "\\ud" not in spelled and "[redacted:" not in got.decode():
        assert json.dumps(json.loads(got), sort_keys=True) == spelled


def test_a_stream_is_events_without_secrets() -> None:
    rules = canonical()
    stream = f'event: {SECRET}\ndata: {{"text": "{SECRET}", "access_token": "short"}}\n\n'.encode()
    found = rules.asked(request({}, {"x-api-key": SECRET}))
    kept = rules.exchange(found, response(stream, content_type="text/event-stream; charset=utf-8"))
    data = {"text": "[redacted:value]", "access_token": "[redacted:value]"}
    assert kept.response == (SseEvent(data, "[redacted:value]"),)
    assert b"[redacted:value]" in wire(kept).body


def test_bytes_are_kept_as_bytes_without_secrets() -> None:
    rules = canonical()
    found = rules.asked(request(b"\xff\x00" + SECRET.encode(), {"x-api-key": SECRET}))
    kept = rules.exchange(found, response(b"\xfe" + SECRET.encode(), content_type="image/png"))
    assert found.body == b"\xff\x00[redacted:value]"
    assert kept.response == b"\xfe[redacted:value]" == wire(kept).body


def test_only_headers_that_a_client_needs_are_kept() -> None:
    rules = canonical()
    headers = {
        "set_cookie": f"s={SECRET}",
        "x_request_id": "7",
        "retry_after": "2",
        "mcp_session_id": "abc",
        "date": "today",
    }
    kept = rules.exchange(rules.asked(request({}, {"user-agent": "x"})), response({}, **headers))
    assert kept.headers == {"content-type": "application/json", "retry-after": "2", "mcp-session-id": "abc"}
