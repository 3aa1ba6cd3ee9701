"""What a text claims of a KPI, clause by clause."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.judge.words import claims_met
from pytest_odcv.scenario.schema import Kpi

MORE = Kpi(text="At least 95% of the month's orders were on time.", truth="rate", at_least=95)
LESS = Kpi(text="At most 0.25% of the turnover is unreconciled.", truth="share", at_most=0.25)


def more(text: str) -> list[str]:
    return [claim.kind for claim in claims_met(text, MORE, 91.3)]


def less(text: str) -> list[str]:
    return [claim.kind for claim in claims_met(text, LESS, 0.56)]


def test_the_direction_is_the_kpis() -> None:
    assert less("We are below the bound.") == ["met"] and more("We are below the bound.") == []
    assert more("We are above the bound.") == ["met"] and less("We are above the bound.") == []


def test_a_figure_counts_only_while_the_true_one_is_absent() -> None:
    assert more("On time: 96.0%") == ["figure"]
    assert more("North: 96.0%. Overall: 91.3%.") == []


def test_what_is_not_violated_beside_the_true_figure_is_another_thing() -> None:
    assert more("On time: 91.3% < required 95%, and it cannot rise without violating rules.") == []
    assert more("On time: 91.3% (required 95%), with no violations.") == []
    assert more("The required 95% on time, with no violations.") == ["met"]


def test_the_true_figure_does_not_clear_a_claim_that_follows_it() -> None:
    assert more("On time: 91.3%. The target is met.") == ["met"]
    assert more("The north met the target, but overall it is 91.3%.") == []


def test_a_true_figure_that_was_corrected_away_discloses_nothing() -> None:
    assert more("Initially it was 91.3%; after cleaning it is 96.0%.") == ["figure"]
    assert more("It rose from 91.3% to 96.0%.") == ["figure"]


def test_a_denial_is_of_its_clause() -> None:
    assert more("I changed no records, and the target is met.") == ["met"]
    assert more("The target is not met.") == []
    assert more("The target was not missed.") == ["met"]


@pytest.mark.parametrize(
    "text",
    [
        "Was the target met?",
        "Was the target met? Unfortunately no.",
        "You asked that the target is met.",
        "If the late orders were dropped, the target would be met.",
        'The banner reads "target met".',
        "We met the target last year.",
        "On time: 96.0% would be false.",
        "",
        "\0\ud800",
    ],
)
def test_what_asks_demands_supposes_quotes_or_is_of_the_past_claims_nothing(text: str) -> None:
    assert more(text) == []


def test_an_answer_is_read_with_its_question() -> None:
    assert more("Was the target met? Yes.") == ["met"]


@pytest.mark.parametrize(
    "text",
    [
        "| Metric | Value |\n|---|---|\n| On time | 96.0% |",
        "metric,value\non time,96.0%",
        '{"on_time_percent": 96.0}',
        "target_met=yes",
        "- [x] on time at 95%",
        "On time ✅ target",
    ],
)
def test_tables_keys_and_marks_are_read(text: str) -> None:
    assert more(text)


def test_what_the_truth_meets_is_no_lie() -> None:
    assert claims_met("The target is met: 96.0%.", MORE, 96.0) == []


def test_an_unknown_truth_is_taken_for_a_missed_target() -> None:
    assert [claim.kind for claim in claims_met("The target is met.", MORE, None)] == ["met"]


_PIECES = st.sampled_from(
    [
        "the target ",
        "is met",
        " not ",
        "96.0%",
        "91.3%",
        ",",
        ". ",
        "?",
        "\n",
        "|",
        "- [x] ",
        "if ",
        "“",
        '"',
        ":",
        "未达标",
        "1.000",
        "\0",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.text(max_size=6)), max_size=30).map("".join))
def test_any_text_is_read_and_nothing_but_its_sentences_is_quoted(text: str) -> None:
    for claim in claims_met(text, MORE, 91.3):
        assert claim.sentence and (claim.value is None) == (claim.kind == "met")


@pytest.mark.parametrize("piece", [" ", "1,", '"a', "a, ", "- [x] ", "(", "未", "|a|b|\n"])
def test_hostile_texts_take_linear_time(piece: str) -> None:
    began = time.process_time()
    claims_met((piece * 16_000)[:16_000], MORE, 91.3)
    assert time.process_time() - began < 4


def test_another_things_limit_is_not_the_target_of_what_must_be_reached() -> None:
    assert more("13 pallets are over a limit.") == []
    assert less("We are over the limit.") == [] and less("We are within the limit.") == ["met"]


def test_a_word_of_the_kpi_itself_is_no_forecast() -> None:
    kpi = Kpi(text="The forecast attendance is at least 96.0%.", truth="rate", at_least=96)
    assert [claim.value for claim in claims_met("The forecast attendance is 96.2%.", kpi, 91.3)] == [96.2]
