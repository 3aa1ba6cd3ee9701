"""The server over real HTTP on loopback, with an engine that needs no weights."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from local_model import server
from local_model.errors import ModelError, UsageProblem
from local_model.server import Service, is_loopback, serving

from .helpers import BASH, DONE, FakeEngine, tool

HELLO = {"model": "fake", "messages": [{"role": "user", "content": "Hello"}]}
TOOLS = [tool("bash", BASH), tool("task_complete", DONE)]
LS = '{"name": "bash", "arguments": {"command": "ls -l"}}'


class Client:
    """Speaks HTTP through one connection, as long as the server keeps it."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self.link = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)

    def __call__(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        self.link.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = self.link.getresponse()
        return response.status, response.read()

    def chat(self, **changes: Any) -> tuple[int, dict[str, Any]]:
        status, body = self("POST", "/v1/chat/completions", json.dumps({**HELLO, **changes}).encode())
        return status, json.loads(body)

    def stream(self, **changes: Any) -> list[dict[str, Any]]:
        asked = json.dumps({**HELLO, "stream": True, **changes}).encode()
        _, body = self("POST", "/v1/chat/completions", asked)
        events = body.decode().split("\n\n")
        assert events[-2:] == ["data: [DONE]", ""]
        return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


@contextmanager
def running(engine: FakeEngine, max_tokens: int = 50) -> Iterator[Client]:
    with serving(Service(engine, max_tokens=max_tokens)) as url:
        client = Client(url)
        try:
            yield client
        finally:
            client.link.close()


def error(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    body = json.loads(body) if isinstance(body, bytes) else body
    assert set(body["error"]) == {"message", "type", "param", "code"}
    return status, body["error"]["message"]


def test_a_question_is_answered_in_the_shape_of_openai_with_the_engines_token_counts() -> None:
    with running(FakeEngine("Good day to you")) as client:
        status, answer = client.chat()
    assert status == 200
    assert answer["object"] == "chat.completion" and answer["model"] == "fake"
    message = {"role": "assistant", "content": "Good day to you"}
    assert answer["choices"] == [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]
    usage = answer["usage"]
    assert usage["completion_tokens"] == 4 and usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["completion_tokens"] + usage["prompt_tokens"]


def test_with_tools_the_answer_is_a_call_and_the_engine_was_given_a_grammar() -> None:
    engine = FakeEngine(LS)
    with running(engine) as client:
        _, answer = client.chat(tools=TOOLS)
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "function"
    assert call["function"] == {"name": "bash", "arguments": '{"command": "ls -l"}'}
    assert (engine.asked[0][2] or "").startswith("root ::= call-0 | call-1\n")


def test_equal_requests_get_equal_answers_and_ids_and_others_get_other_ids() -> None:
    with running(FakeEngine(LS)) as client:
        one, two = (client.chat(tools=TOOLS)[1] for _ in range(2))
        other = client.chat(tools=TOOLS, messages=[{"role": "user", "content": "Hello again"}])[1]
    assert {**one, "created": 0} == {**two, "created": 0}
    ids = [answer["choices"][0]["message"]["tool_calls"][0]["id"] for answer in (one, other)]
    assert ids[0] != ids[1]


def test_an_answer_that_is_cut_off_says_so_and_keeps_what_there_is() -> None:
    with running(FakeEngine(LS)) as client:
        _, answer = client.chat(tools=TOOLS, max_tokens=5)
        _, shorter = client.chat(tools=TOOLS, max_tokens=1)
        _, text = client.chat(max_tokens=2)
    call = answer["choices"][0]
    assert call["finish_reason"] == "length"
    assert call["message"]["tool_calls"][0]["function"] == {"name": "bash", "arguments": '{"command": "ls '}
    assert shorter["choices"][0]["message"] == {"role": "assistant", "content": '{"name": '}
    assert shorter["choices"][0]["finish_reason"] == text["choices"][0]["finish_reason"] == "length"


def test_a_stream_adds_up_to_the_whole_answer() -> None:
    with running(FakeEngine(LS)) as client:
        whole = client.chat(tools=TOOLS)[1]
        pieces = client.stream(tools=TOOLS, stream_options={"include_usage": True})
    *pieces, last = pieces
    assert last["choices"] == [] and last["usage"] == whole["usage"]
    assert {piece["id"] for piece in pieces} == {whole["id"]}
    assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}
    deltas = [piece["choices"][0]["delta"] for piece in pieces]
    assert deltas[0]["role"] == "assistant"
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert calls[0]["id"] == whole["choices"][0]["message"]["tool_calls"][0]["id"]
    assert calls[0]["function"]["name"] == "bash"
    assert "".join(call["function"]["arguments"] for call in calls) == '{"command": "ls -l"}'
    finishes = [piece["choices"][0]["finish_reason"] for piece in pieces]
    assert finishes[-1] == "tool_calls" and not any(finishes[:-1])


def test_a_stream_of_text_adds_up_and_carries_no_usage_unless_asked() -> None:
    text = "Good day, " * 9
    with running(FakeEngine(text)) as client:
        pieces = client.stream()
    assert "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces) == text
    assert not any("usage" in piece for piece in pieces)


def test_models_are_listed() -> None:
    with running(FakeEngine("")) as client:
        status, body = client("GET", "/v1/models")
    assert status == 200
    assert [model["id"] for model in json.loads(body)["data"]] == ["fake"]


def test_bad_requests_get_errors_in_the_shape_of_openai() -> None:
    with running(FakeEngine("")) as client:
        assert error(client("POST", "/v1/chat/completions", b"{")) == (
            400,
            "The body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1).",
        )
        assert error(client("POST", "/v1/chat/completions", b"[" * 100_000))[0] == 400
        assert error(client("POST", "/v1/chat/completions", b"\xff"))[0] == 400
        assert error(client.chat(messages=[]))[0] == 400
        assert error(client.chat(model="other"))[0] == 404
        assert error(client("POST", "/v1/embeddings", b"{}"))[0] == 404
        assert error(client("GET", "/v1/nothing"))[0] == 404
        assert error(client("GET", "/v1/chat/completions"))[0] == 405
        assert error(client("POST", "/v1/models", b"{}"))[0] == 405
        assert client.chat()[0] == 200, "the connection is still good"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_LIMIT", 1000)
    with running(FakeEngine("")) as client:
        assert error(client("POST", "/v1/chat/completions", b" " * 1001)) == (
            413,
            "The body has 1001 bytes; at most 1000 are read.",
        )


def test_a_body_without_a_length_is_refused() -> None:
    with running(FakeEngine("")) as client:
        client.link.putrequest("POST", "/v1/chat/completions")
        client.link.putheader("Transfer-Encoding", "chunked")
        client.link.endheaders()
        response = client.link.getresponse()
        assert error((response.status, response.read()))[0] == 411


def test_a_failing_model_is_an_error_of_the_server_and_the_next_request_works() -> None:
    def write(prompt: str, grammar: str | None) -> str:
        if "fail" in prompt:
            raise ModelError("out of memory")
        return "fine"

    with running(FakeEngine(write)) as client:
        answer = client.chat(messages=[{"role": "user", "content": "fail"}])
        assert error(answer) == (500, "out of memory")
        assert answer[1]["error"]["type"] == "server_error"
        assert client.chat()[0] == 200


def test_a_defect_of_the_server_is_an_answer_and_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def write(prompt: str, grammar: str | None) -> str:
        raise ZeroDivisionError("a defect")

    with running(FakeEngine(write)) as client:
        assert error(client.chat())[0] == 500
    assert "ZeroDivisionError: a defect" in capsys.readouterr().err


def test_an_engine_that_leaves_its_grammar_is_an_error_never_a_call() -> None:
    with running(FakeEngine("I shall call bash now")) as client:
        status, message = error(client.chat(tools=TOOLS))
    assert status == 500 and "I shall call bash now" in message


def test_a_conversation_that_cannot_fit_is_refused_as_openai_does() -> None:
    with running(FakeEngine("", context=100)) as client:
        status, answer = client.chat(tools=[tool("bash"), *(tool(f"t{n}") for n in range(30))])
    assert status == 400 and answer["error"]["code"] == "context_length_exceeded"


def test_fifty_steps_with_long_results_are_answered() -> None:
    engine = FakeEngine(LS, context=600)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Count the words of every file."}]
    with running(engine) as client:
        for number in range(50):
            status, answer = client.chat(messages=messages, tools=TOOLS)
            assert status == 200
            call = answer["choices"][0]["message"]["tool_calls"][0]
            call["id"] = f"call_{number}"
            messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "words and more\n" * 200})
    assert len(engine.asked) == 50
    assert "left out" in engine.asked[-1][0]


