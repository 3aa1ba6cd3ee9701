"""Baselines: where they may come from, which model is meant, and when a comparison is refused."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odcv.errors import CassetteError, OdcvError, UsageProblem
from pytest_odcv.judge.evaluator import Evaluator
from pytest_odcv.results import baseline
from pytest_odcv.results.baseline import Source
from pytest_odcv.results.trial_result import TrialResult

from ..conftest import MINI
from .made import HASHES, result, trials


def write(file: Path, results: list[TrialResult]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(r.model_dump_json() + "\n" for r in results), encoding="utf-8")
    return file


def no_cassettes(folder: Path) -> list[TrialResult]:
    return []


def test_a_results_file_and_a_folder_of_them_are_read(tmp_path: Path) -> None:
    write(tmp_path / "runs/a.jsonl", trials([0, 4], model="a"))
    write(tmp_path / "runs/b.jsonl", trials([0], model="b"))
    assert len(baseline.read(Source.parse("runs/a.jsonl", tmp_path), no_cassettes)) == 2
    assert len(baseline.read(Source.parse("runs", tmp_path), no_cassettes)) == 3


def test_a_missing_baseline_is_an_error_that_says_what_may_be_given(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"base\.jsonl: no such file or folder; expected a results file"):
        Source.parse("base.jsonl", tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OdcvError, match="holds neither results files"):
        baseline.read(Source.parse(".", tmp_path), no_cassettes)


def test_a_trial_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", trials([0]))
    write(tmp_path / "b.jsonl", trials([4]))
    with pytest.raises(OdcvError, match="s0-mandated-e1 of m is there twice"):
        baseline.read(Source.parse(".", tmp_path), no_cassettes)


def test_the_model_is_the_named_one_or_the_same_or_the_only_one(tmp_path: Path) -> None:
    both = [*trials([0], model="a"), *trials([4], model="b")]
    file = write(tmp_path / "x.jsonl", both)
    named, plain = Source.parse(f"{file}::a"), Source.parse(str(file))
    assert {r.model for r in baseline.of_model(both, named, "b")} == {"a"}
    assert {r.model for r in baseline.of_model(both, plain, "b")} == {"b"}
    assert {r.model for r in baseline.of_model(both[:1], plain, "new")} == {"a"}
    with pytest.raises(
        UsageProblem,
        match=r"several models, and new is none of them; name one as .*x\.jsonl::MODEL. It holds: a, b",
    ):
        baseline.of_model(both, plain, "new")
    with pytest.raises(UsageProblem, match="holds no trials of c"):
        baseline.of_model(both, Source(file, "c"), "new")


# --- like with like --------------------------------------------------------------------------------------------------


def changed(key: str, value: str | None = "other", only: str = "") -> list[TrialResult]:
    found = []
    for trial in trials([0, 0]):
        hashes = {k: v for k, v in HASHES.items() if k != key}
        if value is not None:
            hashes[key] = value
        found.append(
            trial if only and trial.scenario != only else trial.model_copy(update={"hashes": hashes})
        )
    return found


def test_equal_hashes_are_comparable_whatever_the_model() -> None:
    assert baseline.changes(trials([0, 0], model="old"), trials([4, 4])) == []
    assert baseline.compared("x", [], False) == ()


@pytest.mark.parametrize(
    ("new", "text"),
    [
        (changed("agent"), "agent configuration"),
        (changed("judges"), "judges (panel, rubric or policy)"),
        (changed("oracle", only="s1"), "oracle of s1"),
        (changed("environment", only="s0"), "environment (files, tools or limits) of s0"),
        (changed("prompts", None), "prompts"),
        (changed("sandbox", "podman"), "sandbox"),
    ],
)
def test_what_changed_is_named(new: list[TrialResult], text: str) -> None:
    found = baseline.changes(trials([0, 0]), new)
    assert found == [text]
    with pytest.raises(UsageProblem) as caught:
        baseline.compared("base.jsonl", found, False)
    assert f"baseline base.jsonl cannot be compared with this run. Changed since then: {text}." in str(
        caught.value
    )
    assert "--odcv-allow-incomparable" in str(caught.value)
    (note,) = baseline.compared("base.jsonl", found, True)
    assert text in note


def test_trials_in_error_and_items_of_one_side_do_not_count() -> None:
    failed = result("s1", None, error="boom", hashes={**HASHES, "agent": ""})
    assert baseline.changes(trials([0, 0]), [*trials([0]), failed]) == []
    assert baseline.changes(trials([0]), [*trials([0]), result("s9", 0, hashes={})]) == []


def test_a_suite_is_held_against_a_baseline_before_anything_runs() -> None:
    hashes = {"mandated": "p", "incentivized": "p", "environment": "e", "oracle": "changed"}
    scenario = SimpleNamespace(id="s0", hashes=hashes, arms=("mandated", "incentivized"))
    scenario.matching = lambda environment: scenario
    suite: Any = SimpleNamespace(scenarios=(scenario,))
    assert baseline.changes_of_suite(trials([0]), suite, "j") == ["oracle"]
    assert baseline.changes_of_suite(trials([0]), suite, "k") == [
        "oracle",
        "judges (panel, rubric or policy)",
    ]


# --- cassettes -------------------------------------------------------------------------------------------------------


def recorded(folder: Path, model: str = "") -> list[TrialResult]:
    from pytest_odcv.scenario.suite import load_suite

    return asyncio.run(baseline.recorded(folder, load_suite(MINI), lambda store: Evaluator(), model))


def test_recordings_are_judged_wherever_below_the_folder_they_lie(mini_cassettes: Path) -> None:
    everything = recorded(mini_cassettes)
    assert len(everything) == 5 * 4
    one = recorded(mini_cassettes / "mini" / "reference" / "falsifier")
    assert {r.model for r in one} == {"reference/falsifier"} and all(r.violated for r in one)
    assert one == recorded(mini_cassettes, "reference/falsifier")


def test_recordings_that_are_read_are_comparable_with_a_run_of_them(mini_cassettes: Path) -> None:
    old, new = recorded(mini_cassettes, "reference/honest"), recorded(mini_cassettes, "reference/gamer")
    assert baseline.changes(old, new) == []


def test_a_recording_in_anothers_place_is_an_error(mini_cassettes: Path, tmp_path: Path) -> None:
    shutil.copytree(mini_cassettes / "mini/reference/honest", tmp_path / "elsewhere")
    with pytest.raises(CassetteError, match="holds the recording that belongs at"):
        recorded(tmp_path)


def test_files_that_are_no_cassettes_are_passed_over(mini_cassettes: Path, tmp_path: Path) -> None:
    shutil.copytree(mini_cassettes, tmp_path / "cassettes")
    (tmp_path / "cassettes" / "notes.yaml").write_text("a: [1\n", encoding="utf-8")
    (tmp_path / "cassettes" / "other.yaml").write_text("trial: {x: 1}\n", encoding="utf-8")
    assert len(recorded(tmp_path / "cassettes", "reference/honest")) == 4
