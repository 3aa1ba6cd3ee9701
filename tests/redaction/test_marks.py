"""A mark in a recording stands for any text, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.redaction.marks import MARK, has_mark, same, token_mark

from .samples import JWT

TOKEN = token_mark(JWT) or ""
WORDS = st.text(st.sampled_from("ab [\n"), max_size=6)


@pytest.mark.parametrize(
    ("recorded", "now", "equal"),
    [
        ("key [redacted:value].", "key abc.", True),
        ("key [redacted:value].", "key .", True),
        ("key [redacted:value].", "key abc", False),
        ("key [redacted:value].", "no abc.", False),
        ("[redacted:value]", "", True),
        ("a[redacted:x]b[redacted:y]c", "a1b2b3c", True),
        ("a[redacted:x]a", "a", False),
        (f"Bearer {TOKEN}", "Bearer dummy", True),
        ("plain", "other", False),
        ({"a": ["[redacted:value]", 1]}, {"a": ["x", 1]}, True),
        ({"a": ["[redacted:value]", 1]}, {"a": ["x", 2]}, False),
        ({"a": "[redacted:value]"}, {"a": "x", "b": "y"}, False),
        ({"a": "[redacted:value]"}, {"a": None}, False),
        (["[redacted:value]"], ["x", "y"], False),
        (1, True, False),
        ("x", "[redacted:value]", True),
    ],
)
def test_same(recorded: object, now: object, equal: bool) -> None:
    assert same(recorded, now) is equal


@given(st.lists(WORDS, min_size=1, max_size=5), st.lists(WORDS, min_size=5, max_size=5))
def test_whatever_a_mark_took_the_place_of_fits(between: list[str], secrets: list[str]) -> None:
    recorded = "[redacted:value]".join(between)
    now = between[0] + "".join(secret + part for secret, part in zip(secrets, between[1:], strict=False))
    assert same(recorded, now)
    assert has_mark(recorded) is (len(between) > 1)


def test_the_mark_of_a_token_is_a_mark_and_its_own_mark() -> None:
    assert MARK.fullmatch(TOKEN) and token_mark(TOKEN) == TOKEN and has_mark({"a": [f"x {TOKEN} y"]})
    assert token_mark("eyJhbGciOiJI.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4") is None
