"""Exchanges as a tape keeps them, made from what a model server was asked: for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_odcv.http import sse
from pytest_odcv.http.exchange import Exchange
from pytest_odcv.http.shapes import follow, read
from pytest_odcv.model.types import Message, Reply

from .model_server import ModelServer
from .model_wire import Plan, ScriptedTurn, answer_of, events_of, shape_of, steps_before

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}


def exchange(
    path: str, body: Any, turn: ScriptedTurn, *, merged: bool = True, usage: tuple[int, int] = (20, 10)
) -> Exchange:
    """The exchange in which `turn` answers `body`, streamed where the body asks for it."""
    shape = shape_of(path)
    plan = Plan(turn, steps_before(shape, body), body, usage)
    if not body.get("stream"):
        return Exchange("POST", path, "", body, 200, answer_of(shape, plan))
    events = sse.parse(b"".join(events_of(shape, plan)))
    return Exchange("POST", path, "", body, 200, sse.merge(events) if merged else events)


def kept(server: ModelServer) -> list[Exchange]:
    """All that the server was asked, with what it answered."""
    return [
        exchange(
            path.partition("?")[0],
            body,
            server.script(body, steps_before(shape_of(path), body)),
            usage=server.usage,
        )
        for path, _, body in server.requests
    ]


def understood(exchange: Exchange) -> tuple[tuple[Message, ...], Reply]:
    """What is read; fails the test where nothing is."""
    turn = read(exchange)
    assert turn is not None, f"not understood: {exchange}"
    return turn


def told(exchanges: Sequence[Exchange]) -> list[Message]:
    """The conversation of all exchanges. Fails the test where one does not continue the one before."""
    conversation: list[Message] = []
    for number, each in enumerate(exchanges):
        sent, reply = understood(each)
        messages = follow(each, sent, conversation, exchanges[max(number - 1, 0)])
        assert list(messages[: len(conversation)]) == conversation, f"request {number} tells another history"
        conversation = [*messages, reply.message]
    return conversation
