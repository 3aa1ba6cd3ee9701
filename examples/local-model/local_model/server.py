"""HTTP: `POST /v1/chat/completions`, `GET /v1/models`, and OpenAI's errors for everything else.

One answer is generated at a time. A streamed answer is sent in pieces when it is complete: it takes seconds, and an error
can still be told as one. Knows an engine only by its protocol.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .answer import answer, chunks
from .engine import Engine
from .errors import ModelError, UsageProblem
from .prompt import PromptTooLong, fit
from .request import ApiError, Request, parse

BODY_LIMIT = 16 * 2**20
"""Bytes of a request."""


class Service:
    """Answers requests, one at a time, whatever brings them."""

    def __init__(self, engine: Engine, *, max_tokens: int) -> None:
        """`max_tokens` bounds every answer; a request may ask for fewer."""
        self.engine = engine
        self.max_tokens = max_tokens
        self._one = threading.Lock()

    def complete(self, body: bytes) -> tuple[Request, dict[str, Any]]:
        """The request that a body holds, and the whole answer. Raises ApiError."""
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, f"The body is not JSON: {error}.") from error
        request = parse(decoded, model=self.engine.name, max_tokens=self.max_tokens)
        budget = self.engine.context - request.sampling.max_tokens
        try:
            with self._one:
                prompt = fit(request.turns, request.tools, budget, self.engine.count)
                completion = self.engine.complete(prompt, request.sampling, request.grammar)
        except PromptTooLong as error:
            message = f"This model's context is {self.engine.context} tokens: {error}."
            raise ApiError(400, message, param="messages", code="context_length_exceeded") from error
        except ModelError as error:
            raise ApiError(500, str(error)) from error
        made = answer(
            completion, prompt=prompt, tools=request.tools, model=self.engine.name, created=int(time.time())
        )
        return request, made

    def models(self) -> dict[str, Any]:
        model = {"id": self.engine.name, "object": "model", "created": 0, "owned_by": "local"}
        return {"object": "list", "data": [model]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    service: Service


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    wbufsize = -1  # one packet an answer, not one a line
    server: _Server

    def do_GET(self) -> None:
        self._guarded(self._get)

    def do_POST(self) -> None:
        self._guarded(self._post)

    def _get(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v1/chat/completions":
            raise ApiError(405, "Use POST for /v1/chat/completions.")
        if path != "/v1/models":
            raise ApiError(404, f"There is no {path} here, only /v1/models and /v1/chat/completions.")
        self._json(200, self.server.service.models())

    def _post(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        if path == "/v1/models":
            raise ApiError(405, "Use GET for /v1/models.")
        if path != "/v1/chat/completions":
            raise ApiError(404, f"There is no {path} here, only /v1/models and /v1/chat/completions.")
        request, made = self.server.service.complete(body)
        if not request.stream:
            self._json(200, made)
            return
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks(made, usage=request.stream_usage):
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.wfile.flush()

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            raise ApiError(411, "The request needs a Content-Length: a body in chunks is not read.")
        if int(length) > BODY_LIMIT:
            self.close_connection = True
            raise ApiError(413, f"The body has {length} bytes; at most {BODY_LIMIT} are read.")
        return self.rfile.read(int(length))

    def _guarded(self, act: Any) -> None:
        """Whatever goes wrong is an answer, except a client that went away: it needs none."""
        try:
            try:
                act()
            except ApiError as error:
                self._json(error.status, error.body)
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self.close_connection = True
            self._json(500, ApiError(500, "The server failed; its terminal shows how.").body)

    def _json(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """No line a request: the terminal keeps showing how to use the server."""


def is_loopback(host: str) -> bool:
    """Whether an address or name can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def serving(service: Service, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serves in a thread until left; gives the base URL. Port 0 is any that is free. Raises UsageProblem."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server_type = type("Server", (_Server,), {"address_family": family})
    try:
        server: _Server = server_type((host, port), _Handler)
    except (OSError, OverflowError) as error:
        raise UsageProblem(
            f"Cannot listen on {host} port {port}: {error}. Choose another, or 0 for any."
        ) from error
    server.service = service
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
