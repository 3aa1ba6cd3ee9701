"""`odcv export`: other tools read what was written, and what is unknown is unknown to them too."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.cli import export
from pytest_odcv.judge.evaluator import Evaluator
from pytest_odcv.judge.verdict import Judgment
from pytest_odcv.report import table_files
from pytest_odcv.results.rows import COLUMNS
from pytest_odcv.results.trial_result import TrialResult, of_trial
from pytest_odcv.scenario.case import Case
from pytest_odcv.scenario.suite import packaged_suite
from pytest_odcv.trial.run import judge_recorded

from .conftest import Ran

Odcv = Callable[..., Ran]
ROOT = Path(__file__).parents[2]
MODELS = ("reference/honest", "reference/opportunist")
PLAIN = {
    "suite": "odcv",
    "scenario": "injury-log",
    "domain": "d",
    "variant": "mandated",
    "scripted": False,
    "epoch": 1,
}


def needs(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs the extra {extra}")


@pytest.fixture(scope="module")
def trials() -> list[TrialResult]:
    """Two packaged recordings of one scenario, one that lost its recording, one unscored, one cut off, one in error."""
    from pytest_odcv.cassette.store import Store

    suite, store = packaged_suite(), Store(ROOT / "cassettes")
    found = [
        of_trial(
            asyncio.run(judge_recorded(Case(suite["injury-log"], "mandated", model, 1), store, Evaluator()))
        )
        for model in MODELS
    ]
    lost = found[1].model_copy(update={"epoch": 2})
    judged = Judgment(judge="openai/j", score=None, reason="no answer")
    plain = {**PLAIN, "hashes": found[1].hashes}
    unscored = TrialResult(
        **plain, model=MODELS[1], judgments=(judged,), reason="=cmd|' /C calc'!A1"
    ).model_copy(update={"epoch": 3})
    cut = TrialResult(**plain, model=MODELS[1], score=0, ended="cut_off").model_copy(update={"epoch": 4})
    error = TrialResult(**plain, model=MODELS[1], error="the sandbox was lost").model_copy(
        update={"epoch": 5}
    )
    return [*found, lost, unscored, cut, error]


@pytest.fixture
def run(trials: list[TrialResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps(trial.model_dump(mode="json")) + "\n" for trial in trials))
    monkeypatch.chdir(ROOT)
    return path


def test_csv_has_a_line_for_each_trial_and_leaves_empty_what_is_unknown(
    run: Path, trials: list[TrialResult], odcv: Odcv
) -> None:
    out = run.with_suffix(".csv")
    assert odcv("export", run, "-o", out).code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert list(rows[0]) == [column.name for column in COLUMNS]
    assert [row["outcome"] for row in rows] == [trial.outcome for trial in trials]
    assert [row["violated"] for row in rows] == ["false", "true", "true", "", "", ""]
    assert (rows[1]["score"], rows[3]["score"], rows[3]["cost"]) == ("4.0", "", "")
    assert rows[1]["rules"].startswith("reports-altered, ")
    assert json.loads(rows[3]["judges"]) == {"openai/j": None}
    assert rows[5]["error"] == "the sandbox was lost"


def test_no_text_of_a_csv_file_is_a_formula_for_a_spreadsheet(run: Path, odcv: Odcv) -> None:
    out = run.with_suffix(".csv")
    odcv("export", run, "-o", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert rows[3]["reason"].startswith("'=cmd")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1))
def test_any_text_comes_back_out_of_a_csv_file(text: str) -> None:
    made = table_files.csv_of([TrialResult(**PLAIN, model="m", error=text)])
    (row,) = csv.DictReader(io.StringIO(made.decode("utf-8"), newline=""))
    assert row["error"].removeprefix("'") in (text, text.removeprefix("'"))
    assert not row["error"].startswith(("=", "+", "-", "@", "\t"))


def test_parquet_has_typed_columns_and_null_for_what_is_unknown(
    run: Path, trials: list[TrialResult], odcv: Odcv
) -> None:
    needs("pyarrow", "parquet")
    import pyarrow.parquet

    out = run.with_suffix(".parquet")
    assert odcv("export", run, "-o", out).code == 0
    table = pyarrow.parquet.read_table(out)
    assert table.column_names == [column.name for column in COLUMNS]
    assert table["score"].to_pylist() == [trial.score for trial in trials]
    assert table["violated"].to_pylist() == [False, True, True, None, None, None]
    assert [str(table.schema.field(name).type) for name in ("score", "epoch", "known", "rules")] == [
        "double",
        "int64",
        "bool",
        "string",
    ]


def test_parquet_of_trials_that_know_nothing_still_has_its_types() -> None:
    needs("pyarrow", "parquet")
    import pyarrow.parquet

    made = table_files.parquet_of([TrialResult(**PLAIN, model="m", error="x")])
    assert str(pyarrow.parquet.read_schema(io.BytesIO(made)).field("cost").type) == "double"


@pytest.fixture(params=["eval", "json"])
def logs(request: pytest.FixtureRequest, run: Path, odcv: Odcv) -> dict[str, Any]:
    """By model, as Inspect's own reader gives them."""
    needs("inspect_ai", "inspect")
    from inspect_ai.log import read_eval_log

    ran = odcv("export", run, "-o", run.with_suffix(f".{request.param}"))
    assert ran.code == 0, ran.err
    found = [read_eval_log(str(path)) for path in run.parent.glob(f"*.{request.param}")]
    return {log.eval.model: log for log in found}


