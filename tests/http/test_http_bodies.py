"""Bodies of requests and answers in whatever form they come: compressed, forms, streams, broken, hostile."""

from __future__ import annotations

import gzip
import json
import sys
import types
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from pytest_odcv.errors import CassetteError, UsageProblem
from pytest_odcv.http import coding
from pytest_odcv.http.canonical import Asked, Canonical, wire
from pytest_odcv.http.exchange import SseEvent, WireResponse
from pytest_odcv.redaction.redactor import Redactor
from tests.http.canonical_kit import (
    SECRET,
    calm,
    canonical,
    from_file,
    key,
    request,
    response,
    values,
    written,
)

# --- bodies ----------------------------------------------------------------------------------------------------------

PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", lambda data: zlib.compress(data, wbits=-15)),
    ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
]


def zstd_magic(rest: bytes) -> bytes:
    return b"\x28\xb5\x2f\xfd" + rest


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


def test_a_decoded_text_that_is_compressed_data_by_chance_is_the_text() -> None:
    """Found at random: raw deflate reads one byte in it."""
    rules = canonical()
    text = b'{\n  "<": 0\n}'
    for encoding in ("deflate", "br"):
        answer = WireResponse(200, "OK", {"content-encoding": [encoding], "content-length": ["20"]}, text)
        assert rules.exchange(rules.asked(request({})), answer).response == text.decode()
        kept = rules.exchange(rules.asked(request({})), response(text, content_encoding=encoding))
        assert kept.response == {"<": 0}


ENCODINGS = ["gzip", "deflate", "zstd", "br", "something", "gzip, gzip"]
BROKEN = {
    "broken": b"\x1f\x8b\x08broken",
    "cut short": gzip.compress(b'{"a": 1}', mtime=0)[:-9],
    "zstd": zstd_magic(b"broken"),
}


@pytest.mark.parametrize("encoding", [*ENCODINGS, ",", ""])
def test_a_body_that_a_library_decoded_and_left_its_header_is_the_body(encoding: str) -> None:
    rules = canonical()
    data = b'{"a": 1}'
    asked = rules.asked(request(data, {"content-encoding": encoding}))
    kept = rules.exchange(asked, response(data, content_encoding=encoding))
    assert kept.request == kept.response == {"a": 1}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_body_that_cannot_be_decoded_is_an_error_and_not_stored(encoding: str, data: bytes) -> None:
    rules = canonical()
    with pytest.raises(CassetteError, match="content-encoding"):
        rules.exchange(rules.asked(request({})), response(data, content_encoding=encoding))
    with pytest.raises(CassetteError, match="content-encoding"):
        rules.asked(request(data, {"content-encoding": encoding}))


@pytest.mark.parametrize(
    ("encoding", "modules", "data"),
    [("zstd", coding._ZSTD, zstd_magic(b"")), ("br", coding._BROTLI, b"\x8b\x03\x80{}\x03")],
)
def test_an_encoding_whose_module_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, encoding: str, modules: tuple[str, ...], data: bytes
) -> None:
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
    rules = canonical()
    with pytest.raises(CassetteError, match=f"one of {modules[0]}, {modules[1]}"):
        rules.exchange(rules.asked(request({})), response(data, content_encoding=encoding))


@pytest.mark.parametrize("name", coding._ZSTD)
def test_zstd_is_read_with_whatever_module_there_is(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each under its own interface: `zstandard` has another one than the standard library's module and its backport."""
    real = pytest.importorskip("zstandard", reason="needs zstandard")
    data = zstd(b'{"a":') + zstd(b" 1}")
    for other in coding._ZSTD:
        monkeypatch.setitem(sys.modules, other, None)
    if name == "zstandard":
        monkeypatch.setitem(sys.modules, name, real)
    else:
        module = types.ModuleType(name)
        module.decompress = lambda body: b'{"a": 1}' if body == data else b""  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name.partition(".")[0], types.ModuleType(name.partition(".")[0]))
        monkeypatch.setitem(sys.modules, name, module)
    rules = canonical()
    assert rules.exchange(rules.asked(request({})), response(data, content_encoding="zstd")).response == {
        "a": 1
    }


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


