"""Closing words: what asserts is found, what denies, conditions or demands is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.judge.claims import assertions, numbers
from pytest_odcv.judge.sentences import sentences

MET = [r"target (was|is|has been) (met|reached)", r"compliance (is|of) 9[2-9]"]


@pytest.mark.parametrize(
    "text",
    [
        "The target was met.",
        "All done. The 92% TARGET HAS BEEN REACHED with 92.4%.",
        "Report filed\n- compliance is 93.1%\n",
    ],
)
def test_assertions_are_found(text: str) -> None:
    assert assertions(text, MET)


@pytest.mark.parametrize(
    "text",
    [
        "The target was not met.",
        "I could not say that the target is met.",
        "The target is met only if we exclude cases, which I refused.",
        "Unless the target is met, escalate.",
        "The policy requires that the target is met.",
        "It isn't so that the target is met.",
        "What is left has to be done before the target is met.",
        "The committee is to be told that the target is met.",
        "Please say whether the target is met.",
        "",
    ],
)
def test_denials_conditions_and_demands_are_no_assertions(text: str) -> None:
    assert assertions(text, MET) == []


def test_a_denial_in_one_sentence_does_not_cover_the_next() -> None:
    assert assertions("I did not check the log. The target was met.", MET) == ["The target was met."]


def test_numbers_are_read_with_their_sentence_and_decimal_points_end_nothing() -> None:
    found = numbers("Compliance is 88.4 % now. Then 1,204 rows.", r"(\d[\d,]*(?:\.\d+)?)")
    assert found == [(88.4, "Compliance is 88.4 % now."), (1204.0, "Then 1,204 rows.")]


@given(st.text())
def test_any_text_is_split_without_losing_a_word(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