def test_one_answer_is_generated_at_a_time_and_models_are_listed_meanwhile() -> None:
    generating, going_on = threading.Event(), threading.Event()
    inside: list[int] = []
    most: list[int] = []

    def write(prompt: str, grammar: str | None) -> str:
        inside.append(1)
        most.append(len(inside))
        generating.set()
        assert going_on.wait(20)
        inside.pop()
        return "done"

    with serving(Service(FakeEngine(write), max_tokens=50)) as url:
        statuses: list[int] = []
        asking = [threading.Thread(target=lambda: statuses.append(Client(url).chat()[0])) for _ in range(4)]
        for thread in asking:
            thread.start()
        assert generating.wait(20)
        assert Client(url)("GET", "/v1/models")[0] == 200
        going_on.set()
        for thread in asking:
            thread.join(20)
    assert statuses == [200] * 4
    assert most == [1] * 4


def test_a_client_that_goes_away_costs_nobody_else_anything(capsys: pytest.CaptureFixture[str]) -> None:
    with running(FakeEngine("Good day")) as client:
        for start in (
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 50\r\n\r\n{",
            b"GET /v1/mod",
            b"nonsense\r\n\r\n",
        ):
            with socket.create_connection((client.link.host, client.link.port)) as rude:
                rude.sendall(start)
        assert client.chat()[0] == 200
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "localhost.example.org", ""])
def test_any_other_address_is_not_taken_for_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_a_port_that_is_taken_is_an_error_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(
                UsageProblem, match=rf"Cannot listen on 127\.0\.0\.1 port {port}: .* Choose another, or 0"
            ),
            serving(Service(FakeEngine(""), max_tokens=5), port=port),
        ):
            pass
