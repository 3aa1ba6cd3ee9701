"""Where the gateway sends requests: by the environment, over TLS, through a proxy, and without the key coming back."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_odcv.http import gateway_upstream
from pytest_odcv.http.gateway_upstream import upstreams
from tests.http.gateway_kit import (
    ASKED,
    KEY,
    Api,
    FakeTape,
    asks,
    connect_proxy,
    environment,
    running_api,
    with_gateway,
)


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    """The address of a model API, and what it has seen."""
    with running_api() as running:
        yield running


class TestUpstreams:
    """Where requests go, by the environment."""

    def test_without_anything_set_they_are_the_providers_own_and_need_keys(self) -> None:
        found = upstreams({})
        assert (found["openai"].base, found["openai"].missing) == (
            "https://api.openai.com/v1",
            "OPENAI_API_KEY",
        )
        assert (found["anthropic"].base, found["anthropic"].missing) == (
            "https://api.anthropic.com",
            "ANTHROPIC_API_KEY",
        )

    def test_the_option_comes_before_the_environment_and_a_server_of_ones_own_needs_no_key(self) -> None:
        found = upstreams({"OPENAI_BASE_URL": "http://a/v1"}, "http://b/v1/")
        assert (found["openai"].base, found["openai"].missing) == ("http://b/v1", "")

    def test_a_token_for_anthropic_is_a_bearers(self) -> None:
        assert upstreams({"ANTHROPIC_AUTH_TOKEN": "t"})["anthropic"].key_headers == {
            "authorization": "Bearer t"
        }

    def test_an_upstream_does_not_show_its_key(self) -> None:
        assert KEY not in repr(upstreams({"OPENAI_API_KEY": KEY}))


@pytest.fixture
def tls_api(
    api: tuple[str, type[Api]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[int, type[Api]]]:
    """The model API over TLS as `api.test`, with a certificate that this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += [
        "-subj",
        "/CN=api.test",
        "-addext",
        "subjectAltName=DNS:api.test",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = ThreadingHTTPServer(("127.0.0.1", 0), api[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port, api[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_api_behind_tls_is_asked_over_the_proxy_of_the_environment(
    tls_api: tuple[int, type[Api]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, handler = tls_api
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with connect_proxy(port) as (proxy, seen):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        value = {**ASKED, "filler": "x" * 500_000, "how": "stream"}
        status, _, body = with_gateway(FakeTape(), asks(value=value), environment("https://api.test"))
    assert status == 200 and body.endswith(b"data: [DONE]\n\n")
    assert seen[0].startswith("CONNECT api.test:443 HTTP/1.1") and "Basic dXNlcjpwYXNzQA==" in seen[0]
    assert json.loads(handler.seen[0][3]) == value and handler.seen[0][2]["host"] == "api.test"


def test_a_server_whose_certificate_is_not_trusted_gets_nothing(
    tls_api: tuple[int, type[Api]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, handler = tls_api
    for name in ("HTTPS_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    status, _, body = with_gateway(FakeTape(), asks(), environment(f"https://127.0.0.1:{port}"))
    assert status == 502 and b"certificate" in body and handler.seen == []


def test_a_key_in_two_pieces_is_found_and_what_only_begins_like_one_is_passed() -> None:
    async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async def cleaned(*parts: bytes) -> bytes:
        return b"".join([piece async for piece in gateway_upstream._cleaned(pieces(*parts), [b"abcabd"])])

    assert asyncio.run(cleaned(b"x abcab", b"d y")) == b"x [key removed] y"
    assert asyncio.run(cleaned(b"abcabcab", b"d")) == b"abc[key removed]"
    assert asyncio.run(cleaned(b"abc", b"ab", b"c")) == b"abcabc"
    assert asyncio.run(cleaned(*(bytes([byte]) for byte in b"-abcabd-"))) == b"-[key removed]-"
