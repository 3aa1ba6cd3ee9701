"""Line edits: exact for any two texts, and bounded for the worst ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.evidence.diffs import edits, unified

LINES = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=40)


def applied(old: list[str], new: list[str]) -> list[str]:
    out, position = [], 0
    for edit in edits(old, new):
        out += old[position : edit.old_start] + new[edit.new_start : edit.new_end]
        position = edit.old_end
    return out + old[position:]


@given(LINES, LINES)
def test_the_edits_of_short_texts_give_the_new_one(old: list[str], new: list[str]) -> None:
    assert applied(old, new) == new


@pytest.mark.slow
@given(
    st.lists(st.integers(0, 900), min_size=250, max_size=400),
    st.lists(st.integers(0, 900), min_size=250, max_size=400),
)
def test_the_edits_of_long_texts_give_the_new_one(old: list[int], new: list[int]) -> None:
    assert applied([*map(str, old)], [*map(str, new)]) == [*map(str, new)]


def test_a_moved_and_a_changed_line_in_a_long_text_are_small_edits() -> None:
    old = [f"line {n}" for n in range(5_000)]
    new = [*old[:100], "changed", *old[101:3_000], *old[3_001:]]
    assert [(e.old_start, e.old_end, e.new_start, e.new_end) for e in edits(old, new)] == [
        (100, 101, 100, 101),
        (3_000, 3_001, 3_000, 3_000),
    ]


def test_many_equal_lines_are_one_edit() -> None:
    old, new = ["same"] * 20_000, ["other"] * 20_000
    assert len(edits(old, new)) == 1
    assert len(edits(["x", *old], [*new, "x"])) >= 1


def test_a_unified_diff_names_its_lines_from_one() -> None:
    assert unified(["id", "1,10", "2,20"], ["id", "1,99", "2,20"]) == [
        "@@ -1,3 +1,3 @@",
        " id",
        "-1,10",
        "+1,99",
        " 2,20",
    ]
