"""`odcv merge` and `odcv gate`: shards are decided on together, and what is missing or contradicts itself is said."""

from __future__ import annotations

import contextlib
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.cli import main

OPPORTUNIST = "--odcv-model=reference/opportunist"


@pytest.fixture
def shards(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The mini suite in two runs, a scenario each."""
    monkeypatch.chdir(project.path)
    for name in ("alpha", "beta"):
        project.runpytest("odcv", OPPORTUNIST, "-k", name, f"--odcv-results={name}.jsonl")
    return ["alpha.jsonl", "beta.jsonl"]


def test_shards_are_decided_on_as_one_run(
    shards: list[str], project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["gate", *shards, "--max-violation-rate=0.2", "--markdown=pr.md"]) == 1
    text = capsys.readouterr().out
    assert "violation rate  75.0%  (3 of 4;" in text
    assert "gate max-violation-rate=0.2 for reference/opportunist: FAIL" in text
    assert Path("pr.md").read_text().startswith("## odcv: FAIL (3 of 4 trials violate)")
    assert main(["gate", *shards, "--max-violation-rate=0.99"]) == 0
    capsys.readouterr()
    assert main(["merge", *shards, "-o", "all.jsonl"]) == 0
    assert capsys.readouterr().out == "all.jsonl: 4 trials of 2 files\n"
    whole = project.runpytest("odcv", OPPORTUNIST, "--odcv-max-violation-rate=0.2")
    capsys.readouterr()
    assert main(["gate", "all.jsonl", "--max-violation-rate=0.2"]) == 1
    assert "3 of 4 scored trials" in capsys.readouterr().out and "3 of 4 scored trials" in whole.stdout.str()


@pytest.mark.parametrize("limit", ["0", "0.0"])
@pytest.mark.parametrize(
    "option, gate",
    [("--max-violation-rate", "max-violation-rate"), ("--max-severity", "max-mean-severity")],
)
def test_a_limit_of_nothing_is_a_gate(
    option: str, gate: str, limit: str, shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """0 equals False in Python: where options not given were told by that, the strictest gate was none."""
    capsys.readouterr()
    assert main(["gate", *shards, f"{option}={limit}"]) == 1
    assert f"gate {gate}=0 for reference/opportunist: FAIL" in capsys.readouterr().out


def test_with_a_shard_missing_no_gate_passes_unless_it_is_meant_so(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    asked = ["gate", shards[1], "--max-violation-rate=0.99", "--inconclusive=fail"]
    assert main(asked) == 1
    assert "2 trials of this gate were not selected" in " ".join(capsys.readouterr().out.split())
    assert main([*asked, "--partial"]) == 0


def test_a_lost_shard_is_red_also_where_a_gate_that_cannot_tell_only_warns(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["gate", shards[1], "--max-violation-rate=0.99"]) == 1
    text = capsys.readouterr().out
    assert "2 trials of the suite have no result: reference/opportunist alpha-incentivized-e1, " in text


def test_a_model_that_is_configured_and_has_no_result_is_red(
    shards: list[str], project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    models = '["reference/opportunist", "reference/gamer"]'
    (project.path / "pyproject.toml").write_text(f'[tool.odcv]\nsuite = "mini"\nmodel = {models}\n')
    capsys.readouterr()
    assert main(["gate", *shards, "--max-violation-rate=0.99"]) == 1
    assert "4 trials of the suite have no result: reference/gamer alpha-" in capsys.readouterr().out
    assert main(["gate", *shards, "--max-violation-rate=0.99", "--partial"]) == 0


def test_one_trial_in_two_files_is_one_if_it_is_the_same(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", *shards, shards[0], "-o", "all.jsonl"]) == 0
    assert "4 trials of 3 files" in capsys.readouterr().out
    row = json.loads(Path("alpha.jsonl").read_text().splitlines()[0]) | {"steps": 99}
    Path("other.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["merge", "alpha.jsonl", "other.jsonl", "-o", "x.jsonl"]) == 2
    assert "alpha.jsonl:1 and other.jsonl:1: different results of alpha-" in capsys.readouterr().err
    assert not Path("x.jsonl").exists()


@pytest.mark.parametrize(
    "args, message",
    [
        (["gate", "nothing.jsonl", "--max-violation-rate=0.1"], "nothing.jsonl: cannot be read"),
        (["gate", "alpha.jsonl"], "no gate is configured"),
        (["merge", "alpha.jsonl", "-o", "nowhere/x.jsonl"], "nowhere/x.jsonl: cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    shards: list[str], args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(args) == 2
    assert message in capsys.readouterr().err


def rows(file: str, **changed: object) -> list[str]:
    return [json.dumps(json.loads(line) | changed) for line in Path(file).read_text().splitlines()]


def test_what_a_results_file_says_of_waivers_decides_nothing(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A waiver stands in its file, where it can expire and be taken back."""
    found = [json.loads(line) for name in shards for line in Path(name).read_text().splitlines()]
    for row in found:
        judged = [finding for judgment in row["judgments"] for finding in judgment.get("findings", ())]
        row["waived"] = [
            {"rule": one["rule"], "severity": one["severity"], "reason": "x", "expires": "2999-01-01"}
            for one in judged
        ]
    assert any(row["waived"] for row in found)
    Path("w.jsonl").write_text("\n".join(map(json.dumps, found)) + "\n")
    Path("none.toml").write_text("# all of them were taken back\n")
    capsys.readouterr()
    for asked in ([], ["--waivers=none.toml"]):
        assert main(["gate", "w.jsonl", "--max-violation-rate=0.2", *asked]) == 1
        assert "3 of 4 scored trials" in capsys.readouterr().out


def test_a_shard_that_held_a_whole_epoch_is_missed(
    shards: list[str], project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.path / "pyproject.toml").write_text('[tool.odcv]\nsuite = "mini"\nepochs = 2\n')
    capsys.readouterr()
    assert main(["gate", *shards, "--max-violation-rate=0.99"]) == 1
    assert "4 trials of the suite have no result" in capsys.readouterr().out
    assert main(["gate", *shards, "--max-violation-rate=0.99", "--partial"]) == 0


def test_an_epoch_that_no_run_has_is_no_result(shards: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("far.jsonl").write_text("\n".join(rows(shards[0], epoch=10**30)) + "\n")
    capsys.readouterr()
    assert main(["gate", "far.jsonl", "--max-violation-rate=0.5"]) == 2
    assert "epoch" in capsys.readouterr().err


def test_a_models_name_of_several_lines_is_one_line(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("odd.jsonl").write_text("\n".join(rows(shards[0], model="a\r\n::set-output name=x::y")) + "\n")
    capsys.readouterr()
    main(["gate", "odd.jsonl", "--max-violation-rate=0.5", "--partial"])
    assert not [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]


def test_a_trend_counts_a_trial_that_is_listed_twice_once(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("twice.jsonl").write_text(Path(shards[0]).read_text() * 2)
    capsys.readouterr()
    main(["trend", "t.jsonl", "--add", "twice.jsonl", "--build", "a"])
    assert json.loads(Path("t.jsonl").read_text().splitlines()[-1])["trials"] == 2
    Path("two.jsonl").write_text("\n".join([*rows(shards[0]), *rows(shards[0], steps=99)]) + "\n")
    assert main(["trend", "t.jsonl", "--add", "two.jsonl", "--build", "b"]) == 2
    assert "different results" in capsys.readouterr().err


# --- what belongs to one run -------------------------------------------------------------------------------------------


def changed(row: dict[str, Any], key: str, value: str) -> str:
    """The line of a result with another hash, or another field."""
    return json.dumps({**row, key: value} if key in row else {**row, "hashes": {**row["hashes"], key: value}})


def second_epoch(file: str, key: str, value: str, **more: Any) -> str:
    """A file of the first result of another, as another epoch of which one thing is not as in the first."""
    row = json.loads(Path(file).read_text().splitlines()[0]) | {"epoch": 2} | more
    Path("late.jsonl").write_text("\ufeff\n" + changed(row, key, value) + "\n")
    return "late.jsonl"


OTHER = {
    "prompts": "another prompts of alpha-mandated by reference/opportunist than in alpha.jsonl:1",
    "environment": "another environment (files, tools or limits) of alpha-mandated by",
    "oracle": "another oracle of alpha-mandated by",
    "agent": "another agent configuration of reference/opportunist than in alpha.jsonl:1",
    "judges": "another judges (panel, rubric or policy) than in alpha.jsonl:1",
    "version": "another version of pytest-odcv than in alpha.jsonl:1",
}
GATE = ["gate", "--max-violation-rate=0.99", "--partial"]
REPORT = ["report", "-o", "page.html", "--partial"]
TAKING = [GATE, ["merge", "-o", "all.jsonl"], ["export", "-o", "all.csv"]]
with contextlib.suppress(ImportError):
    # Here, because numpy cannot be imported again after a run of pytester's in this process.
    importlib.import_module("jinja2")
    importlib.import_module("matplotlib.figure")
    TAKING += [REPORT, ["plot", "-o", "all.svg"]]


@pytest.mark.parametrize("key", OTHER)
def test_shards_that_are_not_of_one_run_are_refused_with_file_and_line(
    key: str, shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    late = second_epoch("alpha.jsonl", key, "0" * 16)
    for command, *options in TAKING:
        capsys.readouterr()
        assert main([command, *shards, late, *options]) == 2
        text = capsys.readouterr().err
        assert f"late.jsonl:2: {OTHER[key]}" in text
        assert "(found 0000000000000000, expected " in text and "--allow-incomparable" in text
    assert not list(Path().glob("all.*")) and not Path("page.html").exists()


def test_a_hash_that_is_missing_is_another_one(shards: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    row = json.loads(Path("alpha.jsonl").read_text().splitlines()[0]) | {"epoch": 2}
    del row["hashes"]["environment"]
    Path("late.jsonl").write_text(json.dumps(row))
    assert main(["merge", *shards, "late.jsonl", "-o", "all.jsonl"]) == 2
    assert "(found none, expected " in capsys.readouterr().err


def test_what_is_taken_together_by_request_says_so(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    late = second_epoch("alpha.jsonl", "agent", "0" * 16)
    for command, *options in TAKING:
        capsys.readouterr()
        assert main([command, *shards, late, *options, "--allow-incomparable"]) == 0
        text = capsys.readouterr().out
        assert "Taken together by --allow-incomparable though these are not results of one run" in text
    if REPORT in TAKING:
        assert "are not results of one run" in Path("page.html").read_text()
    Path("pyproject.toml").write_text('[tool.odcv]\nsuite = "mini"\nallow_incomparable = true\n')
    assert main(["gate", *shards, late, "--max-violation-rate=0.99", "--partial"]) == 0


def test_a_trend_and_a_plan_take_no_file_of_several_runs(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    late = second_epoch("alpha.jsonl", "judges", "0" * 16)
    Path("both.jsonl").write_text(Path("alpha.jsonl").read_text() + Path(late).read_text())
    for asked in (["trend", "t.jsonl", "--add", "both.jsonl", "--build=a"], ["plan", "--results=both.jsonl"]):
        capsys.readouterr()
        assert main(asked) == 2
        assert "both.jsonl:4: another judges" in capsys.readouterr().err
        assert main([*asked, "--allow-incomparable"]) < 2
        captured = capsys.readouterr()
        assert "not results of one run" in " ".join((captured.out + captured.err).split())


def test_other_models_and_trials_in_error_may_be_of_their_own(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An error does not know what its trial was run with; another model has another agent."""
    second_epoch("alpha.jsonl", "agent", "0" * 16, model="reference/gamer", epoch=1)
    failed = second_epoch("beta.jsonl", "agent", "", error="no recording", score=None, judgments=[])
    Path(failed).rename("failed.jsonl")
    other = second_epoch("alpha.jsonl", "agent", "0" * 16, model="reference/gamer", epoch=1)
    assert main(["merge", *shards, other, "failed.jsonl", "-o", "all.jsonl"]) == 0


@pytest.mark.parametrize("key", ["prompts", "environment", "oracle"])
def test_results_of_another_version_of_the_suite_are_not_decided_on_with_this_one(
    key: str, shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One run, and so the same everywhere; but the gate's items and limits are those of today's suite."""
    found = [json.loads(line) for name in shards for line in Path(name).read_text().splitlines()]
    Path("old.jsonl").write_text("\n".join(changed(row, key, "0" * 16) for row in found))
    for command, *options in (asked for asked in TAKING if asked in (GATE, REPORT)):
        capsys.readouterr()
        assert main([command, "old.jsonl", *options]) == 2
        text = capsys.readouterr().err
        assert f"made with another version of suite mini. Changed since then: {key}" in text
        assert main([command, "old.jsonl", *options, "--allow-incomparable"]) == 0
        assert "though the results are of another version of suite mini" in capsys.readouterr().out


def test_a_run_at_a_clock_is_decided_on_at_that_clock(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.path)
    asked = ["gate", "now.jsonl", "--max-violation-rate=0.99"]
    project.runpytest("odcv", OPPORTUNIST, "--odcv-results=now.jsonl")
    assert main(asked) == 0
    capsys.readouterr()
    assert main([*asked, "--clock=2026-04-07"]) == 2
    assert "Changed since then: environment" in capsys.readouterr().err


def test_trials_of_a_scenario_that_the_suite_does_not_have_count_nowhere(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("more.jsonl").write_text("\n".join(rows("beta.jsonl", scenario="gamma")))
    assert main(["gate", *shards, "more.jsonl", "--max-violation-rate=0.99"]) == 2
    assert "suite mini has no scenario gamma" in capsys.readouterr().err
