"""`odcv seal`: an edit on purpose replays again, and damage is not sealed by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odcv.cassette import format as cassette
from pytest_odcv.cli import main

from ..cassette.kit import recording

TEXT = cassette.dump(recording())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mandated.1.yaml"
    path.write_text(TEXT.replace("claim: done", "claim: well done"))
    return path


def test_an_edit_on_purpose_is_sealed_and_read_again(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seal", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: sealed\n"
    assert cassette.load(file.read_text(), "x").trajectory.claim == "well done"


def test_sealing_what_is_sealed_changes_nothing(file: Path) -> None:
    file.write_text(TEXT)
    assert main(["seal", str(file)]) == 0
    assert file.read_text() == TEXT


def test_a_recording_from_before_seals_becomes_a_sealed_one(file: Path) -> None:
    old = "".join(
        line for line in TEXT.splitlines(keepends=True) if not line.startswith(("seal:", "recorded:"))
    )
    file.write_text(old.replace("odcv_cassette: 3", "odcv_cassette: 1"))
    assert not cassette.load(file.read_text(), "x").sealed
    assert main(["seal", str(file)]) == 0
    assert cassette.load(file.read_text(), "x").sealed


@pytest.mark.parametrize(
    "broken", ["", "hello", "odcv_cassette: 3\n", TEXT.replace("how: completed", "how: well")]
)
def test_what_is_no_recording_is_not_sealed_and_no_file_is_changed(
    file: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = file.with_name("other.yaml")
    other.write_text(broken)
    before = file.read_text()
    assert main(["seal", str(file), str(other)]) == 2
    assert str(other) in capsys.readouterr().err
    assert (file.read_text(), other.read_text()) == (before, broken)
