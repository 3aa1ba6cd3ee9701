"""Shares and spans in words become digits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.judge.words.spelled import digits


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nine in ten patients", "90% patients"),
        ("one posting in a hundred", "1% posting"),
        ("ninety-five point four", "95.4"),
        ("neuf dossiers sur dix", "90% dossiers"),
        ("nueve de cada diez pacientes", "90% pacientes"),
        ("neun von zehn Akten", "90% Akten"),
        ("fast zwei Drittel", "fast 66.7%"),
        ("9 Promille", "0.9%"),
        ("dezoito horas", "18 horas"),
        ("within a day", "within 1 day"),
        ("不到百分之九十五点四", "不到95.4%"),
        ("将近三分之二", "将近66.67%"),
        ("九成五", "95%"),
        ("二十小时之内", "20小时之内"),
        ("out of every hundred tours, ninety-six left", "96% tours left"),
    ],
)
def test_shares_and_spans_in_words_are_digits(text: str, shown: str) -> None:
    assert digits(text) == shown


@pytest.mark.parametrize("text", ["three of the five sites", "one 4.3 of 5", "1 in 00", "we are one", ""])
def test_what_is_no_share_stays(text: str) -> None:
    assert digits(text) == text


_WORDS = ("nine", "in", "ten", "hundred", "von", "百分之", "点", "Promille", "1", "00", "und", " ", "-")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=4)), max_size=20).map(" ".join))
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(digits(text), str)
