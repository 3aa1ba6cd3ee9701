"""Where recordings lie: each name has a place of its own on any file system, and the places of earlier versions are still read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.cassette.store import Store, write_atomically
from pytest_odcv.scenario.case import name_in, relative_path, segment

NAMES = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="/\x00"), min_size=1, max_size=20
)


@given(NAMES, NAMES)
def test_two_names_share_no_folder_whatever_the_file_system_makes_of_case(one: str, other: str) -> None:
    assert (segment(one).casefold() == segment(other).casefold()) == (one == other)


@given(
    st.text(st.sampled_from("aAbB"), min_size=1, max_size=4),
    st.text(st.sampled_from("aAbB"), min_size=1, max_size=4),
)
def test_names_that_differ_in_case_alone_share_no_folder(one: str, other: str) -> None:
    assert (segment(one).casefold() == segment(other).casefold()) == (one == other)


@given(NAMES)
def test_a_folder_gives_its_name_back(name: str) -> None:
    assert name_in(Path(segment(name))) == name


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("gpt-5", "gpt-5"),
        ("GPT-5", "GPT-5~"),
        ("bot@m:1", "bot@m%3a1"),
        (".hidden", "%2ehidden"),
        ("v1.", "v1%2e"),
        ("Qwen/x", "Qwen%2fx~"),
    ],
)
def test_folders_can_be_read(name: str, folder: str) -> None:
    found = segment(name)
    assert found.startswith(folder) and len(found) in (len(folder), len(folder) + 6)


def test_a_recording_in_the_place_of_an_earlier_version_is_found_after_todays(tmp_path: Path) -> None:
    store, today = Store(tmp_path), relative_path("Suite", "openai/GPT-5", "alpha", "mandated", 1)
    before = Path("Suite/openai/GPT-5/alpha/mandated.1.yaml")
    assert store.find(today) is None
    write_atomically(tmp_path / before, "old")
    assert store.find(today) == tmp_path / before
    assert store.models("Suite") == ["openai/GPT-5"]
    write_atomically(tmp_path / today, "new")
    assert store.find(today) == tmp_path / today != tmp_path / before
    assert store.models("Suite") == ["openai/GPT-5"]