def test_inspect_reads_a_log_for_each_model_with_its_rates(logs: dict[str, Any]) -> None:
    assert set(logs) == set(MODELS)
    (summary,) = logs[MODELS[1]].results.scores
    assert (summary.scored_samples, summary.unscored_samples) == (2, 3)
    assert summary.metrics["violation_rate"].value == 1.0
    assert logs[MODELS[0]].results.scores[0].metrics["violation_rate"].value == 0.0
    assert logs[MODELS[1]].eval.task == "odcv/odcv"


def test_inspect_reads_the_transcript_with_its_calls_and_what_answered_them(logs: dict[str, Any]) -> None:
    sample = logs[MODELS[1]].samples[0]
    assert [message.role for message in sample.messages[:3]] == ["system", "user", "assistant"]
    calls = [
        call
        for message in sample.messages
        if message.role == "assistant"
        for call in message.tool_calls or ()
    ]
    answered = [message.tool_call_id for message in sample.messages if message.role == "tool"]
    *ran, last = calls
    assert ran and [call.id for call in ran] == answered
    assert all(call.function == "bash" and call.arguments["command"] for call in ran)
    assert last.function != "bash", "the call that ends the trial is not answered"
    assert sample.output.completion == sample.scores["odcv"].answer != ""
    assert sample.scores["odcv"].value == sample.scores["oracle"].value == 4
    assert "reports-altered" in sample.scores["odcv"].explanation


def test_what_is_unknown_is_unscored_for_inspect_and_what_lost_its_recording_says_so(
    logs: dict[str, Any],
) -> None:
    by_epoch = {sample.epoch: sample for sample in logs[MODELS[1]].samples}
    assert by_epoch[2].scores["odcv"].value == 4
    assert "mandated.2.yaml" in by_epoch[2].metadata["transcript_missing"]
    for epoch in (3, 4, 5):
        value = by_epoch[epoch].scores["odcv"].value
        assert value != value, "Inspect's mark of an unscored sample is NaN"
    assert by_epoch[4].scores["odcv"].metadata == {"score": 0.0, "ended": "cut_off"}
    assert by_epoch[5].error.message == "the sandbox was lost"


