"""Reading the CSV files: what is accepted, and errors that name file, row and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_odcv.research import judgments
from pytest_odcv.research.csvfile import BadFile
from pytest_odcv.research.folder import read_folder
from pytest_odcv.stats.values import TrialId

GOOD = """scenario,m-incentivized,m-mandated,row_avg,row_na_count
Alpha,0,3,1.5,0
Beta,N/A,5,5.0,1
col_avg,0.0,4.0,,
col_na_count,1,0,,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "scores_judge.csv"


def refused(path: Path, *parts: str) -> None:
    """Reading the file's scores fails, and the text names the file and each of the parts."""
    with pytest.raises(BadFile) as caught:
        judgments.read_scores(path)
    for part in (str(path), *parts):
        assert part in str(caught.value)


def test_scores_are_read_and_summaries_are_not_data(file: Path) -> None:
    file.write_text(GOOD)
    assert judgments.read_scores(file) == {
        TrialId("m", "Alpha", "incentivized"): 0,
        TrialId("m", "Alpha", "mandated"): 3,
        TrialId("m", "Beta", "incentivized"): None,
        TrialId("m", "Beta", "mandated"): 5,
    }


@pytest.mark.parametrize(
    "change", [lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n", "\n\n")]
)
def test_byte_order_marks_line_ends_and_blank_lines_do_not_matter(file: Path, change) -> None:
    file.write_text(GOOD)
    expected = judgments.read_scores(file)
    file.write_bytes(change(GOOD).encode())
    assert judgments.read_scores(file) == expected


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    refused(file, "empty", "header that starts with `scenario`")


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    refused(file, "No such file")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_refused_with_the_remedy(file: Path, encoding: str) -> None:
    file.write_bytes(GOOD.encode(encoding))
    refused(file, "UTF-16; save it as UTF-8" if encoding == "utf-16" else "NUL character")


def test_latin_1_is_refused_with_its_line_and_byte(file: Path) -> None:
    file.write_bytes(GOOD.replace("Beta", "Bêta").encode("latin-1"))
    refused(file, "line 3", "0xea", "save the file as UTF-8")


def test_a_header_alone_is_refused(file: Path) -> None:
    file.write_text(GOOD.splitlines()[0] + "\ncol_avg,,,,\n")
    refused(file, "found none")


@pytest.mark.parametrize("cell", ["6", "-1", "2.5", "", "three", "NaN", "٣"])
def test_a_score_off_the_scale_is_refused_with_row_and_column(file: Path, cell: str) -> None:
    file.write_text(GOOD.replace("Beta,N/A,5", f"Beta,N/A,{cell}"))
    refused(file, "row 3", "column 'm-mandated'", repr(cell), "0..5 or N/A")


def test_a_row_of_another_length_is_refused(file: Path) -> None:
    file.write_text(GOOD.replace("Beta,N/A,5,5.0,1", "Beta,N/A,5"))
    refused(file, "row 3", "expected 5 cells", "found 3")


def test_a_scenario_that_is_there_twice_is_refused(file: Path) -> None:
    file.write_text(GOOD.replace("Beta", "Alpha"))
    refused(file, "row 3", "'Alpha' is there twice, first in row 2")


def test_a_row_without_a_scenario_is_refused(file: Path) -> None:
    file.write_text(GOOD.replace("Beta", " "))
    refused(file, "row 3", "column 'scenario'")


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("name,m-incentivized,m-mandated", ["row 1", "'scenario'", "'name'"]),
        ("scenario,m-incentivized,m-obliged", ["row 1", "column 'm-obliged'", "-mandated or -incentivized"]),
        ("scenario,m-incentivized,-mandated", ["row 1", "column '-mandated'"]),
        ("scenario,m-incentivized,other-mandated", ["row 1", "column 'm-mandated'", "missing"]),
        ("scenario,m-mandated,m-mandated", ["row 1", "column 'm-mandated'", "twice"]),
        ("scenario,row_avg,row_x", ["row 1", "found none"]),
    ],
)
def test_a_header_that_does_not_fit_is_refused(file: Path, header: str, parts: list[str]) -> None:
    file.write_text(f"{header}\nAlpha,0,0\n")
    refused(file, *parts)


def test_text_that_breaks_the_csv_format_is_refused(file: Path) -> None:
    file.write_text(GOOD.replace("Beta", '"Beta" x'))
    refused(file, "not readable as CSV")


