"""The gateway over real sockets: what it passes on, records and replays. Nothing here needs a sandbox."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_odcv.errors import ModelError
from pytest_odcv.http.exchange import Failure, WireRequest, WireResponse
from pytest_odcv.http.gateway import Gateway
from pytest_odcv.http.stops import StepLimitReached
from tests.http.gateway_kit import (
    ASKED,
    CHAT,
    KEY,
    MESSAGES,
    Api,
    FakeTape,
    Miss,
    answered,
    ask,
    asks,
    environment,
    raw,
    running_api,
    with_gateway,
)


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    """The address of a model API, and what it has seen."""
    with running_api() as running:
        yield running


class TestRecorded:
    """Answers that are on the tape."""

    def test_a_recorded_answer_comes_without_any_server(self) -> None:
        tape = FakeTape(
            {CHAT: answered('{"a": 1}', content_type="application/json", retry_after="1")}, strict=True
        )
        status, headers, body = with_gateway(tape, asks())
        assert (status, body) == (200, b'{"a": 1}')
        assert headers["content-type"] == "application/json" and headers["retry-after"] == "1"
        assert tape.kept == []

    def test_the_tape_sees_the_request_as_it_was_sent(self) -> None:
        tape = FakeTape({f"{MESSAGES}?beta=true": answered("{}")})
        with_gateway(tape, asks(f"{MESSAGES}?beta=true", headers={"anthropic-version": "2023-06-01"}))
        (request,) = tape.asked
        assert request.method == "POST" and request.url.endswith("/v1/messages?beta=true")
        assert request.headers["anthropic-version"] == "2023-06-01"
        assert json.loads(request.body) == ASKED

    def test_a_recorded_stream_is_sent_as_one(self) -> None:
        text = 'data: {"x": 1}\n\ndata: [DONE]\n\n'
        tape = FakeTape({CHAT: answered(text, content_type="text/event-stream")}, strict=True)
        status, headers, body = with_gateway(tape, asks())
        assert (status, headers["content-type"], body) == (200, "text/event-stream", text.encode())

    def test_a_recorded_body_that_is_still_packed_is_unpacked(self) -> None:
        packed = WireResponse(200, "OK", {"Content-Encoding": ["gzip"]}, gzip.compress(b"{}"))
        _, headers, body = with_gateway(FakeTape({CHAT: packed}, strict=True), asks())
        assert body == b"{}" and "content-encoding" not in headers

    def test_one_connection_serves_several_requests(self) -> None:
        tape = FakeTape({CHAT: answered("{}"), "/v1/models": answered('{"data": []}')})

        def work(port: int) -> list[bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            bodies = []
            for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("GET", "/v1/files"), ("POST", CHAT)):
                connection.request(method, path, json.dumps(ASKED) if method == "POST" else None)
                before = connection.sock
                bodies.append(connection.getresponse().read())
                assert connection.sock is before
            connection.close()
            return bodies

        async def run(gateway: Gateway, port: int) -> Any:
            return await asyncio.to_thread(work, port)

        bodies = with_gateway(tape, run)
        assert [bodies[0], bodies[1], bodies[3]] == [b"{}", b'{"data": []}', b"{}"] and b"no proxy" in bodies[
            2
        ]


class TestStopping:
    """What a tape raises ends the request, and the trial."""

    def test_a_miss_is_a_clear_error_for_the_client_and_kept_for_the_trial(self) -> None:
        async def work(gateway: Gateway, port: int) -> Any:
            answer = await asyncio.to_thread(ask, port)
            with pytest.raises(Miss):
                await gateway.unless_failed(asyncio.sleep(60))
            return answer, gateway.failure

        (status, _, body), failure = with_gateway(FakeTape(strict=True), work)
        assert status == 400 and "nothing was recorded" in json.loads(body)["error"]["message"]
        assert isinstance(failure, Miss)

    def test_the_agents_work_is_cancelled_by_a_miss(self) -> None:
        cancelled = []

        async def agent(port: int) -> None:
            try:
                await asyncio.to_thread(ask, port)
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async def work(gateway: Gateway, port: int) -> None:
            with pytest.raises(Miss):
                await gateway.unless_failed(agent(port))

        with_gateway(FakeTape(strict=True), work)
        assert cancelled

    def test_at_the_limit_of_steps_the_agent_may_end_by_itself(self) -> None:
        said = []

        async def agent(port: int) -> None:
            said.append(await asyncio.to_thread(ask, port))
            await asyncio.sleep(0.05)
            said.append("ended by itself")

        async def work(gateway: Gateway, port: int) -> None:
            with pytest.raises(StepLimitReached):
                await gateway.unless_failed(agent(port))

        with_gateway(FakeTape(stop=StepLimitReached()), work)
        assert said[0][0] == 400 and b"limit of answers" in said[0][2]
        assert said[1] == "ended by itself"

    def test_an_error_of_the_tape_itself_ends_the_trial_too(self, api: tuple[str, type[Api]]) -> None:
        class Broken(FakeTape):
            def keep(self, request: WireRequest, response: WireResponse) -> None:
                raise OSError("the disk is full")

        async def work(gateway: Gateway, port: int) -> Any:
            return await asyncio.to_thread(ask, port), gateway.failure

        (status, _, _), failure = with_gateway(Broken(), work, environment(api[0]))
        assert status == 400 and str(failure) == "the disk is full"

    def test_the_result_of_work_that_goes_well_is_handed_on(self) -> None:
        async def work(gateway: Gateway, port: int) -> str:
            return await gateway.unless_failed(asyncio.sleep(0, "done"))

        assert with_gateway(FakeTape(), work) == "done"

    def test_cancelling_the_wait_cancels_the_work(self) -> None:
        seen = []

        async def forever() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                seen.append("ended")

        async def work(gateway: Gateway, port: int) -> None:
            task = asyncio.create_task(gateway.unless_failed(forever()))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        with_gateway(FakeTape(), work)
        assert seen == ["ended"]


class TestLive:
    """Requests that a real API answers."""

    def test_the_hosts_key_goes_out_and_the_clients_does_not(self, api: tuple[str, type[Api]]) -> None:
        base, handler = api
        tape = FakeTape()
        sent = {
            "x-stainless-os": "Linux",
            "openai-organization": "org-other",
            "cookie": "c=d",
            "host": "elsewhere",
        }
        status, headers, body = with_gateway(tape, asks(headers=sent), environment(base))
        assert (status, json.loads(body)) == (200, {"answer": "plain"})
        ((method, path, seen, data),) = handler.seen
        assert (method, path, json.loads(data)) == ("POST", CHAT, ASKED)
        assert seen["authorization"] == f"Bearer {KEY}" and seen["x-stainless-os"] == "Linux"
        assert seen["accept-encoding"] == "identity" and seen["host"] == base.removeprefix("http://")
        assert not {"openai-organization", "cookie"} & set(seen)
        assert headers["request-id"] == "r1" and "set-cookie" not in headers
        ((request, response),) = tape.kept
        assert KEY not in repr(request) and (response.status, response.body) == (200, body)

    def test_anthropics_paths_go_to_anthropic_with_its_own_header(self, api: tuple[str, type[Api]]) -> None:
        base, handler = api
        headers = {"x-api-key": "odcv-gateway", "anthropic-version": "2023-06-01", "anthropic-beta": "b1"}
        with_gateway(FakeTape(), asks(f"{MESSAGES}?beta=true", headers=headers), environment(base))
        ((_, path, seen, _),) = handler.seen
        assert path == f"{MESSAGES}?beta=true" and seen["x-api-key"] == KEY and "authorization" not in seen
        assert (seen["anthropic-version"], seen["anthropic-beta"]) == ("2023-06-01", "b1")

    @pytest.mark.parametrize(
        ("headers", "carries"), [({}, "authorization"), ({"anthropic-version": "1"}, "x-api-key")]
    )
    def test_the_list_of_models_is_the_one_of_the_api_that_the_headers_speak(
        self, api: tuple[str, type[Api]], headers: dict[str, str], carries: str
    ) -> None:
        base, handler = api
        status, _, _ = with_gateway(
            FakeTape(), asks("/v1/models", None, "GET", headers=headers), environment(base)
        )
        assert status == 200 and carries in handler.seen[0][2]

    def test_a_stream_is_passed_on_while_it_comes_and_kept_whole_without_the_key(
        self, api: tuple[str, type[Api]]
    ) -> None:
        base, handler = api
        handler.hold.clear()
        tape = FakeTape()

        def work(port: int) -> bytes:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", CHAT, json.dumps({**ASKED, "how": "stream"}))
            response = connection.getresponse()
            early = response.read(len(b"data: 1 [key removed]\n\ndata: [DONE]\n\n"))
            handler.hold.set()
            assert response.read() == b""
            connection.close()
            return early

        async def run(gateway: Gateway, port: int) -> bytes:
            return await asyncio.to_thread(work, port)

        text = with_gateway(tape, run, environment(base))
        assert text == b"data: 1 [key removed]\n\ndata: [DONE]\n\n"
        assert tape.kept[0][1].body == text
        assert tape.kept[0][1].headers["content-type"] == ["text/event-stream; charset=utf-8"]

    def test_what_a_client_has_of_a_stream_when_it_ends_the_trial_is_kept(
        self, api: tuple[str, type[Api]]
    ) -> None:
        base, handler = api
        handler.hold.clear()
        tape = FakeTape()

        def work(port: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", CHAT, json.dumps({**ASKED, "how": "stream"}))
            connection.getresponse().read(30)
            connection.close()

        async def run(gateway: Gateway, port: int) -> None:
            await asyncio.to_thread(work, port)

        with_gateway(tape, run, environment(base))
        assert tape.kept[0][1].body.startswith(b"data: 1 ")

    @pytest.mark.parametrize("seconds", [0.0, 0.5])
    def test_a_client_that_does_not_wait_got_no_answer_whatever_comes_later(
        self, api: tuple[str, type[Api]], seconds: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base, server = api
        answer = server._send
        monkeypatch.setattr(server, "_send", lambda *given: time.sleep(seconds) or answer(*given))
        tape = FakeTape()

        async def run(gateway: Gateway, port: int) -> None:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                data = json.dumps(ASKED).encode()
                connection.sendall(
                    b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%b"
                    % (CHAT.encode(), len(data), data)
                )
            while not tape.failed:
                await asyncio.sleep(0.01)
            await asyncio.sleep(seconds)

        with_gateway(tape, run, environment(base))
        assert [text for _, text in tape.failed] == ["None"] and tape.kept == []

    def test_a_packed_answer_is_unpacked_though_it_was_not_asked_for(
        self, api: tuple[str, type[Api]]
    ) -> None:
        tape = FakeTape()
        _, headers, body = with_gateway(tape, asks(value={**ASKED, "how": "gzip"}), environment(api[0]))
        assert json.loads(body) == {"answer": "packed"} and "content-encoding" not in headers
        assert "content-encoding" not in tape.kept[0][1].headers

    def test_a_key_that_a_server_says_back_is_taken_out(self, api: tuple[str, type[Api]]) -> None:
        tape = FakeTape()
        status, _, body = with_gateway(tape, asks(value={**ASKED, "how": "echo"}), environment(api[0]))
        assert status == 401 and KEY.encode() not in body and b"[key removed]" in body
        assert KEY not in repr(tape.kept)

    @pytest.mark.parametrize("how", ["bomb", "nonsense", "nothing"])
    def test_an_answer_that_is_none_is_an_error_and_is_one_in_the_replay(
        self, api: tuple[str, type[Api]], how: str
    ) -> None:
        tape = FakeTape()

        async def work(gateway: Gateway, port: int) -> Any:
            return (
                await asyncio.to_thread(ask, port, CHAT, {**ASKED, "how": how}),
                gateway.trouble,
                gateway.failure,
            )

        (status, _, body), trouble, failure = with_gateway(tape, work, environment(api[0]))
        assert status == 502 and b"could not be asked" in body and api[0] in trouble
        assert tape.kept == [] and failure is None

    def test_a_server_that_is_not_there_is_an_error_and_is_one_in_the_replay(self) -> None:
        tape = FakeTape()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        status, _, body = with_gateway(tape, asks(), environment(f"http://127.0.0.1:{port}"))
        assert status == 502 and b"could not be asked" in body and tape.kept == []
        (_, said), *more = tape.failed
        failure = Failure("builtins.ConnectionError", said)
        replay = FakeTape(recorded={CHAT: WireResponse(0, "", {}, b"", failure)})
        again = with_gateway(replay, asks(), environment("http://nowhere.invalid"))
        assert (again[0], again[2], more) == (status, body, []), "the client sees the same in a replay"

    def test_without_the_hosts_key_the_trial_ends_with_what_to_set(self) -> None:
        async def work(gateway: Gateway, port: int) -> Any:
            return await asyncio.to_thread(ask, port, MESSAGES), gateway.failure

        (status, _, _), failure = with_gateway(FakeTape(), work, {"OPENAI_API_KEY": KEY})
        assert (
            status == 400
            and isinstance(failure, ModelError)
            and "ANTHROPIC_API_KEY is not set" in str(failure)
        )

    def test_vcrpys_patches_do_not_see_the_gateways_own_traffic(self, api: tuple[str, type[Api]]) -> None:
        pytest.importorskip("vcr")
        from pytest_odcv.http import current
        from pytest_odcv.http.patch import patched

        tape = FakeTape()

        async def work(gateway: Gateway, port: int) -> bytes:
            data = json.dumps(ASKED).encode()
            request = b"POST %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (
                CHAT.encode(),
                len(data),
                data,
            )
            return await asyncio.to_thread(raw, port, request)

        with patched(), current.guard():
            answer = with_gateway(tape, work, environment(api[0]))
            current.check_strays()
        assert answer.endswith(b'{"answer": "plain"}') and len(tape.kept) == 1
