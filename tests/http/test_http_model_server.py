"""The model server of the tests keeps to HTTP and to its script. What SDKs make of it is tested with the SDKs."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_odcv.http import sse

from .exchanges import PATHS
from .model_server import ModelServer, ScriptedTurn, turns

Serve = Callable[..., ModelServer]
ASK = {"model": "m", "messages": [{"role": "user", "content": "do"}], "input": "do"}
LOOK = ScriptedTurn("I look.", (("bash", {"command": "ls"}),))


def connect(server: ModelServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.root).netloc, timeout=10)


def post(
    connection: http.client.HTTPConnection, path: str, body: Any, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"} | (headers or {}))
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize("path", PATHS.values())
def test_plain_answers_and_streams_come_over_one_connection(serve: Serve, path: str) -> None:
    server = serve(turns(LOOK))
    connection = connect(server)
    response, plain = post(connection, path, ASK)
    held = connection.sock
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert b"I look." in plain
    response, streamed = post(connection, path, ASK | {"stream": True})
    assert connection.sock is held
    assert response.headers["content-type"].startswith("text/event-stream")
    assert len(sse.parse(streamed)) > 5
    connection.close()
    assert [(p, body) for p, _, body in server.requests] == [(path, ASK), (path, ASK | {"stream": True})]


def test_the_script_is_asked_by_step_and_its_last_turn_stands(serve: Serve) -> None:
    server = serve(turns(ScriptedTurn("one"), ScriptedTurn("two")))
    connection = connect(server)
    said = []
    messages: list[dict[str, str]] = [{"role": "user", "content": "do"}]
    for _ in range(3):
        answer = json.loads(post(connection, "/v1/chat/completions", {"messages": messages})[1])
        message = answer["choices"][0]["message"]
        said.append(message["content"])
        messages += [message, {"role": "user", "content": "on"}]
    connection.close()
    assert said == ["one", "two", "two"]


@pytest.mark.parametrize("stream", [False, True])
def test_bodies_are_compressed_for_clients_that_accept_it(serve: Serve, stream: bool) -> None:
    connection = connect(serve(turns(LOOK), gzip=True))
    body = ASK | {"stream": stream}
    response, plain = post(connection, "/v1/messages", body, {"accept-encoding": "identity"})
    assert "content-encoding" not in response.headers
    response, packed = post(connection, "/v1/messages", body, {"accept-encoding": "gzip, br"})
    connection.close()
    assert response.headers["content-encoding"] == "gzip" and gzip.decompress(packed) == plain


def test_a_request_can_be_answered_with_a_failure(serve: Serve) -> None:
    connection = connect(serve(turns(LOOK), fail=lambda number: 503 if number == 1 else None))
    statuses = [post(connection, "/v1/responses", ASK)[0].status for _ in range(2)]
    connection.close()
    assert statuses == [503, 200]


def test_other_paths_are_not_found_and_a_broken_script_is_a_failure(serve: Serve) -> None:
    server = serve(lambda body, step: 1 / 0)
    connection = connect(server)
    assert post(connection, "/v1/embeddings", ASK)[0].status == 404
    response, body = post(connection, "/v1/messages", ASK)
    connection.close()
    assert response.status == 500 and b"ZeroDivisionError" in body


def test_a_stopped_server_answers_nobody_not_even_on_an_open_connection(serve: Serve) -> None:
    server = serve(turns(LOOK))
    connection = connect(server)
    post(connection, "/v1/messages", ASK)
    server.stop()
    with pytest.raises((http.client.HTTPException, OSError)):
        post(connection, "/v1/messages", ASK)
    connection.close()
