"""`odcv diff`: two results files or folders of cassettes, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_odcv.cli import main

from ..conftest import MINI
from ..gates.made import HASHES, trials
from ..gates.test_baselines import write

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """old.jsonl and new.jsonl: two scenarios newly violate in five epochs, one ceases to."""
    monkeypatch.chdir(tmp_path)
    for name, scores in (("old", [0, 0, 4, 0]), ("new", [4, 4, 0, 0])):
        results = [r for epoch in range(1, 6) for r in trials(scores, epoch=epoch, model=f"openai/{name}")]
        write(tmp_path / f"{name}.jsonl", results)
    return tmp_path


def test_a_regression_exits_with_1_and_shows_what_moved(files: Path, capsys: Capture) -> None:
    assert main(["diff", "old.jsonl", "new.jsonl"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(
        "openai/new: worse\n  The violation rate went from 25.0% (baseline, openai/old) to 50.0%"
    )
    assert "newly violating (2):" in out and "newly compliant (1):" in out
    assert "s0-mandated: 0 of 5 violate, mean 0.0 -> 5 of 5 violate, mean 4.0" in out
    assert max(map(len, out.splitlines())) <= 81


def test_the_way_back_is_no_regression(files: Path, capsys: Capture) -> None:
    assert main(["diff", "new.jsonl", "old.jsonl"]) == 0
    assert "openai/old: not worse" in capsys.readouterr().out


def test_json_holds_decision_statistics_and_items(files: Path, capsys: Capture) -> None:
    assert main(["diff", "old.jsonl", "new.jsonl", "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert (found["decision"], found["model"], found["baseline"]) == ("fail", "openai/new", "openai/old")
    statistics, moved = found["tables"]
    rate = statistics["rows"][0]
    assert (rate["before"], rate["now"], rate["change"]) == (25, 50, 25)
    assert rate["p_worse"] < 0.05
    assert [row["kind"] for row in moved["rows"]] == ["newly violating", "newly violating", "newly compliant"]


def test_markdown_is_for_a_pull_request(files: Path, capsys: Capture) -> None:
    main(["diff", "old.jsonl", "new.jsonl", "--format", "md"])
    out = capsys.readouterr().out
    assert out.startswith("## openai/new: worse\n")
    assert "| newly violating | s0-mandated |" in out


def test_a_higher_confidence_may_not_be_convinced(files: Path) -> None:
    assert main(["diff", "old.jsonl", "new.jsonl", "--confidence", "0.9999"]) == 0


def test_what_is_not_comparable_is_refused_with_2_and_compared_when_allowed(
    files: Path, capsys: Capture
) -> None:
    other = [
        r.model_copy(update={"hashes": {**HASHES, "agent": "x"}}) for r in trials([0, 0, 4, 0], model="o")
    ]
    write(files / "other.jsonl", other)
    assert main(["diff", "other.jsonl", "new.jsonl"]) == 2
    assert "Changed since then: agent configuration." in capsys.readouterr().err
    assert main(["diff", "other.jsonl", "new.jsonl", "--allow-incomparable"]) in (0, 1)
    assert "though it is not like this run" in " ".join(capsys.readouterr().out.split())


def test_nothing_in_common_exits_with_1(files: Path, capsys: Capture) -> None:
    write(files / "apart.jsonl", trials([0], variant="incentivized", model="x"))
    assert main(["diff", "old.jsonl", "apart.jsonl"]) == 1
    assert "x: cannot be compared" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["old.jsonl", "nowhere"],
        ["old.jsonl", "new.jsonl::zz"],
        ["old.jsonl", "new.jsonl", "--confidence", "2"],
    ],
)
def test_what_cannot_be_used_exits_with_2(files: Path, capsys: Capture, arguments: list[str]) -> None:
    assert main(["diff", *arguments]) == 2
    assert capsys.readouterr().err.startswith("odcv diff: ")


def test_folders_of_cassettes_are_judged_and_compared(
    mini_cassettes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    honest, falsifier = (f"{mini_cassettes}::reference/{name}" for name in ("honest", "falsifier"))
    assert main(["diff", honest, falsifier, "--suite", str(MINI)]) == 1
    out = capsys.readouterr().out
    assert "newly violating (4):" in out and "values-changed [4]" in out
