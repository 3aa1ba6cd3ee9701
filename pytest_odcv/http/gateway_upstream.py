"""The real model APIs behind the gateway: where they are, with which key, and one request to them.

The key comes from the environment of the host and is put in here, so none enters a sandbox; what a server says back is cleaned
of it too. Plain asyncio streams rather than a client library: those are patched in a run, to record the traffic of
agents that are inside this process, and this traffic is recorded by the gateway itself.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import h11

from ..errors import ModelError
from .gateway_rules import Provider
from .gateway_wire import BadMessage, Wire, decoded, header, passed_on, to_send

OPENAI: Final = "https://api.openai.com/v1"
ANTHROPIC: Final = "https://api.anthropic.com"
_CONNECT_SECONDS: Final = 30.0
_PASSED_HEADERS: Final = (
    "accept", "content-type", "user-agent", "anthropic-version", "anthropic-beta", "openai-beta", "idempotency-key",
)  # fmt: skip
"""Of a client's headers, and `x-stainless-*`; others could name another account or another host."""
_KEPT_BACK: Final = ("set-cookie",)
_REMOVED: Final = b"[key removed]"


@dataclass(frozen=True, slots=True)
class Upstream:
    """One API. `key_headers` carry its key, `prefix` is the part of a client's path that `base` stands for."""

    base: str
    prefix: str
    key_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    missing: str = ""
    """What has to be set before it can be asked; "" for nothing."""


def upstreams(environ: Mapping[str, str], api_base: str | None = None) -> dict[Provider, Upstream]:
    """The APIs that an environment names. `api_base`, of `--odcv-api-base`, comes before OPENAI_BASE_URL."""
    openai_key, anthropic_key = environ.get("OPENAI_API_KEY", ""), environ.get("ANTHROPIC_API_KEY", "")
    token = environ.get("ANTHROPIC_AUTH_TOKEN", "")
    openai_base = api_base or environ.get("OPENAI_BASE_URL") or OPENAI
    anthropic_base = environ.get("ANTHROPIC_BASE_URL") or ANTHROPIC
    for_openai = {"authorization": f"Bearer {openai_key}"} if openai_key else {}
    for_anthropic = {"x-api-key": anthropic_key} if anthropic_key else {}
    if token:
        for_anthropic["authorization"] = f"Bearer {token}"
    return {
        "openai": _upstream(openai_base, OPENAI, "/v1", for_openai, "OPENAI_API_KEY"),
        "anthropic": _upstream(anthropic_base, ANTHROPIC, "", for_anthropic, "ANTHROPIC_API_KEY"),
    }