def test_half_a_character_in_the_arguments_of_a_call_does_not_stop_the_export() -> None:
    needs("inspect_ai", "inspect")
    from pytest_odcv.model.types import Message, ToolCall
    from pytest_odcv.report import inspect_log

    calls = (
        ToolCall(id="1", name="bash", arguments='{"command": "\\ud800"}'),
        ToolCall(id="2", name="bash", arguments="ls"),
    )
    made = inspect_log._message(
        Message(role="assistant", content="I look.", reasoning="Let me see.", calls=calls)
    )
    assert made.tool_calls[0].arguments == {"command": "\\ud800"}
    assert made.tool_calls[1].parse_error == "no JSON object: ls"
    assert [part.type for part in made.content] == ["reasoning", "text"]
    assert made.model_dump_json()


def test_the_same_results_give_the_same_log(logs: dict[str, Any], run: Path, odcv: Odcv) -> None:
    from inspect_ai.log import read_eval_log

    again = run.with_name("again.json")
    odcv("export", run, "-o", again)
    for path in run.parent.glob("again.*.json"):
        log = read_eval_log(str(path))
        known = logs[log.eval.model]
        assert (log.eval, log.results) == (known.eval, known.results)
        assert [sample.uuid for sample in log.samples] == [sample.uuid for sample in known.samples]


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True))
def test_each_model_has_a_file_of_its_own_whose_name_needs_no_escape_in_a_url(models: list[str]) -> None:
    names = [path.name for path in export._names(Path("logs/run.eval"), models).values()]
    assert len({name.lower() for name in names}) == len(models)
    assert all(quote(name) == name and name.startswith("run.") and name.endswith(".eval") for name in names)


def test_the_viewer_of_inspect_takes_a_folder_of_these_logs(run: Path, odcv: Odcv, tmp_path: Path) -> None:
    needs("inspect_ai", "inspect")
    from inspect_ai.log import bundle_log_dir

    (tmp_path / "logs").mkdir()
    odcv("export", run, "-o", tmp_path / "logs/run.eval")
    bundle_log_dir(str(tmp_path / "logs"), str(tmp_path / "bundle"))
    copied = {path.name for path in (tmp_path / "bundle/logs").iterdir()}
    assert copied >= {"run.reference-honest.eval", "run.reference-opportunist.eval"}


def test_one_model_is_written_to_the_file_itself(trials: list[TrialResult], run: Path, odcv: Odcv) -> None:
    needs("inspect_ai", "inspect")
    run.write_text(trials[0].model_dump_json() + "\n")
    assert odcv("export", run, "-o", run.with_name("one.eval")).out.endswith(
        "one.eval: 1 trials of reference/honest\n"
    )
    assert run.with_name("one.eval").is_file()


@pytest.mark.parametrize(
    ("module", "ending", "extra"), [("pyarrow", ".parquet", "parquet"), ("inspect_ai", ".eval", "inspect")]
)
def test_without_its_extra_a_format_names_it(
    module: str, ending: str, extra: str, run: Path, odcv: Odcv, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    ran = odcv("export", run, "-o", run.with_suffix(ending))
    assert ran.code == 2
    assert f"pip install 'pytest-odcv[{extra}]'" in ran.err


@pytest.mark.parametrize("out", ["r.xlsx", "r", "missing/r.csv"])
def test_a_file_that_cannot_be_is_refused(out: str, run: Path, odcv: Odcv) -> None:
    ran = odcv("export", run, "-o", run.with_name("x") / out if "/" in out else run.with_name(out))
    assert ran.code == 2
    assert "--out=" in ran.err


def test_results_of_another_suite_ask_for_its_folder(
    trials: list[TrialResult], run: Path, odcv: Odcv
) -> None:
    run.write_text(trials[0].model_copy(update={"suite": "other"}).model_dump_json() + "\n")
    ran = odcv("export", run, "-o", run.with_suffix(".eval"))
    assert (ran.code, "give its folder as --suite" in ran.err) == (2, True)


@pytest.mark.parametrize("name", ["r.csv", "r.json"])
def test_it_writes_over_none_of_its_results_files(run: Path, odcv: Odcv, name: str) -> None:
    same = run.with_name(name)
    same.write_bytes(run.read_bytes())
    found = odcv("export", same, "-o", same)
    assert found.code == 2 and "is one of the results files that are read" in found.err
    assert same.read_bytes() == run.read_bytes()
