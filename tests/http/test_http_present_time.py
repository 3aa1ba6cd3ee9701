"""A request with the present time in it is another one in every run: found when it is recorded, and only then."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.http import under_way
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import WireRequest
from pytest_odcv.http.present_time import present_time
from pytest_odcv.http.stops import TapeStop
from pytest_odcv.http.tape import HttpTape
from pytest_odcv.redaction.redactor import Redactor


def found(value: Any, since: float = 60, given: str = "") -> str:
    hit = present_time(value, time.time() - since, lambda test: test(given))
    return f"{hit.text} in {hit.field}" if hit else ""


def _now(offset: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=offset)


WRITTEN: dict[str, Callable[[], Any]] = {
    "ISO": lambda: f"Now is {_now():%Y-%m-%dT%H:%M:%SZ}.",
    "ISO of here": lambda: datetime.now().isoformat(),
    "ISO with a zone": lambda: _now().astimezone(timezone(timedelta(hours=5))).isoformat(),
    "str": lambda: str(_now()),
    "log": lambda: f"[{_now():%Y-%m-%d %H:%M:%S},123] begin",
    "seconds": lambda: int(time.time()),
    "seconds with a fraction": time.time,
    "milliseconds": lambda: f"id-{int(time.time() * 1000)}".removeprefix("id-"),
    "nanoseconds": time.time_ns,
    "since the trial began": lambda: _now(-50).isoformat(),
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_the_present_time_is_found_where_it_is(write: Callable[[], Any]) -> None:
    value = write()
    assert found({"messages": [{"content": value}]}).endswith(" in messages[0].content")
    assert found({"messages": [{"content": value}]}, given=f"it was {value}") == "", (
        "what came in comes again"
    )


OTHER = [
    "2026-01-01T00:00:00Z",
    "2026-13-99T99:99:99Z",
    "1234567890",
    "call_1700000000000",
    "+1 2345678901",
    99999999999999999999,
    1e300,
    True,
    None,
    lambda: f"{_now():%Y-%m-%d}",
    lambda: _now(-3600).isoformat(),
    lambda: _now(3600).isoformat(),
    lambda: f"v{int(time.time())}",
    lambda: f"{int(time.time())}-abc",
]


@pytest.mark.parametrize("value", OTHER)
def test_another_time_or_number_is_left_alone(value: Any) -> None:
    assert found({"a": value() if callable(value) else value}) == ""


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
)
def test_no_value_makes_it_fail(value: Any) -> None:
    found(value)


def _ask(body: Any, recorded_only: bool = True, *ignore: str, url: str = "http://m.example/v1/x") -> None:
    tape = HttpTape(Canonical(Redactor(environ={}), ignore), lambda exchange: 0)
    before = under_way.recorded_only.set(recorded_only)
    try:
        tape.ask(WireRequest("POST", url, {"content-type": "application/json"}, json.dumps(body).encode()))
    finally:
        under_way.recorded_only.reset(before)


def test_a_request_with_the_present_time_is_refused_before_it_is_sent() -> None:
    with pytest.raises(
        TapeStop, match=r"holds the present time, .* in messages\[0\]\.content, [\s\S]*http_ignore"
    ):
        _ask({"messages": [{"role": "system", "content": f"It is {datetime.now().isoformat()}."}]})
    with pytest.raises(TapeStop, match="in query"):
        _ask({}, url=f"http://m.example/x?ts={int(time.time())}")


def test_what_is_ignored_or_not_recorded_may_hold_it() -> None:
    _ask({"ts": time.time()}, True, "ts")
    _ask({"a": datetime.now().isoformat()}, True, r"/\d{4}-\d\d-\d\dT[\d:.]+/")
    _ask({"ts": time.time()}, False)
