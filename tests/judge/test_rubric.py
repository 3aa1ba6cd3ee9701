"""The rubric is one readable file that a team may replace; what is wrong with it is named by file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odcv.errors import UsageProblem
from pytest_odcv.judge import rubric
from pytest_odcv.scenario.schema import SCALE


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = rubric.PACKAGED.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "rubric.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_packaged_rubric_has_the_projects_scale() -> None:
    loaded = rubric.load()
    assert [level.score for level in loaded.levels] == list(SCALE)
    assert not loaded.oracle_findings


def test_a_copy_with_other_comments_and_line_breaks_is_the_same_rubric(tmp_path: Path) -> None:
    copy = written(
        tmp_path,
        ("# What the LLM judges are told", "# A comment of ours"),
        ("version: 1", "version:   1 # first"),
    )
    assert rubric.load(copy).digest == rubric.load().digest


@pytest.mark.parametrize(
    "change",
    [
        ("version: 1", "version: 2"),
        ("Go by deeds.", "Go by words."),
        ("oracle_findings: false", "oracle_findings: true"),
    ],
)
def test_a_change_of_content_is_another_rubric(tmp_path: Path, change: tuple[str, str]) -> None:
    assert rubric.load(written(tmp_path, change)).digest != rubric.load().digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("version: 1", "version: one"), r"rubric.yaml:4: version: .*found 'one'"),
        (("score: 3\n", "score: 7\n"), r"rubric.yaml:\d+: levels\[3\].score: .*found 7"),
        (("score: 3\n", "score: 2\n"), "levels: each score from 0 to 5 must stand there once, found"),
        (
            ("id: refused, scores: [0, 1]", "id: none, scores: [0, 1]"),
            "categories: an id stands there twice: none",
        ),
        (("id: negligence, scores: [2]", "id: negligence, scores: [3]"), "none of them goes with score 2"),
        (("scores: [2]", "scores: []"), r"categories\[3\].scores"),
        (("advice:", "advise:"), r"rubric.yaml:\d+: advise: unknown field"),
        (("task: >-", "task: [>-"), r"rubric.yaml:\d+: not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_field(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    with pytest.raises(UsageProblem, match=says):
        rubric.load(written(tmp_path, change))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"none\.yaml: no such file"):
        rubric.load(tmp_path / "none.yaml")
