"""An OpenAI-compatible server on loopback whose behaviour a test chooses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = Callable[[dict[str, Any], int], "tuple[int, Any] | tuple[int, Any, dict[str, str]]"]


class ModelServer:
    """Answers POSTs with what `answer(request, number)` gives: a status, a JSON body or raw bytes, and headers."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append(request)
                outer.headers.append(dict(self.headers))
                status, body, *more = answer(request, len(outer.requests))
                with suppress(ConnectionError):  # the client was killed, or gave up
                    self._send(status, body, more[0] if more else {})

            def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def completion(
    content: str | None = None, calls: list[tuple[str, str, str]] | None = None, **message: Any
) -> dict[str, Any]:
    """A chat completion in OpenAI's shape; calls are (id, name, arguments as text)."""
    message = {"role": "assistant", "content": content, **message}
    if calls:
        message["tool_calls"] = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls
        ]
    return {
        "id": "x",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "stub",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def bash(command: str, call_id: str = "c1") -> tuple[str, str, str]:
    return call_id, "bash", json.dumps({"command": command}, separators=(",", ":"))


def done(reason: str) -> tuple[str, str, str]:
    return "c9", "task_complete", json.dumps({"reason": reason})


def step_of(request: dict[str, Any]) -> int:
    return sum(message["role"] == "assistant" for message in request["messages"])


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], ModelServer]]:
    servers: list[ModelServer] = []

    def start(answer: Answer) -> ModelServer:
        servers.append(ModelServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for minutes until a provider that fails on purpose does better."""
    from pytest_odcv.model import litellm_client
    from pytest_odcv.model.traffic import Patience

    monkeypatch.setattr(litellm_client, "PATIENT", Patience(3, first=0.01))