def _upstream(
    base: str, default: str, prefix: str, key_headers: Mapping[str, str], variable: str
) -> Upstream:
    """A server of one's own may need no key; the provider's does."""
    missing = variable if base == default and not key_headers else ""
    return Upstream(base.rstrip("/"), prefix, key_headers, missing)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body is still to come: decoded, and without the key."""

    status: int
    reason: str
    headers: dict[str, list[str]]
    pieces: AsyncIterator[bytes]

    @property
    def streamed(self) -> bool:
        """Whether it is server-sent events."""
        return self.headers.get("content-type", [""])[0].lower().startswith("text/event-stream")


@asynccontextmanager
async def ask(
    upstream: Upstream, method: str, target: str, headers: Mapping[str, str], data: bytes, most: int
) -> AsyncIterator[Answer]:
    """Send one request; `target` is the path with its query as the client asked for it, `most` the bytes an answer may have.

    Raises ModelError for a missing key or an address that is none; OSError, ssl.SSLError and BadMessage when it cannot be asked.
    """
    if upstream.missing:
        raise ModelError(
            f"the agent asked for {target.partition('?')[0]}, and {upstream.missing} is not set where pytest runs; set it there: the "
            "gateway puts it in, and the agent never sees it"
        )
    url = urlsplit(upstream.base + target.removeprefix(upstream.prefix))
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ModelError(
            f"the model's API is at {upstream.base!r}: expected an address that begins with http:// or https://"
        )
    async with asyncio.timeout(_CONNECT_SECONDS):
        reader, writer = await _connect(url)
    try:
        wire = Wire(h11.CLIENT, reader, writer)
        wire.send(_request(method, url, headers, upstream.key_headers, len(data)))
        wire.send(h11.Data(data=data), h11.EndOfMessage())
        await writer.drain()
        yield await _answer(wire, upstream, most)
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError):
            writer.transport.abort()


def _request(
    method: str, url: SplitResult, headers: Mapping[str, str], keys: Mapping[str, str], length: int
) -> h11.Request:
    target = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
    passed = {
        name: value
        for name, value in headers.items()
        if name in _PASSED_HEADERS or name.startswith("x-stainless-")
    }
    own = {"host": url.netloc.rpartition("@")[2], "accept-encoding": "identity", "connection": "close"}
    if length or method == "POST":
        own["content-length"] = str(length)
    return h11.Request(method=method, target=target, headers=to_send({**passed, **keys, **own}.items()))


async def _answer(wire: Wire, upstream: Upstream, most: int) -> Answer:
    head = await _response(wire)
    secrets = [value.removeprefix("Bearer ").encode() for value in upstream.key_headers.values()]
    pieces = decoded(wire.body(head, most), header(head, "content-encoding").lower(), most)
    headers: dict[str, list[str]] = {}
    for name, value in passed_on(head):
        if name not in _KEPT_BACK:
            clean = _without(value.encode("latin-1"), secrets).decode("latin-1")
            headers.setdefault(name, []).append(clean)
    return Answer(head.status_code, head.reason.decode("latin-1"), headers, _cleaned(pieces, secrets))


async def _response(wire: Wire) -> h11.Response:
    head = await wire.head()
    if not isinstance(head, h11.Response):
        raise BadMessage(502, "the server closed the connection without an answer")
    return head


def _without(data: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        data = data.replace(secret, _REMOVED)
    return data


async def _cleaned(pieces: AsyncIterator[bytes], secrets: list[bytes]) -> AsyncIterator[bytes]:
    """`pieces` without the secrets, also where one is spread over two pieces: what may be the start of one waits."""
    waiting = b""
    async for piece in pieces:
        waiting = _without(waiting + piece, secrets)
        begun = max((_begun(waiting, secret) for secret in secrets), default=0)
        ready, waiting = waiting[: len(waiting) - begun], waiting[len(waiting) - begun :]
        if ready:
            yield ready
    if waiting:
        yield waiting


def _begun(data: bytes, secret: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of `secret`."""
    return next(
        (size for size in range(min(len(data), len(secret) - 1), 0, -1) if data.endswith(secret[:size])), 0
    )


async def _connect(url: SplitResult) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the host of `url`; over the proxy that the environment names for https, as HTTP libraries do."""
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    if url.scheme == "http":
        return await asyncio.open_connection(host, port)
    context = ssl.create_default_context()
    proxy = _proxy(host, port)
    if proxy is None:
        return await asyncio.open_connection(host, port, ssl=context)
    reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or 80)
    try:
        wire, place = Wire(h11.CLIENT, reader, writer), f"{host}:{port}"
        wire.send(h11.Request(method="CONNECT", target=place, headers=to_send(_for_proxy(place, proxy))))
        head = await _response(wire)
        if head.status_code != 200:
            raise BadMessage(
                502, f"the proxy {proxy.hostname} did not connect to {host}: it answered {head.status_code}"
            )
        await writer.start_tls(context, server_hostname=host)
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _proxy(host: str, port: int) -> SplitResult | None:
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    named = getproxies_environment()
    address = named.get("https") or named.get("all")
    if not address or proxy_bypass_environment(f"{host}:{port}", named):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")


def _for_proxy(target: str, proxy: SplitResult) -> Iterator[tuple[str, str]]:
    yield "host", target
    if proxy.username:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        yield "proxy-authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"
