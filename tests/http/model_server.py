"""A loopback HTTP server that plays scripted turns of a model, in the shapes of the OpenAI and Anthropic APIs.

No model, no keys, nothing but the standard library: what the real SDKs and frameworks are pointed at in tests.
`POST */chat/completions`, `*/responses` and `*/messages`, plain or, with `"stream": true`, as server-sent events.
What the answers look like on the wire is in `model_wire`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from .model_wire import Plan, ScriptedTurn, answer_of, error_body, events_of, shape_of, steps_before

__all__ = ["ModelServer", "Script", "ScriptedTurn", "turns"]

Script = Callable[[dict[str, Any], int], ScriptedTurn]
"""The request's JSON body and the number of assistant turns before it (0 at first) give the next turn."""


def turns(*script: ScriptedTurn) -> Script:
    """A script that plays these turns by step, and the last one for good."""
    return lambda body, step: script[min(step, len(script) - 1)]


class ModelServer:
    """Serves from the moment it is made until `stop()`, which also closes the connections that clients keep open.

    `usage` are the prompt and completion tokens that answers state. `gzip` compresses bodies for clients that accept
    it. `fail` gets a request's number, from 1, and may give an HTTP status to answer it with. Ids depend on the step
    alone: the calls of step 0 are `call_1`, `call_1_2`, ...
    """

    def __init__(
        self,
        script: Script,
        *,
        gzip: bool = False,
        usage: tuple[int, int] = (20, 10),
        fail: Callable[[int], int | None] = lambda number: None,
    ) -> None:
        self.script, self.gzip, self.usage, self.fail = script, gzip, usage, fail
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        """Path with query, headers (lower case), JSON body of each request, in the order they came."""
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        """For Anthropic's SDK, which adds /v1 itself."""
        self.base = f"{self.root}/v1"
        """For OpenAI's SDK."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def note(self, path: str, headers: dict[str, str], body: object) -> int:
        with self._lock:
            self.requests.append((path, headers, body))
            return len(self.requests)

    def stop(self) -> None:
        """Also a second time."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.hang_up()

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: ModelServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is nothing to print; what a script raises has been answered with 500."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._json(404, error_body("", 404, "only POST is served here"), 0)

    def do_POST(self) -> None:
        owner = self.server.owner
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = self._body(raw)
        number = owner.note(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        shape = shape_of(self.path)
        status = owner.fail(number)
        if status:
            self._json(status, error_body(shape, status, f"scripted failure of request {number}"), number)
        elif not shape or not isinstance(body, dict):
            self._json(404, error_body(shape, 404, f"no API at {self.path}"), number)
        else:
            self._play(shape, body, number)

    def _body(self, raw: bytes) -> Any:
        if self.headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            return json.loads(raw)
        except ValueError:
            return raw.decode("utf-8", "replace")

    def _play(self, shape: str, body: dict[str, Any], number: int) -> None:
        owner = self.server.owner
        step = steps_before(shape, body)
        try:
            turn = owner.script(body, step)
        except Exception as error:
            self._json(500, error_body(shape, 500, f"the script raised {error!r}"), number)
            return
        plan = Plan(turn, step, body, owner.usage)
        if body.get("stream"):
            self._stream(events_of(shape, plan), number)
        else:
            self._json(200, answer_of(shape, plan), number)

    def _json(self, status: int, value: object, number: int) -> None:
        data = json.dumps(value, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if self._compresses():
            data = gzip.compress(data)
            headers["Content-Encoding"] = "gzip"
        self._head(status, number, headers | {"Content-Length": str(len(data))})
        self.wfile.write(data)
        self.wfile.flush()

    def _stream(self, events: list[bytes], number: int) -> None:
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        packer = zlib.compressobj(wbits=31) if self._compresses() else None
        if packer:
            headers["Content-Encoding"] = "gzip"
        self._head(200, number, headers | {"Transfer-Encoding": "chunked"})
        for event in events:
            self._chunk(packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else event)
        if packer:
            self._chunk(packer.flush())
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _compresses(self) -> bool:
        return self.server.owner.gzip and "gzip" in self.headers.get("accept-encoding", "")

    def _head(self, status: int, number: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"x-request-id": f"req_{number}"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
