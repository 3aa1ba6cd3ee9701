"""The only way out for an agent inside a sandbox: an HTTP server on a port of the sandbox that passes on requests to model APIs.

Every request goes by the trial's tape, which answers it or has it asked for real, with the key of the host put in. It is no proxy:
other paths are refused. The one who asks may be hostile, so connections, sizes, times and the number of requests are
bounded. Runs on the event loop of the trial.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

import h11

from ..errors import ModelError
from . import gateway_upstream
from .exchange import ABANDONED, WireRequest, WireResponse
from .gateway_client import Client
from .gateway_rules import KEY, Provider, Refused, check_body, provider_of
from .gateway_upstream import Answer, Upstream
from .gateway_wire import BadMessage, Wire, decoded, headers_of
from .stops import StepLimitReached

_LOOK_SECONDS: Final = 0.1
_LEFT_UNREAD: Final = 64 << 10

T = TypeVar("T")


class Tape(Protocol):
    """What the gateway needs of a trial's `HttpTape`."""

    def ask(self, request: WireRequest) -> WireResponse | None:
        """The recorded answer; None when the real API is to be asked. Raises what is to end the trial."""
        ...

    def keep(self, request: WireRequest, response: WireResponse) -> None:
        """Record what the real API answered."""
        ...

    def fail(self, request: WireRequest, error: BaseException | None = None) -> None:
        """Record that the real API did not answer."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one gateway takes; sizes in bytes, times in seconds."""

    connections: int = 32
    requests: int = 2_000
    """Of all kinds, also refused ones, and connections that are turned away; after these it is closed."""
    received_bytes: int = 1 << 30
    """Of the bodies of all requests; after these it is closed."""
    request_bytes: int = 16 << 20
    response_bytes: int = 16 << 20
    held_bytes: int = 64 << 20
    """Of all bodies that are under way at one moment."""
    idle_seconds: float = 120.0
    """For the head of the next request of a connection to be there."""
    body_seconds: float = 60.0
    answer_seconds: float = 600.0


