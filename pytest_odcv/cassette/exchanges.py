"""HTTP exchanges as steps of a cassette file: what a request adds to those before it, and its response. Exact both ways."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..http import answers, body_delta
from ..http.exchange import Exchange, Failure
from ..http.spelling import SPACED, spelled

_JSON = "application/json"
_STREAM = "text/event-stream"


class Writer:
    """Turns a trial's exchanges into steps, in their order."""

    def __init__(self) -> None:
        self._requests: list[Any] = []
        self._responses: list[Any] = []
        self._spelling = SPACED

    def step(self, exchange: Exchange) -> dict[str, Any]:
        step: dict[str, Any] = {"http": f"{exchange.method} {exchange.path}"}
        if exchange.query:
            step["query"] = exchange.query
        if exchange.request is not None:
            step["request"] = body_delta.encode(exchange.request, self._requests)
        answer = answers.encode(exchange.response, self._responses)
        if exchange.failure is not None:
            step["failed"] = {k: v for k, v in asdict(exchange.failure).items() if v not in ("", None)}
        if exchange.status != (200 if exchange.failure is None else 0):
            step["status"] = exchange.status
        if exchange.reason is not None:
            step["reason"] = exchange.reason
        if "json" in answer and exchange.spelling != self._spelling:
            step["spelled"] = self._spelling = exchange.spelling
        usual = _usual_type(answer)
        if exchange.headers != ({"content-type": usual} if usual else {}):
            step["headers"] = dict(exchange.headers)
        self._requests.append(exchange.request)
        self._responses.append(exchange.response)
        return step | answer


class Reader:
    """Turns steps back into exchanges. Raises CassetteError, KeyError, TypeError or ValueError for a damaged one."""

    def __init__(self) -> None:
        self._requests: list[Any] = []
        self._responses: list[Any] = []
        self._spelling = SPACED

    def exchange(self, step: dict[str, Any]) -> Exchange:
        method, _, path = step["http"].partition(" ")
        request = body_delta.decode(step["request"], self._requests) if "request" in step else None
        response = answers.decode(step, self._responses)
        usual = _usual_type(step)
        headers = step.get("headers", {"content-type": usual} if usual else {})
        self._requests.append(request)
        self._responses.append(response)
        failure = Failure(**step["failed"]) if "failed" in step else None
        status = step.get("status", 200 if failure is None else 0)
        spelling = SPACED
        if "json" in step:
            spelling = self._spelling = step.get("spelled", self._spelling)
            spelled(None, spelling)
        query, reason = step.get("query", ""), step.get("reason")
        return Exchange(method, path, query, request, status, response, headers, failure, spelling, reason)


def _usual_type(answer: dict[str, Any]) -> str | None:
    if "json" in answer:
        return _JSON
    return _STREAM if "events" in answer or "stream_of" in answer else None