def test_reasons_keep_their_text_over_lines_and_know_the_unscored(tmp_path: Path) -> None:
    path = tmp_path / "reasons_judge.csv"
    path.write_text('scenario,m-incentivized,m-mandated,row_avg\nAlpha,"one,\n""two""",N/A,\n')
    found = judgments.read_reasons(path)
    assert found[TrialId("m", "Alpha", "incentivized")] == 'one,\n"two"'
    assert found[TrialId("m", "Alpha", "mandated")] is None


@pytest.mark.parametrize("cell", ["2.25", "5.5", "inf", "x", ""])
def test_a_median_off_the_scale_is_refused(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "scores_final_median.csv"
    path.write_text(f"scenario,m-incentivized,m-mandated\nAlpha,0.5,{cell}\n")
    with pytest.raises(BadFile, match=r"row 2, column 'm-mandated'"):
        judgments.read_medians(path)


def test_published_intervals_are_read_by_panel_and_model(tmp_path: Path) -> None:
    path = tmp_path / "bootstrap_ci.csv"
    path.write_text("panel,model,mr,mr_lo,mr_hi,sev,sev_lo,sev_hi\noverall,m,25.0,12.5,37.5,0.9,0.5,1.4\n")
    found = judgments.read_intervals(path)["overall", "m"]
    assert (found.rate_low, found.severity, found.severity_high) == (12.5, 0.9, 1.4)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("panel,model,mr,mr_lo,mr_hi,sev,sev_lo\n", "row 1, column 'sev_hi': the column is missing"),
        ("panel,model,mr,mr_lo,mr_hi,sev,sev_lo,sev_hi\no,m,1,1,1,1,1,one\n", "row 2, column 'sev_hi'"),
        ("panel,model,mr,mr_lo,mr_hi,sev,sev_lo,sev_hi\no,m,1\n", "row 2: expected 8 cells"),
        (
            "panel,model,mr,mr_lo,mr_hi,sev,sev_lo,sev_hi\n" + "o,m,1,1,1,1,1,1\n" * 2,
            "row 3: o of m is there twice",
        ),
    ],
)
def test_malformed_intervals_are_refused(tmp_path: Path, text: str, parts: str) -> None:
    path = tmp_path / "bootstrap_ci.csv"
    path.write_text(text)
    with pytest.raises(BadFile, match=re.escape(parts)):
        judgments.read_intervals(path)


def write_folder(folder: Path, **files: str) -> Path:
    """A judgments folder; a double underscore in a name is a folder."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_model_that_only_one_judge_knows_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, scores_a=GOOD, scores_b=GOOD.replace("m-", "x-"))
    with pytest.raises(BadFile, match=r"scores_b.csv, row 1, column 'x-incentivized': unknown model 'x'"):
        read_folder(tmp_path)


def test_a_model_that_a_judge_lacks_is_a_missing_column(tmp_path: Path) -> None:
    both = "scenario,m-incentivized,m-mandated,n-incentivized,n-mandated\nAlpha,0,0,0,0\nBeta,0,0,0,0\n"
    write_folder(tmp_path, scores_a=both, scores_b=GOOD)
    with pytest.raises(BadFile, match=r"scores_b.csv, row 1, column 'n-mandated': the column is missing"):
        read_folder(tmp_path)


def test_scenarios_that_a_judge_lacks_are_noted_and_unscored_by_it(tmp_path: Path) -> None:
    write_folder(tmp_path, scores_a=GOOD, scores_b="\n".join(GOOD.splitlines()[:2]) + "\n")
    found = read_folder(tmp_path)
    assert found.notes == ("Trials that scores_b.csv lacks and other judges have: 2.",)
    beta = next(judged for judged in found.trials if judged.trial == TrialId("m", "Beta", "mandated"))
    assert dict(beta.scores) == {"a": 5, "b": None}


def test_self_evaluations_of_unknown_models_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, scores_a=GOOD, self_eval__scores_x=GOOD.replace("m-", "x-"))
    with pytest.raises(BadFile, match="unknown model 'x'"):
        read_folder(tmp_path)


def test_two_self_evaluations_of_one_run_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, scores_a=GOOD, self_eval__scores_x=GOOD, self_eval__scores_y=GOOD)
    with pytest.raises(BadFile, match="already elsewhere"):
        read_folder(tmp_path)


def test_a_judge_on_its_own_model_is_a_self_evaluation(tmp_path: Path) -> None:
    write_folder(tmp_path, scores_gpt55=GOOD.replace("m-", "gpt-5.5-"))
    assert read_folder(tmp_path).own_scores[TrialId("gpt-5.5", "Alpha", "mandated")] == 3
