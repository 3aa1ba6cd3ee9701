"""A checkout of ODCV-Bench as it is published: two generations, each with folders of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.errors import UsageProblem
from pytest_odcv.research import study
from pytest_odcv.research.csvfile import BadFile
from pytest_odcv.research.folder import find_judgments, read_folder
from pytest_odcv.stats.multiple import holm
from pytest_odcv.stats.values import TrialId


def table(model: str, *rows: str) -> str:
    """A file of scores: a row is `Scenario,incentivized,mandated`."""
    lines = [f"scenario,{model}-incentivized,{model}-mandated,row_avg", *(f"{row}," for row in rows)]
    return "\n".join([*lines, "col_avg,1,1,", "col_na_count,0,0,", ""])


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    results = tmp_path / "existing_results"
    old = [f"S{number},0.0,0.0" for number in range(8)]
    new = [f"S{number},4,{'N/A' if number == 7 else '5'}" for number in range(8)]
    files = {f"scores_old-{judge}": table("gpt-5.1-chat", *old) for judge in ("grok", "gpt55")}
    write(results / "previous" / "evaluations" / "judge_all", **files)
    files = {f"scores_{judge}": table("gpt-5.5", *new) for judge in ("grok", "gpt55", "gemini")}
    write(results / "current" / "evaluations" / "judge_all", **files)
    record = (
        results / "current" / "agent_logs" / "gpt-5.5-mandated" / "experiments" / "S0" / "scores_of_agent.csv"
    )
    record.parent.mkdir(parents=True)
    record.write_text("no,file,of,judges\n")
    return tmp_path


def judged_models(*paths: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for judged in study.load(*paths).judged:
        found.setdefault(judged.trial.model, set()).update(judged.scores)
    return found


OLD, NEW = {"gpt-5.1-chat": {"grok", "gpt55"}}, {"gpt-5.5": {"grok", "gpt55", "gemini"}}


@pytest.mark.parametrize("place", [".", "existing_results"])
def test_a_checkout_is_both_generations(checkout: Path, place: str) -> None:
    assert judged_models(checkout / place) == OLD | NEW


def test_a_generation_is_read_alone_and_several_together(checkout: Path) -> None:
    previous, current = checkout / "existing_results" / "previous", checkout / "existing_results" / "current"
    assert judged_models(previous) == OLD
    assert judged_models(current / "evaluations" / "judge_all") == NEW
    assert judged_models(current, previous) == OLD | NEW


def test_a_trial_of_two_places_is_refused(checkout: Path) -> None:
    with pytest.raises(UsageProblem, match=r"S0, incentivized, gpt-5\.1-chat, epoch 0 is in two of the"):
        study.load(checkout, checkout / "existing_results" / "previous")


def test_scores_with_a_decimal_are_whole_scores_and_halves_are_refused(tmp_path: Path) -> None:
    write(tmp_path, scores_a=table("m", "S,3.0,0.0"), scores_b=table("m", "S,3,0"))
    assert {tuple(judged.scores.values()) for judged in read_folder(tmp_path).trials} == {(3, 3), (0, 0)}
    write(tmp_path, scores_a=table("m", "S,3.5,0.0"))
    with pytest.raises(
        BadFile, match=r"row 2, column 'm-incentivized'.*whole score 0\.\.5 or N/A, found '3\.5'"
    ):
        read_folder(tmp_path)


@pytest.mark.parametrize("text", ["6.0", ".0", "-1.0", "1.0.0", "1.00"])
def test_other_numbers_are_no_scores(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadFile, match="whole score"):
        read_folder(write(tmp_path, scores_a=table("m", f"S,{text},0")))


def test_two_files_of_one_judge_are_refused(tmp_path: Path) -> None:
    write(tmp_path, scores_grok=table("m", "S,0,0"), **{"scores_old-grok": table("m", "S,0,0")})
    with pytest.raises(BadFile, match=r"the judge grok has another file here, scores_grok\.csv"):
        study.load(tmp_path)


def test_self_evaluations_beside_the_judges_are_read(checkout: Path) -> None:
    evaluations = checkout / "existing_results" / "previous" / "evaluations"
    write(evaluations / "self_eval", scores_self=table("gpt-5.1-chat", "S0,3,4"))
    own = study.load(checkout).own_scores
    assert own[TrialId("gpt-5.1-chat", "S0", "mandated")] == 4
    assert own[TrialId("gpt-5.5", "S0", "mandated")] == 5, "a judge on its own model"


def test_self_evaluations_given_by_themselves_name_the_folder_to_give(checkout: Path) -> None:
    folder = write(checkout / "self_eval", scores_self=table("m", "S0,3,4"))
    with pytest.raises(BadFile, match="name the folder of the judges"):
        study.load(folder)


@pytest.mark.parametrize("place", ["scores_final_median.csv", "."])
def test_medians_alone_are_verdicts_without_judges(
    tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, scores_final_median=table("m", "S,3.5,0.0", "T,N/A,0"))
    found = study.load(tmp_path / place)
    assert [(verdict.trial.scenario, verdict.score) for verdict in found.verdicts] == [
        ("S", 3.5), ("S", 0.0), ("T", None), ("T", 0.0),
    ]  # fmt: skip
    assert found.judged == ()
    assert main(["judges", str(tmp_path / place)]) == 2
    assert "expected trials judged by two judges or more" in capsys.readouterr().err


def test_medians_of_trials_that_no_judge_has_are_told(tmp_path: Path) -> None:
    write(tmp_path, scores_a=table("m", "S,0,0"), scores_final_median=table("m", "S,0,0", "T,0,0"))
    assert study.load(tmp_path).notes == ("Trials of scores_final_median.csv that no judge's file has: 2.",)


def test_a_folder_without_scores_says_what_is_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path, tmp_path / "absent"):
        assert main(["scores", str(place)]) == 2
        assert "judgments folder or checkout" in capsys.readouterr().err


def test_hidden_folders_and_links_are_not_searched(tmp_path: Path) -> None:
    write(tmp_path / "real" / ".git", scores_a=table("m", "S,0,0"))
    write(tmp_path / "elsewhere", scores_a=table("m", "S,0,0"))
    (tmp_path / "real" / "link").symlink_to(tmp_path / "elsewhere")
    assert find_judgments(tmp_path / "real") == []


def test_generations_are_compared_pair_by_pair(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scores", "--generations", "--format", "json", str(checkout)]) == 0
    (found,) = json.loads(capsys.readouterr().out)["tables"]
    (row,) = found["rows"]
    assert (row["older"], row["newer"], row["pairs"]) == ("gpt-5.1-chat", "gpt-5.5", 15)
    assert (row["only_older"], row["only_newer"], row["difference"]) == (0, 15, 100.0)
    assert row["p"] == row["p_holm"] == pytest.approx(2 / 2**15, abs=1e-6)
    assert any("124 runs" in note and "CRLF" in note for note in found["notes"])
    assert any("Pairs that are here: 1 of 9" in note for note in found["notes"])


def test_generations_of_one_generation_are_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scores", "--generations", str(checkout / "existing_results" / "current")]) == 2
    assert "expected models of both published generations" in capsys.readouterr().err


def test_diff_takes_models_of_a_checkout(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = f"{checkout}::gpt-5.1-chat", f"{checkout / 'existing_results' / 'current'}::gpt-5.5"
    assert main(["diff", old, new, "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert (found["model"], found["baseline"], found["decision"]) == ("gpt-5.5", "gpt-5.1-chat", "fail")
    assert main(["diff", new, new]) == 0


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.9, 0.5, 0.001], [1.0, 1.0, 0.003]),
        ([0.02, 0.02], [0.04, 0.04]),
    ],
)
def test_holm_multiplies_by_the_tests_that_are_left(given: list[float], adjusted: list[float]) -> None:
    assert holm(given) == pytest.approx(adjusted)
