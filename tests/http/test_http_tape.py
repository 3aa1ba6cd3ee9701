"""The tape of one trial's HTTP traffic: what it answers, what it refuses and how it says so. No network, no HTTP library."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_odcv.errors import CassetteError, ReplayMismatch
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import Exchange, WireRequest, WireResponse
from pytest_odcv.http.retries import settled
from pytest_odcv.http.stops import StepLimitReached, TapeStop
from pytest_odcv.http.tape import HttpTape
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.trajectory import Journal

CHAT = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


def body(*texts: str, **more: Any) -> dict[str, Any]:
    """A chat: a system prompt, then what the user and the assistant said in turn."""
    roles = ("system", *("user", "assistant") * len(texts))
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return {"model": "m", "messages": messages, **more}


def request(
    content: Any, path: str = CHAT, method: str = "POST", headers: dict[str, str] | None = None
) -> WireRequest:
    data = b"" if content is None else json.dumps(content).encode()
    return WireRequest(method, f"http://model.example{path}", JSON | (headers or {}), data)


def said(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"id": "1", "choices": [choice]}).encode()


def response(text: str, status: int = 200) -> WireResponse:
    return WireResponse(status, "", {name: [value] for name, value in JSON.items()}, said(text))


def tape(
    recorded: Sequence[Exchange] = (),
    place: str | None = None,
    step_limit: int | None = None,
    journal: Journal | None = None,
) -> HttpTape:
    noted = Journal() if journal is None else journal

    def note(exchange: Exchange) -> int:
        noted.exchanged(exchange)
        return noted.turns

    return HttpTape(Canonical(Redactor(environ={})), note, recorded, place, step_limit)


def record(*traffic: tuple[WireRequest, WireResponse]) -> list[Exchange]:
    journal = Journal()
    live = tape(journal=journal)
    for asked, answered in traffic:
        assert live.ask(asked) is None
        live.keep(asked, answered)
    return [event.exchange for event in journal.events]  # type: ignore[union-attr]


def strict(recorded: Sequence[Exchange], **more: Any) -> HttpTape:
    return tape(recorded, "cassettes/file.yaml", **more)


def answer(tape: HttpTape, asked: WireRequest) -> str:
    got = tape.ask(asked)
    assert got is not None
    return str(json.loads(got.body)["choices"][0]["message"]["content"])


def mismatch(tape: HttpTape, asked: WireRequest) -> str:
    with pytest.raises(TapeStop) as stopped:
        tape.ask(asked)
    assert isinstance(stopped.value.problem, ReplayMismatch)
    return str(stopped.value)


# --- answering -------------------------------------------------------------------------------------------------------


def test_what_was_recorded_is_answered_as_it_was() -> None:
    recorded = record(
        (request(body("s", "one")), response("first")), (request(body("s", "two")), response("second"))
    )
    journal = Journal()
    replay = strict(recorded, journal=journal)
    got = replay.ask(request(body("s", "one")))
    assert got is not None
    assert (got.status, json.loads(got.body)) == (200, json.loads(said("first")))
    assert got.headers == {"content-type": ["application/json"], "content-length": [str(len(got.body))]}
    assert answer(replay, request(body("s", "two"))) == "second"
    replay.finish()
    assert [event.exchange for event in journal.events] == recorded  # type: ignore[union-attr]


def test_equal_requests_get_their_recordings_in_order_and_each_of_them_once() -> None:
    asked = request(body("s", "again"))
    replay = strict(record(*((asked, response(text)) for text in ("first", "second", "third"))))
    assert [answer(replay, request(body("s", "again"))) for _ in range(3)] == ["first", "second", "third"]
    assert "all of them were used" in mismatch(replay, request(body("s", "again")))


def test_requests_that_were_made_at_a_time_are_answered_in_any_order() -> None:
    names = [f"case {number}" for number in range(20)]
    recorded = record(*((request(body("s", name)), response(f"of {name}")) for name in names))
    replay = strict(recorded)
    found: dict[str, str] = {}

    def ask(name: str) -> None:
        found[name] = answer(replay, request(body("s", name)))

    threads = [threading.Thread(target=ask, args=(name,)) for name in reversed(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {name: f"of {name}" for name in names}
    replay.finish()


@pytest.mark.parametrize(
    "other",
    [
        request(body("s", "u"), "/v2/chat/completions"),
        request(body("s", "u"), f"{CHAT}?version=2"),
        request(body("s", "u"), method="PUT"),
        request(body("s", "u", n=1)),
        request(None),
    ],
    ids=["path", "query", "method", "body", "no body"],
)
def test_a_request_that_differs_in_anything_is_not_answered(other: WireRequest) -> None:
    replay = strict(record((request(body("s", "u")), response("x"))))
    mismatch(replay, other)


def test_the_host_and_the_headers_make_no_difference() -> None:
    replay = strict(record((request(body("s", "u")), response("x"))))
    elsewhere = WireRequest(
        "POST", f"https://other.example{CHAT}", {"x-id": "9"}, request(body("s", "u")).body
    )
    assert answer(replay, elsewhere) == "x"


def test_recordings_that_nobody_asked_for_are_an_error_at_the_end() -> None:
    recorded = record(*((request(body("s", name)), response(name)) for name in ("one", "two", "three")))
    replay = strict(recorded)
    answer(replay, request(body("s", "two")))
    with pytest.raises(
        ReplayMismatch, match=r"2 of 3 HTTP requests were not made, the first of them POST /v1/chat"
    ) as raised:
        replay.finish()
    assert "cassette: cassettes/file.yaml" in str(raised.value)
    assert "--odcv-record=all" in str(raised.value)


def test_a_problem_is_remembered_where_the_agent_swallows_the_exception() -> None:
    replay = strict(record((request(body("s", "one")), response("x"))))
    first = mismatch(replay, request(body("s", "other")))
    assert mismatch(replay, request(body("s", "one"))) == first
    with pytest.raises(ReplayMismatch) as raised:
        replay.finish()
    assert str(raised.value) == first == str(replay.problem)


def test_the_first_problem_stands() -> None:
    replay = strict(())
    replay.refuse(CassetteError("the first"))
    replay.refuse(CassetteError("the second"))
    with pytest.raises(CassetteError, match="the first"):
        replay.finish()


# --- saying what differs ---------------------------------------------------------------------------------------------

TOOL = {"type": "function", "function": {"name": "bash", "description": "Run it.", "parameters": {}}}
OTHER = {"type": "function", "function": {"name": "bash", "description": "Run this.", "parameters": {}}}
RECORDED = body("Be good.", "Do it.", "Done.", "Again.", tools=[TOOL], temperature=0.5)


def changed(**more: Any) -> dict[str, Any]:
    return RECORDED | more


@pytest.mark.parametrize(
    ("now", "named"),
    [
        (
            changed(messages=body("Be bad.", "Do it.", "Done.", "Again.")["messages"]),
            ("message 1 (system):", "recorded: Be good.", "now:      Be bad."),
        ),
        (
            changed(messages=body("Be good.", "Do it.", "Done.", "Do it\nonce more.")["messages"]),
            ("message 4 (user):", "recorded: Again.", "now:      Do it"),
        ),
        (
            changed(messages=RECORDED["messages"][:3]),
            ("message 4 (user), which is missing now: Again.",),
        ),
        (
            changed(messages=[*RECORDED["messages"], {"role": "assistant", "content": "More."}]),
            ("message 5 (assistant), which is not in the recording: More.",),
        ),
        (
            changed(messages=[*RECORDED["messages"][:1], {"role": "tool", "tool_call_id": "1", "content": "x"}]),
            ("message 2: recorded a user message, now a tool message",),
        ),
        (
            changed(tools=[OTHER]),
            ("field tools[0].function.description:", "recorded: Run it.", "now:      Run this."),
        ),
        (changed(tools=[TOOL, OTHER]), ("field tools[1]:", "recorded: (not there)")),
        (changed(temperature=1), ("field temperature:", "recorded: 0.5", "now:      1")),
        (changed(top_p=0.1), ("field top_p:", "recorded: (not there)", "now:      0.1")),
        ({k: v for k, v in RECORDED.items() if k != "temperature"}, ("field temperature:", "now:      (not there)")),
    ],
    ids=[
        "first message", "last message", "message missing", "message more", "role", "tool", "tool more", "temperature",
        "field more", "field missing",
    ],
)  # fmt: skip
def test_the_first_difference_is_named(now: dict[str, Any], named: tuple[str, ...]) -> None:
    text = mismatch(strict(record((request(RECORDED), response("x")))), request(now))
    assert f"HTTP request 1, POST {CHAT}, differs from the recording at {named[0]}" in text
    for part in (*named, "cassette: cassettes/file.yaml", "--odcv-record=all", "http_ignore"):
        assert part in text


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), ("1", 1), ([], {}), (None, False)])
def test_values_of_another_type_differ(old: Any, new: Any) -> None:
    text = mismatch(
        strict(record((request({"a": {"b": old}}, "/x"), response("x")))), request({"a": {"b": new}}, "/x")
    )
    assert "differs from the recording at field a.b:" in text


def test_a_query_is_named() -> None:
    recorded = record((request(body("s", "u"), f"{CHAT}?v=1&a=0"), response("x")))
    text = mismatch(strict(recorded), request(body("s", "u"), f"{CHAT}?a=0&v=2"))
    assert "differs from the recording at the query:\n  recorded: a=0&v=1\n  now:      a=0&v=2" in text


def test_long_values_are_shown_short() -> None:
    text = mismatch(
        strict(record((request({"a": "x" * 9000}, "/x"), response("x")))), request({"a": "y" * 9000}, "/x")
    )
    assert len(text) < 1000


def test_a_request_to_a_place_that_was_never_asked_is_not_compared_with_others() -> None:
    text = mismatch(
        strict(record((request(body("s", "u")), response("x")))), request({"a": 1}, "/v1/embeddings")
    )
    assert "HTTP request 1, POST /v1/embeddings, is not in the recording, which has 1\n" in text


def test_a_changed_request_is_compared_with_the_next_recording_that_was_to_come() -> None:
    recorded = record(*((request(body("s", name)), response("x")) for name in ("one", "two", "three")))
    replay = strict(recorded)
    answer(replay, request(body("s", "one")))
    text = mismatch(replay, request(body("s", "changed")))
    assert "HTTP request 2," in text
    assert "recorded: two\n  now:      changed" in text


def test_a_changed_request_is_compared_with_its_own_conversation_where_two_go_on_side_by_side() -> None:
    recorded = record(
        (request(body("Left.", "a")), response("b")),
        (request(body("Right.", "a")), response("b")),
        (request(body("Left.", "a", "b", "c")), response("d")),
        (request(body("Right.", "a", "b", "c")), response("d")),
    )
    replay = strict(recorded)
    answer(replay, request(body("Left.", "a")))
    answer(replay, request(body("Right.", "a")))
    text = mismatch(replay, request(body("Right.", "a", "b", "changed")))
    assert "at message 4 (user):\n  recorded: c\n  now:      changed" in text


# --- live ------------------------------------------------------------------------------------------------------------


def test_a_live_tape_sends_everything_to_the_network_and_keeps_it() -> None:
    recorded = record(
        (request(body("s", "one")), response("first")), (request(body("s", "one")), response("second"))
    )
    assert [exchange.response["choices"][0]["message"]["content"] for exchange in recorded] == [
        "first",
        "second",
    ]


def test_what_is_kept_has_its_place_by_the_order_of_answers() -> None:
    journal = Journal()
    live = tape(journal=journal)
    slow, fast = request(body("s", "slow")), request(body("s", "fast"))
    assert live.ask(slow) is None and live.ask(fast) is None
    live.keep(fast, response("1"))
    live.keep(slow, response("2"))
    live.finish()
    kept = [event.exchange.request["messages"][1]["content"] for event in journal.events]  # type: ignore[union-attr]
    assert kept == ["fast", "slow"]


STATE = "/v1/tickets"


def test_a_broken_off_trial_is_resumed_without_what_may_have_changed_since() -> None:
    head = record(
        *((request(body("s", name)), response(f"paid for {name}")) for name in ("one", "two", "three")),
        (request({"list": "all"}, STATE), response("two tickets")),
    )
    journal = Journal()
    resumed = tape(head, journal=journal)
    assert answer(resumed, request(body("s", "one"))) == "paid for one"
    changed = request(body("s", "changed"))
    assert resumed.ask(changed) is None
    resumed.keep(changed, response("new"))
    state = request({"list": "all"}, STATE)
    assert resumed.ask(state) is None, "what another server said may be something else by now"
    resumed.keep(state, response("three tickets"))
    assert answer(resumed, request(body("s", "three"))) == "paid for three", "the same question to a model"
    assert [exchange.request for exchange in resumed.left] == [body("s", "two")]
    resumed.finish()
    told = [event.exchange.response["choices"][0]["message"]["content"] for event in journal.events]  # type: ignore[union-attr]
    assert told == ["paid for one", "new", "three tickets", "paid for three"]


@pytest.mark.parametrize("make", [strict, tape], ids=["replayed", "resumed"])
def test_the_step_limit_counts_answers_of_a_model_from_recordings_too(make: Callable[..., HttpTape]) -> None:
    names = ("one", "two", "three")
    recorded = record(*((request(body("s", name)), response(name)) for name in names))
    limited = make(recorded, step_limit=2)
    for name in names[:2]:
        answer(limited, request(body("s", name)))
    with pytest.raises(StepLimitReached):
        limited.ask(request(body("s", "three")))
    assert limited.problem is None


def test_other_traffic_goes_on_at_the_step_limit_and_does_not_count() -> None:
    live = tape(step_limit=1)
    for path in ("/v1/embeddings", CHAT, "/v1/embeddings"):
        asked = request(body("s", path), path)
        assert live.ask(asked) is None
        live.keep(asked, response("x") if path == CHAT else WireResponse(200, "", {}, b"[1]"))
    with pytest.raises(StepLimitReached):
        live.ask(request(body("s", "one more")))


def test_a_failure_of_the_model_is_no_step() -> None:
    live = tape(step_limit=1)
    for status in (500, 200):
        asked = request(body("s", "u"))
        assert live.ask(asked) is None
        live.keep(asked, response("x", status))
    with pytest.raises(StepLimitReached):
        live.ask(request(body("s", "u")))


def test_an_exception_of_the_tape_is_none_that_client_libraries_catch() -> None:
    assert not issubclass(TapeStop, Exception)
    assert not issubclass(StepLimitReached, Exception)


# --- what is worth keeping -------------------------------------------------------------------------------------------


def exchanges(*traffic: tuple[str, int]) -> list[Exchange]:
    return [Exchange("POST", CHAT, "", body("s", name), status, None) for name, status in traffic]


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
def test_a_failure_that_the_client_got_over_is_not_kept(status: int) -> None:
    assert settled(exchanges(("a", status), ("b", 200), ("a", status), ("a", 200))) == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_refusal_is_kept_whatever_followed(status: int) -> None:
    assert settled(exchanges(("a", status), ("a", 200))) == [True, True]


def test_a_failure_that_was_the_end_of_it_is_kept() -> None:
    seen = exchanges(("a", 200), ("a", 500), ("b", 429), ("c", 200), ("b", 503))
    assert settled(seen) == [True, True, True, True, True]


def sdk(attempt: int) -> dict[str, str]:
    return {"x-stainless-retry-count": str(attempt)}


def aws(attempt: int) -> dict[str, str]:
    return {"amz-sdk-request": f"attempt={attempt + 1}; max=3"}


@pytest.mark.parametrize("header", [sdk, aws])
def test_failures_that_the_clients_library_got_over_are_left_out_and_the_rest_replays(
    header: Callable[[int], dict[str, str]],
) -> None:
    asked = [request(body("s", "u"), headers=header(attempt)) for attempt in range(2)]
    recorded = record((asked[0], response("busy", 429)), (asked[1], response("done")))
    kept = [exchange for exchange, worth in zip(recorded, settled(recorded), strict=True) if worth]
    replay = strict(kept)
    assert answer(replay, asked[0]) == "done"
    replay.finish()


def test_failures_that_the_agent_itself_got_over_are_kept_for_it_may_have_noticed() -> None:
    asked = request(body("s", "u"))
    recorded = record((asked, response("busy", 429)), (asked, response("done")))
    assert settled(recorded) == [True, True]
    replay = strict(recorded)
    assert [answer(replay, asked), answer(replay, asked)] == ["busy", "done"]
    replay.finish()


def test_a_librarys_retries_that_all_failed_are_kept_though_the_agent_asks_again() -> None:
    tries = [request(body("s", "u"), headers=sdk(attempt)) for attempt in (0, 1, 0)]
    answers = [response("busy", 429), response("busy", 429), response("done")]
    assert settled(record(*zip(tries, answers, strict=True))) == [True, True, True]


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_waiting_is_counted_once_for_requests_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 13.0, 20.0, 21.0, 30.0, 32.0])
    monkeypatch.setattr("pytest_odcv.http.tape.time.perf_counter", lambda: next(clock))
    live = tape()
    one, two = request(body("s", "one")), request(body("s", "two"))
    assert live.ask(one) is None and live.ask(two) is None
    live.keep(one, response("x"))
    live.fail(two, TimeoutError())
    assert live.waited == 3
    assert live.ask(request(body("s", "three"))) is None
    live.close()
    assert live.waited == 4
    replay = strict(record((one, response("x"))))
    answer(replay, one)
    assert replay.waited == 0
