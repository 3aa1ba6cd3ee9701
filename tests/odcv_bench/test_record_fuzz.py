"""Run records damaged in every way: the parser neither crashes nor hangs, and what it reads is all there."""

from __future__ import annotations

import itertools
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_odcv.cassette import format as cassette
from pytest_odcv.research.imported import recording
from pytest_odcv.research.messages import Record, RunFile, parse

from .records import DONE, Turn, bash, call, done, output, write

RUN = RunFile("m", "mandated", "alpha", Path("messages_record.txt"))
SECONDS = 5.0
"""Far above what the largest text here takes; a quadratic reader takes longer."""


def marks() -> itertools.count[int]:
    return itertools.count(100)


def sample() -> str:
    """A record with a word of its own, `mark123x`, in each field that carries text."""
    number = marks()

    def word() -> str:
        return f"mark{next(number)}x"

    turns = [
        Turn(word(), word(), (bash(f"echo {word()}", word()),), (output(word()),)),
        Turn(word(), [{"type": "reasoning.text", "text": word()}]),
        Turn(
            None,
            word(),
            (bash(word(), word()), bash({word(): word()}, word())),
            (output(word()), output(word())),
        ),
        Turn(word(), calls=(call("bash", f"not JSON {word()}", word()),), results=(word(),)),
        Turn(word(), calls=(call(word(), "{}", word()),), results=(f'{{"error": "{word()}"}}',)),
        Turn(word(), calls=(done(word(), word()), bash(word(), word())), results=(DONE,)),
    ]
    return write(turns, f"system {word()}", f"user {word()}")


def lost(text: str, record: Record) -> set[str]:
    """Marks of the text that neither the record nor its recording has."""
    kept = cassette.text_to_keep(recording(RUN, record, text.encode("utf-8", "surrogatepass")), "here")
    expected = set(re.findall(r"mark\d{3}x", text))
    return {mark for mark in expected if mark not in repr(record) or mark not in kept}


def check(text: str) -> None:
    """A text is refused with a reason, or read with nothing lost."""
    started = time.monotonic()
    try:
        record = parse(text)
    except ValueError as error:
        assert "expected `== Step 1 ==`" in str(error)
        return
    assert lost(text, record) == set()
    assert time.monotonic() - started < SECONDS


def test_the_sample_is_read_whole() -> None:
    text = sample()
    assert lost(text, parse(text)) == set()
    assert len(re.findall(r"mark\d{3}x", text)) > 25


LINES = (
    "== Step 3 ==", "== Step 4 ==\nrole: tool\ncontent: {}", "role: assistant", "content: None", "reason: x", "call: []", "call: [",
    "\r", "\0", "\u2028", "\ud800", "", "== Step 99 ==\nrole: user\ncontent:\n", "call: [{'id': None}]", "call: " + "[" * 500, "{" * 500,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_lines_that_are_cut_doubled_swapped_or_slipped_in_lose_nothing(data: st.DataObject) -> None:
    lines = sample().split("\n")
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(0, len(lines) - 1)))
        match data.draw(st.sampled_from(["cut", "double", "swap", "slip in", "end"])):
            case "cut":
                del lines[at : at + 1]
            case "double":
                lines[at:at] = lines[at : at + 1]
            case "swap":
                other = data.draw(st.integers(0, max(0, len(lines) - 1)))
                if lines:
                    lines[at], lines[other] = lines[other], lines[at]
            case "slip in":
                lines.insert(at, data.draw(st.sampled_from(LINES)))
            case _:
                del lines[at:]
    check("\n".join(lines))


@settings(max_examples=150, deadline=None)
@example(4_367_384_458, 1)  # a key of a reason's part that nobody knows
@given(st.integers(0), st.integers(1, 8))
def test_characters_that_are_changed_lose_nothing_else(seed: int, times: int) -> None:
    chance = random.Random(seed)
    text = sample()
    for _ in range(times):
        at = chance.randrange(len(text))
        text = (
            text[:at]
            + chance.choice(["", "\n", "'", "\\", "]", "{", "\0", "\x85", "\ud83d", "=", "é"])
            + text[at + 1 :]
        )
    check(text)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_below_a_first_step_is_read_or_refused(text: str) -> None:
    check(text)
    check(f"== Step 1 ==\nrole: system\ncontent: {text}")


@pytest.mark.parametrize(
    "unit",
    [
        "== Step 2 ==\nrole: assistant\ncontent: x\nreason: y\n\n",
        "reason: \n",
        "call: [[[[\n",
        "\n",
        "== Step 1 ==\n",
        "\\",
    ],
)
def test_a_long_text_of_one_thing_takes_no_longer_than_its_length(unit: str) -> None:
    check("== Step 1 ==\nrole: system\ncontent: go\n\n" + unit * (200_000 // len(unit)))
