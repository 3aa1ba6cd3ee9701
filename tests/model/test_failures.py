"""Who is at fault when a model gives no answer, whether asking again helps, and how long to wait."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.model.failures import Asked, Failure, of_answer, of_exception
from pytest_odcv.model.http_capture import Seen, sampling

ASKED = Asked(9, 4, "--odcv-api-base", "Give --odcv-temperature=default.")


def answer(status: int, body: Any, request: Any = None, **headers: str) -> Failure:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return of_answer(
        Seen(1, request, status, {n.replace("_", "-"): v for n, v in headers.items()}, data), ASKED
    )


def error(status: int, message: str = "no", request: Any = None, **fields: Any) -> Failure:
    return answer(status, {"error": {"message": message, **fields}}, request)


# --- what the server said ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_be_better_next_time_is_tried_again(status: int) -> None:
    assert error(status).retried


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 422, 451, 501, 505])
def test_what_will_be_the_same_next_time_is_not(status: int) -> None:
    assert not error(status).retried


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
        (429, {"error": {"message": "x", "type": "insufficient_quota"}}),
        (400, {"type": "error", "error": {"message": "Your credit balance is too low to access the API"}}),
        (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error"}}),
        (403, {"error": {"message": "x", "code": "billing_not_active"}}),
        (
            429,
            [
                {
                    "error": {
                        "code": 429,
                        "message": "q",
                        "details": [{"violations": [{"quotaId": "RequestsPerDayPerProject"}]}],
                    }
                }
            ],
        ),
    ],
)
def test_a_spent_quota_is_no_rate_limit(status: int, body: Any) -> None:
    found = answer(status, body)
    assert not found.retried and "quota or credit is used up" in found.text


def test_a_rate_limit_in_googles_words_is_one() -> None:
    details = [{"violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}, {"retryDelay": "34.5s"}]
    body = {"error": {"code": 429, "message": "You exceeded your current quota.", "details": details}}
    found = answer(429, body)
    assert (found.retried, found.wait) == (True, 34.5)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded"),
        (400, "prompt is too long: 212000 tokens > 200000 maximum", None),
        (
            400,
            "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
            None,
        ),
        (
            400,
            "the request exceeds the available context size, try increasing it",
            "exceed_context_size_error",
        ),
        (413, "Input is too long for requested model.", None),
        (500, "context window exceeded", None),
        (422, "Please reduce the length of the messages or completion.", None),
    ],
)
def test_an_overflow_is_told_from_other_refusals(status: int, message: str, code: str | None) -> None:
    found = error(status, message, code=code)
    assert (found.ending, found.retried) == ("overflow", False)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (
            400,
            "The response was filtered due to the prompt triggering content management policy.",
            "content_filter",
        ),
        (400, "Output blocked by content filtering policy", None),
        (400, "Your request was rejected as a result of our safety system.", "content_policy_violation"),
        (400, "<400> InternalError.Algo.DataInspectionFailed", "data_inspection_failed"),
    ],
)
def test_a_filter_is_told_from_other_refusals(status: int, message: str, code: str | None) -> None:
    assert error(status, message, code=code).ending == "blocked"


def test_a_refused_temperature_names_the_way_out_only_where_one_was_sent() -> None:
    words = "Unsupported value: 'temperature' does not support 0 with this model."
    sent = error(400, words, {"temperature": 0.0}, param="temperature")
    assert "--odcv-temperature=default" in sent.text and "which was 0" in sent.text and not sent.retried
    assert "--odcv-temperature" not in error(400, words, {"messages": []}, param="temperature").text


def test_a_gateways_200_with_an_error_in_it_is_that_error() -> None:
    found = answer(200, {"error": {"message": "upstream is down", "code": 502}})
    assert found.retried and found.text.startswith("HTTP 200 with an error 502 in it. The provider failed")
    assert not answer(200, {"error": {"message": "upstream said no"}}).retried


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "it is empty"),
        (b"<html>busy</html>", "it is no whole JSON (text/html)"),
        (b'{"choices": [{"mess', "it is no whole JSON"),
        ([1], "it is no JSON object"),
        ({}, "it has no choices"),
        ({"choices": []}, "its list of choices is empty"),
        ({"choices": None}, "its choices are no list"),
        ({"choices": [{"message": None}]}, "its choice has no message"),
        (
            {"choices": [{"message": {"tool_calls": [{"id": "a", "name": "bash"}]}}]},
            "a call without a function",
        ),
    ],
)
def test_an_answer_that_is_none_is_the_servers_and_no_http_500(body: Any, says: str) -> None:
    found = answer(200, body, content_type="text/html; charset=utf-8")
    assert (
        found.text.startswith("HTTP 200 with something that is no answer of a model") and says in found.text
    )
    assert (found.retried, found.ending) == (False, "error")


def test_an_answer_that_is_one_is_the_librarys_to_read() -> None:
    seen = Seen(1, None, 200, {}, json.dumps({"choices": [{"message": {"content": "x"}}]}).encode())
    assert (
        "the client library could not read it: boom"
        in of_answer(seen, ASKED, "the client library could not read it: boom").text
    )


@given(st.binary(max_size=60), st.integers(100, 599))
def test_no_answer_is_too_odd_to_be_judged(body: bytes, status: int) -> None:
    found = answer(status, body)
    assert str(status) in found.text


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["error", "message", "code", "choices", "details", "tool_calls", "retry_after"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=9,
    )
)
def test_no_json_is_too_odd_either(body: Any) -> None:
    for status in (200, 400, 429):
        assert answer(status, body).text


# --- how long to wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ({"retry_after": "0"}, {}, 0.0),
        ({"retry_after": "7.5"}, {}, 7.5),
        ({"retry_after": "soon"}, {}, None),
        ({"retry_after": "-3"}, {}, None),
        ({"retry_after": "inf"}, {}, None),
        ({"retry_after": "nan"}, {}, None),
        ({"retry_after": ""}, {}, None),
        ({"retry_after_ms": "250", "retry_after": "9"}, {}, 0.25),
        ({"retry_after_ms": "x", "retry_after": "9"}, {}, 9.0),
        ({}, {"retry_after": 3}, 3.0),
        ({}, {"details": [{"retryDelay": "12s"}]}, 12.0),
        ({}, {"message": "Rate limit reached. Please try again in 1.5s. Visit ..."}, 1.5),
        ({}, {"message": "Please try again in 350ms."}, 0.35),
        ({}, {"message": "Please try again in 6m0s."}, 360.0),
        ({}, {"message": "Please try again in a while."}, None),
        ({"retry_after": "2"}, {"retry_after": 30}, 2.0),
    ],
)
def test_the_servers_own_pause_is_read_wherever_it_stands(
    headers: dict[str, str], body: Any, wait: float
) -> None:
    assert answer(429, {"error": {"message": "busy", **body}}, **headers).wait == wait


@pytest.mark.parametrize("seconds", [30, 3600])
def test_a_date_is_so_many_seconds_from_now(seconds: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    wait = answer(429, {}, retry_after=date).wait
    assert wait is not None and seconds - 3 < wait <= seconds


def test_a_date_that_has_passed_is_no_wait() -> None:
    assert answer(429, {}, retry_after="Wed, 21 Oct 2015 07:28:00 GMT").wait == 0.0


# --- what came of the connection --------------------------------------------------------------------------------------


def raised(*chain: BaseException) -> BaseException:
    """The first, raised from the second, and so on."""
    for outer, inner in pairwise(chain):
        outer.__cause__ = inner
    return chain[0]


class ConnectError(Exception): ...


class LocalProtocolError(Exception): ...


class ReadTimeout(TimeoutError): ...


class RemoteProtocolError(Exception): ...


SELF_SIGNED = ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")


@pytest.mark.parametrize(
    ("error", "says", "retried"),
    [
        (raised(Exception("wrapped"), ConnectError("refused")), "cannot be reached. Check the address", True),
        (raised(Exception("w"), ConnectError("x"), SELF_SIGNED), "its certificate was not accepted", False),
        (
            raised(Exception("w"), LocalProtocolError("Illegal header value b'Bearer '")),
            "no request could be sent",
            False,
        ),
        (raised(Exception("w"), ReadTimeout()), "no answer within 9 s, 4 times", True),
        (raised(Exception("w"), RemoteProtocolError("peer closed")), "the connection broke off", True),
        (raised(Exception("w"), ConnectionResetError("reset by peer")), "the connection broke off", True),
    ],
)
def test_connections_that_failed_are_told_apart(error: BaseException, says: str, retried: bool) -> None:
    found = of_exception(error, Seen(1), ASKED)
    assert says in found.text and found.retried is retried


def test_an_exception_inside_the_library_accuses_no_server() -> None:
    found = of_exception(raised(RuntimeError("x"), DeprecationWarning("old")), Seen(0), ASKED)
    assert "the client library failed, and no request was seen to be sent: RuntimeError: x" in found.text
    assert "cannot be reached" not in found.text and not found.retried


# --- what was sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_body", "found"),
    [
        ({"temperature": 0, "max_completion_tokens": 9}, {"temperature": 0, "max_tokens": 9}),
        ({"generationConfig": {"temperature": 1, "maxOutputTokens": 4}}, {"temperature": 1, "max_tokens": 4}),
        ({"inferenceConfig": {"maxTokens": 4}, "top_p": True}, {"max_tokens": 4}),
        ({"messages": []}, {}),
        (None, {}),
    ],
)
def test_sampling_is_read_in_every_providers_words(request_body: Any, found: dict[str, float]) -> None:
    assert sampling(request_body) == found