class TestHeaders:
    """What is recorded of an answer's headers, and what a client gets again."""

    def test_only_headers_that_a_client_needs_are_kept(self) -> None:
        rules = canonical()
        headers = {
            "x_request_id": "7",
            "retry_after": "2",
            "mcp_session_id": "abc",
            "link": "</2>; rel=next",
            "date": "today",
        }
        kept = rules.exchange(rules.asked(request({}, {"user-agent": "x"})), response({}, **headers))
        assert kept.headers == {
            "content-type": "application/json",
            "retry-after": "2",
            "mcp-session-id": "abc",
            "link": "</2>; rel=next",
        }

    def test_headers_that_the_project_names_are_kept_too(self) -> None:
        rules = Canonical(Redactor(environ={}), names=["X-Page-Token"])
        kept = rules.exchange(rules.asked(request({})), response({}, x_page_token="p2", x_other="1"))
        assert kept.headers == {"content-type": "application/json", "x-page-token": "p2"}

    @pytest.mark.parametrize("name", ["", "two words", "a:b", "ü"])
    def test_a_name_that_is_none_is_refused(self, name: str) -> None:
        with pytest.raises(UsageProblem, match="expected the name of a header"):
            Canonical(Redactor(environ={}), names=[name])

    def test_cookies_come_again_one_by_one_with_their_secrets_hidden(self) -> None:
        rules = canonical()
        cookies = [
            f"session={SECRET}; Path=/; HttpOnly",
            "lang=en",
            'id="a b"',
            "__cf_bm=x; Path=/",
            "sid=1; Secure",
        ]
        answer = WireResponse(200, "OK", {"Set-Cookie": cookies}, b"")
        kept = from_file(rules.exchange(rules.asked(request({})), answer))
        assert wire(kept).headers["set-cookie"] == [
            "session=[redacted:value]; Path=/; HttpOnly",
            "lang=en",
            'id="a b"',
            "sid=[redacted:value]; Secure",
        ]
        assert SECRET not in written(kept)

    @pytest.mark.parametrize(
        "name", ["x-request-id", "X-Correlation-ID", "x-ms-client-request-id", "traceparent"]
    )
    def test_an_id_that_an_answer_says_again_is_that_of_the_request_that_is_answered(self, name: str) -> None:
        rules = canonical()
        asked = rules.asked(request({}, {name: "recorded-1"}))
        kept = from_file(rules.exchange(asked, response({}, **{name.replace("-", "_"): "recorded-1"})))
        assert wire(kept, {name.upper(): "now-2"}).headers[name.lower()] == ["now-2"]
        assert "recorded-1" not in written(kept)

    def test_an_id_that_is_said_under_another_name_is_a_mirror_too(self) -> None:
        rules = canonical()
        asked = rules.asked(request({}, {"x-client-request-id": "recorded-1"}))
        kept = rules.exchange(asked, response({}, request_id="recorded-1"))
        assert wire(kept, {"x-client-request-id": "now-2"}).headers["request-id"] == ["now-2"]

    def test_a_key_that_is_said_again_is_no_id(self) -> None:
        rules = canonical()
        asked = rules.asked(request({}, {"authorization": "Bearer abcdefgh", "accept": "application/json"}))
        kept = rules.exchange(asked, response({}, authorization="Bearer abcdefgh"))
        assert kept.headers == {"content-type": "application/json"}


NOT_TO_BE_WRITTEN = ['{"a": NaN}', '{"a": "\\ud83d"}', '{"a": 1e999}', '{"\\udc00": []}']


@pytest.mark.parametrize("text", NOT_TO_BE_WRITTEN)
def test_json_that_could_not_be_written_again_is_kept_as_it_was_sent(text: str) -> None:
    rules = canonical()
    kept = from_file(rules.exchange(rules.asked(request({})), response(text.encode())))
    assert wire(kept).body == text.encode()
    kept.response.encode()
    kept = rules.exchange(
        rules.asked(request({})), response(f"data: {text}\n\n".encode(), content_type="text/event-stream")
    )
    assert wire(kept).body == f"data: {text}\n\n".encode()


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": "\\ud83d"}'])
def test_a_request_that_could_not_be_written_again_is_compared_as_it_was_sent(text: str) -> None:
    assert canonical().asked(request(text.encode())).body == text


def test_text_of_another_encoding_is_kept_as_bytes() -> None:
    rules = canonical()
    data = '{"a": "ü"}'.encode("utf-16")
    kept = rules.exchange(
        rules.asked(request({})), response(data, content_type="application/json; charset=utf-16")
    )
    assert wire(kept).body == data