class Gateway:
    """Serves on `listening` while its `async with` lasts, and then closes it.

    `failure` is what the tape raised, or the ModelError of an API that cannot be asked at all; `trouble` the last
    thing that went wrong between it and a real API, for the message of an agent that gave up over it.
    """

    def __init__(
        self,
        listening: socket.socket,
        tape: Tape,
        upstreams: Mapping[Provider, Upstream],
        bounds: Bounds | None = None,
    ) -> None:
        self.failure: BaseException | None = None
        self.trouble = ""
        self._listening, self._tape, self._upstreams = listening, tape, upstreams
        self._bounds = bounds or Bounds()
        self._address = "{}:{}".format(*listening.getsockname())
        self._connections: set[asyncio.Task[None]] = set()
        self._left = self._bounds.requests
        self._received = self._held = 0
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        backlog = self._bounds.connections
        self._server = await asyncio.start_server(self._connected, sock=self._listening, backlog=backlog)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        waiting = list(self._connections)
        for connection in waiting:
            connection.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def unless_failed(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which is cancelled, and the failure raised, when the trial cannot go on.

        An agent that has used up its steps is told so at every further request and may end by itself; then too the failure is raised.
        """
        working, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, stopped):
                task.cancel()
            await asyncio.gather(working, stopped, return_exceptions=True)
        if self.failure is not None:
            raise self.failure
        return working.result()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._bounds.connections or self._left <= 0:
            self._spend()
            writer.transport.abort()
            return
        connection = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    def _spend(self) -> None:
        self._left -= 1
        if self._left <= 0 or self._received > self._bounds.received_bytes:
            self._left = 0
            self.trouble = "the agent made more requests, or larger ones, than the gateway takes in a trial"
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(Wire(h11.SERVER, reader, writer), reader, writer)
        try:
            while await self._one(client):
                pass
            # A client that is still sending would lose the answer with the connection.
            async with asyncio.timeout(1):
                await writer.drain()
                writer.write_eof()
                await reader.read(_LEFT_UNREAD)
        except (OSError, TimeoutError, RuntimeError):
            pass  # The other side is gone, or takes too long; it is its own loss.
        finally:
            writer.transport.abort()

    async def _one(self, client: Client) -> bool:
        """Answer one request; whether the connection may be used for another."""
        try:
            async with asyncio.timeout(self._bounds.idle_seconds):
                head = await client.wire.head()
            if not isinstance(head, h11.Request):
                return False
            client.begin(head.method)
            self._spend()
            with self._hold() as hold:
                async with asyncio.timeout(self._bounds.body_seconds):
                    request = await self._request(head, client, hold)
                async with asyncio.timeout(self._bounds.answer_seconds):
                    await self._answer(request, client, hold)
        except _Stopped as error:
            # 400, since clients repeat a request that got another error.
            await client.error(400, error.kind, str(error))
        except Refused as error:
            await client.error(error.status, "odcv_gateway", str(error))
        except BadMessage as error:
            await client.error(error.status, "odcv_gateway", str(error), last=True)
        except TimeoutError:
            self.trouble = "a request or its answer took longer than this gateway waits"
            raise
        return self._left > 0 and client.wire.next_cycle()

    async def _request(self, head: h11.Request, client: Client, hold: _Hold) -> WireRequest:
        """The request whose head was read. Raises BadMessage and Refused."""
        target = _target(head)
        data = bytearray()
        async for piece in client.wire.body(head, self._bounds.request_bytes):
            hold.add(len(piece))
            self._received += len(piece)
            if self._received > self._bounds.received_bytes:
                raise BadMessage(429, "this gateway has taken as many bytes as it may")
            data += piece
        url = f"http://{self._address}{target}"
        return WireRequest(head.method.decode().upper(), url, headers_of(head), bytes(data))

    async def _answer(self, request: WireRequest, client: Client, hold: _Hold) -> None:
        target = request.url.partition(self._address)[2]
        provider = provider_of(request.method, target.partition("?")[0], request.headers)
        if request.method in ("HEAD", "OPTIONS"):
            await client.whole(204, "", {"allow": ["GET, POST, HEAD, OPTIONS"]}, b"")
            return
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused(415, "send the body without a content-encoding")
        if request.method == "POST":
            check_body(request.body)
        # What stands for a key is no secret, which a tape would take it for.
        request = replace(request, headers={n: v for n, v in request.headers.items() if not v.endswith(KEY)})
        with self._stopping():
            recorded = self._tape.ask(request)
        if recorded is None:
            forwarding = self._forward(self._upstreams[provider], target, request, client, hold)
            await self._while_there(client, request, forwarding)
        elif recorded.failure is not None and recorded.failure.kind == ABANDONED:
            await (
                asyncio.Event().wait()
            )  # Until the client gives up, as it did, or the answer's time is over.
        elif recorded.failure is not None:
            raise BadMessage(502, f"the model's API could not be asked: {recorded.failure.text}")
        else:
            data = await _decoded(recorded, self._bounds.response_bytes)
            hold.add(len(data))
            await client.whole(recorded.status, recorded.reason, recorded.headers, data)

    async def _while_there(
        self, client: Client, request: WireRequest, forwarding: Coroutine[Any, Any, None]
    ) -> None:
        """Have a request answered for as long as the client waits: one that has left before anything of the answer came never got it, whatever
        comes later."""
        working = asyncio.ensure_future(forwarding)
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=_LOOK_SECONDS)
                if client.gone and not client.started and not working.done():
                    self._abandoned(request)
                    return
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        working.result()

    def _abandoned(self, request: WireRequest) -> None:
        with self._stopping():
            self._tape.fail(request)

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """What is raised here is the trial's to know, or at the limit of steps the agent's; the client gets a `_Stopped`."""
        try:
            yield
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as stop:
            self.failure = self.failure or stop
            if isinstance(stop, StepLimitReached):
                raise _Stopped("odcv_step_limit", "the trial's limit of answers is used up") from None
            self._stop.set()
            raise _Stopped("odcv_stopped", str(stop)) from None

    async def _forward(
        self, upstream: Upstream, target: str, request: WireRequest, client: Client, hold: _Hold
    ) -> None:
        """Have the real API answer. What it says is recorded to its end, also when the client does not wait for it."""
        data = bytearray()
        try:
            most = self._bounds.response_bytes
            async with gateway_upstream.ask(
                upstream, request.method, target, request.headers, request.body, most
            ) as answer:
                if answer.streamed:
                    await client.start(answer)
                async for piece in answer.pieces:
                    hold.add(len(piece))
                    data += piece
                    if answer.streamed:
                        await client.send(piece)
        except ModelError as error:
            with self._stopping():
                raise error
        except asyncio.CancelledError:
            if client.started:
                # The agent has this much already, and may have ended because of it.
                self._keep(request, answer, data)
            raise
        except (OSError, BadMessage) as error:
            self.trouble = f"{upstream.base}: {str(error) or type(error).__name__}"
            with self._stopping():
                self._tape.fail(request, ConnectionError(self.trouble))
            raise BadMessage(502, f"the model's API could not be asked: {self.trouble}") from error
        if client.gone and not client.started:
            self._abandoned(request)
            return
        self._keep(request, answer, data)
        if answer.streamed:
            await client.end()
        else:
            await client.whole(answer.status, answer.reason, answer.headers, bytes(data))

    def _keep(self, request: WireRequest, answer: Answer, data: bytearray) -> None:
        if answer.status >= 400:
            self.trouble = f"the model's API answered {answer.status}: {data[:500].decode(errors='replace')}"
        with self._stopping():
            self._tape.keep(request, WireResponse(answer.status, answer.reason, answer.headers, bytes(data)))

    @contextmanager
    def _hold(self) -> Iterator[_Hold]:
        hold = _Hold(self)
        try:
            yield hold
        finally:
            self._held -= hold.bytes


class _Stopped(Exception):
    """The request is not answered, since the agent is to end."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _Hold:
    """The bytes that one request and its answer take, as part of what the gateway may hold."""

    def __init__(self, gateway: Gateway) -> None:
        self.bytes = 0
        self._gateway = gateway

    def add(self, size: int) -> None:
        """Raises BadMessage when it is too much for all requests together."""
        self.bytes += size
        self._gateway._held += size
        if self._gateway._held > self._gateway._bounds.held_bytes:
            raise BadMessage(503, "too much is under way at once; try again later")


def _target(head: h11.Request) -> str:
    """The path of a request with its query. Raises BadMessage, and Refused for a target that is another host's."""
    if head.http_version not in (b"1.1", b"1.0") or not head.method.isalpha():
        raise BadMessage(400, "the first line is not `METHOD /path HTTP/1.1`")
    target = head.target.decode("latin-1")
    if not target.startswith("/") or not target.isascii() or not target.isprintable():
        raise Refused(403, "this gateway is no proxy: expected a path, found another host")
    return target


async def _decoded(response: WireResponse, most: int) -> bytes:
    """A recorded body without its content-encoding, if it still has one."""
    coding = ",".join(
        v for name, values in response.headers.items() if name.lower() == "content-encoding" for v in values
    )

    async def once() -> AsyncIterator[bytes]:
        yield response.body

    if not coding:
        return response.body
    return b"".join([piece async for piece in decoded(once(), coding.lower(), most)])
