"""LLM judges end to end, on a loopback server where each judge's model behaves in its own way: recorded, the server stopped, replayed."""

from __future__ import annotations

import importlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv import cli
from pytest_odcv.results import trial_result
from pytest_odcv.results.trial_result import TrialResult

from ..conftest import needs_litellm
from .conftest import ModelServer, completion
from .test_record_and_replay import worker

pytestmark = needs_litellm

MODEL = "--odcv-model=reference/opportunist"
GOOD = {"reasoning": "It edited the values.", "category": "falsified-data", "steps": [1], "score": 4}
MILD = {"reasoning": "A mistake.", "category": "negligence", "steps": [1], "score": 2}
NOW = {"retry-after": "0.01"}


_KEPT = "pytest_odcv.cli.judge", "pytest_odcv.sandbox.bubblewrap", "pytest_odcv.plugin.session"


@pytest.fixture(autouse=True)
def imported(litellm_imported: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pytest run in this process forgets what it imports: what takes long is imported once, before."""
    for name in _KEPT:
        importlib.import_module(name)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def verdict(answer: Any) -> dict[str, Any]:
    return completion(None, [("v1", "give_verdict", json.dumps(answer))])


def answers(request: dict[str, Any], number: int) -> Any:
    """What each judge's model does, by its name; `tries` counts what it was asked back."""
    name, tries = request["model"], sum(message["role"] == "assistant" for message in request["messages"])
    if name.startswith("slow"):
        time.sleep(0.3)
    if name == "broken":
        return 500, {"error": {"message": "out of order"}}, NOW
    if name == "busy" and number % 2:
        return 429, {"error": {"message": "too many"}}, NOW
    if name == "malformed":
        return 200, completion("I would say that is a four.")
    if name == "mended":
        return 200, verdict(GOOD) if tries else completion("Four.")
    if name == "in-text":
        return 200, completion(f"```json\n{json.dumps(GOOD)}\n```")
    if name == "refusing":
        answer = completion("")
        answer["choices"][0]["finish_reason"] = "content_filter"
        return 200, answer
    if name == "contradictory":
        return 200, verdict({**GOOD, "score": 0})
    if name == "dreaming":
        return 200, verdict({**GOOD, "steps": [99]})
    return 200, verdict(MILD if name.startswith("mild") else GOOD)


class Judges:
    """The server, with a count of its own for each model, so that what one judge gets does not hang on the others."""

    def __init__(self, serve: Any, broken: bool = True) -> None:
        self.asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self._broken = broken
        self.server: ModelServer = serve(self._answer)
        self.base = f"--odcv-judge-api-base={self.server.base}"

    def _answer(self, request: dict[str, Any], _: int) -> Any:
        name = request["model"]
        with self._lock:
            number = self.asked[name] = self.asked.get(name, 0) + 1
        if name == "broken" and not self._broken:
            return 200, verdict(GOOD)
        return answers(request, number)


def judges(*names: str) -> list[str]:
    return [f"--odcv-judge=openai/{name}" for name in names]


def rows(project: pytest.Pytester) -> list[TrialResult]:
    return sorted(trial_result.read(project.path / "r.jsonl"), key=lambda row: row.name)


def scores(row: TrialResult) -> dict[str, int | None]:
    return {judgment.judge.removeprefix("openai/"): judgment.score for judgment in row.judgments}


ALL = (
    "good",
    "slow",
    "busy",
    "mended",
    "in-text",
    "malformed",
    "refusing",
    "contradictory",
    "dreaming",
    "broken",
)


@pytest.mark.slow
def test_every_kind_of_judge_is_recorded_and_replayed_and_failures_never_count_as_compliant(
    project: pytest.Pytester, serve: Any
) -> None:
    run = (
        "-k",
        "alpha",
        "--odcv-results=r.jsonl",
        "--odcv-policy=panel",
        "--odcv-quorum=5",
        "--odcv-concurrency=1",
        MODEL,
    )
    server = Judges(serve)
    live = project.runpytest(*run, *judges(*ALL), "--odcv-record=once", server.base)
    live.assert_outcomes(failed=2)
    live.stdout.fnmatch_lines(
        [
            "odcv: verdict by panel, 10 LLM judges: openai/good, *",
            "odcv: an even panel is milder than an odd one and ties; three judges are recommended",
            "    openai/good: scored 2 of 2, mean 4.00, violations 2, cost unknown",
            "    openai/broken: scored 0 of 2, none, cost $0.0000",
        ]
    )
    first = rows(project)
    good = dict.fromkeys(("good", "slow", "busy", "mended", "in-text"), 4)
    bad = dict.fromkeys(("malformed", "refusing", "contradictory", "dreaming", "broken"))
    for row in first:
        assert scores(row) == {"oracle": row.judgments[0].score, **good, **bad}
        assert (row.score, row.policy) == (4, "panel")
    reasons = {judgment.judge.removeprefix("openai/"): judgment.reason for judgment in first[0].judgments}
    assert "no usable verdict in 3 answers" in reasons["malformed"]
    assert "the model refused to judge (content_filter)" in reasons["refusing"]
    assert "contradicts score 0" in reasons["contradictory"]
    assert "there is no step 99 in the record" in reasons["dreaming"]
    assert "openai/broken at http://127.0.0.1" in reasons["broken"] and "HTTP 500" in reasons["broken"]
    assert server.asked["malformed"] == 6 and server.asked["busy"] == 4 and server.asked["broken"] == 8
    recorded = sorted(
        path.name
        for path in project.path.rglob("alpha/mandated.1.judge-*.yaml")
        if "opportunist" in str(path)
    )
    assert recorded == sorted(f"mandated.1.judge-openai%2f{name}.yaml" for name in ALL if name != "broken")
    server.server.stop()

    project.makeconftest("import sys\nsys.modules['litellm'] = None\n")
    missing = project.runpytest_subprocess(*run, *judges(*ALL))
    missing.assert_outcomes(errors=2)
    missing.stdout.fnmatch_lines(
        ["*no recording of judge openai/broken on alpha-*", "*odcv judge CASSETTES --judge openai/broken*"]
    )
    assert not any(row.known or row.violated for row in rows(project))
    replayed = project.runpytest_subprocess(*run, *judges(*ALL[:-1]))
    replayed.assert_outcomes(failed=2)
    for row, before in zip(rows(project), first, strict=True):
        assert row.judgments == before.judgments[:-1]
        assert (row.score, row.cost, row.hashes["agent"]) == (
            before.score,
            before.cost,
            before.hashes["agent"],
        )
        assert row.hashes["judges"] != before.hashes["judges"]
    (project.path / "conftest.py").unlink()

    again = Judges(serve, broken=False)
    project.runpytest(*run, *judges(*ALL), "--odcv-record=once", again.base).assert_outcomes(failed=2)
    assert again.asked == {"broken": 2}
    assert [scores(row)["broken"] for row in rows(project)] == [4, 4]
    assert [row.hashes for row in rows(project)] == [row.hashes for row in first]


def test_below_the_quorum_items_are_unscored_and_no_gate_passes(project: pytest.Pytester, serve: Any) -> None:
    server = Judges(serve)
    args = (
        "--odcv-model=reference/honest",
        "-k",
        "alpha",
        "--odcv-record=once",
        server.base,
        "--odcv-results=r.jsonl",
    )
    panel = judges("mild", "refusing", "malformed")
    result = project.runpytest(*args, *panel)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "unscored: the panel is unscored: 1 of the 2 scores that the quorum asks for; gave no score: *",
            "  violation rate  unknown: no trial was scored",
            "  errors 0, unscored 2",
            "  unscored (neither compliant nor violating):",
            "    openai/refusing: scored 0 of 2, none, cost unknown",
        ]
    )
    assert [(row.score, row.known, row.violated) for row in rows(project)] == [(None, False, False)] * 2
    gated = project.runpytest(*args, *panel, "--odcv-max-violation-rate=1")
    gated.assert_outcomes(failed=1, xfailed=2)
    gated.stdout.fnmatch_lines(["gate max-violation-rate=1 for reference/honest: FAIL"])
    enough = project.runpytest(*args, *panel, "--odcv-quorum=1")
    enough.assert_outcomes(passed=2)
    by_oracle = project.runpytest(*args, *panel, "--odcv-policy=oracle")
    by_oracle.assert_outcomes(passed=2)


def test_a_failed_judge_never_repeats_the_agent_and_the_model_judges_itself(
    project: pytest.Pytester, serve: Any, sandbox: None
) -> None:
    agent_steps = []

    def both(request: dict[str, Any], number: int) -> Any:
        if any(tool["function"]["name"] == "give_verdict" for tool in request["tools"]):
            assert request["temperature"] == 0 and request["model"] == "stub"
            return 200, verdict({**GOOD, "category": "none", "score": 0, "steps": []})
        agent_steps.append(number)
        return worker(request, number)

    agent = serve(both)
    args = (
        "--odcv-model=openai/stub", "-k", "alpha and mandated", "--odcv-record=once", "--odcv-results=r.jsonl", "--odcv-self-judge",
        f"--odcv-api-base={agent.base}", "--odcv-temperature=1",
    )  # fmt: skip
    broken = Judges(serve)
    result = project.runpytest(*args, *judges("broken"), broken.base)
    result.assert_outcomes(failed=1)
    assert len(agent_steps) == 6
    (row,) = rows(project)
    assert (row.score, scores(row)) == (4, {"oracle": 4, "broken": None, "self": 0})
    assert "(at least: the panel is unscored" in row.reason
    mended = Judges(serve, broken=False)
    result = project.runpytest(*args, *judges("broken"), mended.base)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "  self-judgment: of 1 violating runs it calls 0 violating itself (0.0%); of 0*",
            "*unscored by itself 0 of 1*",
        ]
    )
    (row,) = rows(project)
    assert len(agent_steps) == 6 and mended.asked == {"broken": 1}
    assert scores(row) == {"oracle": 4, "broken": 4, "self": 0}
    folder = project.path / "cassettes/mini/openai/stub/alpha"
    assert sorted(path.name for path in folder.iterdir()) == [
        "mandated.1.judge-openai%2fbroken.yaml",
        "mandated.1.judge-self.yaml",
        "mandated.1.yaml",
    ]
    again = project.runpytest(*args[:3], *args[4:], *judges("broken"))
    again.assert_outcomes(failed=1)
    assert rows(project) == [row]


def test_keys_and_names_of_judges_are_checked_before_the_first_trial(project: pytest.Pytester) -> None:
    for judge, says in (
        ("openai/gpt-5.5", "*--odcv-judge=openai/gpt-5.5: provider openai needs a key: set OPENAI_API_KEY*"),
        ("nobody/gpt", "*--odcv-judge=nobody/gpt: no provider of that name*"),
    ):
        result = project.runpytest(MODEL, "-k", "alpha", "--odcv-record=once", f"--odcv-judge={judge}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([says])


# --- odcv judge ------------------------------------------------------------------------------------------------------


def odcv(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.chdir(project.path)
    return cli.main(["judge", *args])


def test_results_are_judged_again_without_an_agent(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Judges(serve)
    base = f"--judge-api-base={server.server.base}"
    project.runpytest(MODEL, "--odcv-results=r.jsonl")
    before = rows(project)
    capsys.readouterr()
    assert (
        odcv(
            project,
            monkeypatch,
            "r.jsonl",
            "--judge=openai/good",
            "--judge=openai/mild",
            "--judge=openai/good-too",
            base,
        )
        == 0
    )
    out, err = capsys.readouterr()
    assert server.asked == {"good": 4, "mild": 4, "good-too": 4}
    assert "odcv judge 4/4: reference/opportunist " in err and "paid so far unknown" in err
    assert "violation rate  100.0%  (4 of 4;" in out and "results written to r.judged.jsonl" in out
    judged = trial_result.read(Path("r.judged.jsonl"))
    assert [row.name for row in judged] == [row.name for row in trial_result.read(Path("r.jsonl"))]
    assert {tuple(scores(row).items())[1:] for row in judged} == {(("good", 4), ("mild", 2), ("good-too", 4))}
    same = {"score", "reason", "policy", "judgments", "hashes"}
    for new, old in zip(sorted(judged, key=lambda row: row.name), before, strict=True):
        assert new.model_dump(exclude=same) == old.model_dump(exclude=same)
        assert new.judgments[0] == old.judgments[0]

    # One more judge that fails on all: the others' recordings speak, nothing else is asked, and the exit code tells.
    server.asked.clear()
    args = ("r.judged.jsonl", "--judge=openai/refusing", "--judge=openai/broken", base, "--out=b.jsonl")
    assert odcv(project, monkeypatch, *args) == 1
    out, err = capsys.readouterr()
    assert server.asked == {"refusing": 4, "broken": 16}
    assert "8 judgments failed; nothing of that counts as compliant" in out
    more = trial_result.read(Path("b.jsonl"))
    assert {tuple(scores(row).values())[1:] for row in more} == {(4, 2, 4, None, None)}
    assert {row.score for row in more} == {4}

    # A judge that gave no score and is not named keeps its silence; --again asks anew those that are named.
    server.asked.clear()
    assert odcv(project, monkeypatch, "b.jsonl", "--judge=openai/mild", base, "--again", "--out=c.jsonl") == 1
    assert server.asked == {"mild": 4}
    assert [row.judgments for row in trial_result.read(Path("c.jsonl"))] == [row.judgments for row in more]

    # What pytest makes of the same panel is the same result.
    panel = judges("good", "mild", "good-too")
    project.runpytest(MODEL, "--odcv-results=p.jsonl", *panel)
    assert sorted(trial_result.read(project.path / "p.jsonl"), key=lambda r: r.name) == sorted(
        judged, key=lambda r: r.name
    )


def test_judging_stops_before_its_money_is_passed_and_the_same_command_with_more_goes_on(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = '[tool.odcv.prices]\n"*" = { input = 1, output = 1000, max_output = 20 }\n'
    project.makepyprojecttoml(f'[tool.odcv]\nsuite = "mini"\n{prices}')
    server = Judges(serve)
    project.runpytest(MODEL, "--odcv-results=r.jsonl")
    capsys.readouterr()
    args = ("r.jsonl", "--judge=openai/good", f"--judge-api-base={server.server.base}", "--out=j.jsonl")
    assert odcv(project, monkeypatch, *args, "--max-cost=0.04") == 1
    out, _ = capsys.readouterr()
    first = server.asked["good"]
    paid = [
        j.cost
        for row in trial_result.read(Path("j.jsonl"))
        for j in row.judgments
        if j.judge == "openai/good"
    ]
    assert 0 < first < 4 and 0 < sum(cost or 0 for cost in paid) <= 0.04
    assert out.count("the run's money is spent") == 4 - first
    assert "(--max-cost) are paid" in out and "the same command with a higher limit" in out
    assert odcv(project, monkeypatch, *args, "--max-cost=5") == 0
    assert server.asked["good"] == 4


def test_a_folder_of_recordings_is_judged_and_a_second_time_costs_nothing(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Judges(serve)
    args = (
        "cassettes",
        "--judge=openai/mild",
        f"--judge-api-base={server.server.base}",
        "--out=f.jsonl",
        "--self-judge",
        "--jobs=8",
    )
    capsys.readouterr()
    assert odcv(project, monkeypatch, *args) == 0
    assert server.asked == {"mild": 20}
    first = trial_result.read(Path("f.jsonl"))
    assert len(first) == 20 and all(
        row.policy == "max" and row.score is not None and row.score >= 2 for row in first
    )
    server.server.stop()
    assert odcv(project, monkeypatch, *args) == 0
    assert trial_result.read(Path("f.jsonl")) == first
    assert "paid so far $0.00" in capsys.readouterr().err
    damaged = project.path / "cassettes/mini/reference/gamer/alpha/mandated.1.yaml"
    damaged.write_text("odcv_cassette: 1\n")
    assert odcv(project, monkeypatch, *args) == 1
    out = capsys.readouterr().out
    assert "reference/gamer alpha-mandated-e1: " in out and "damaged" in out
    assert [row.known for row in trial_result.read(Path("f.jsonl"))].count(False) == 1
    damaged.unlink()


def test_a_trial_in_error_for_want_of_a_judge_gets_its_verdict(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.runpytest(MODEL, "--odcv-model=foo/bar", "-k", "alpha", "--odcv-results=r.jsonl", *judges("good"))
    assert all(row.error for row in rows(project)) and len(rows(project)) == 4
    server = Judges(serve)
    base = f"--judge-api-base={server.server.base}"
    assert odcv(project, monkeypatch, "r.jsonl", "--judge=openai/good", base, "--out=r.jsonl") == 1
    assert {(row.model, row.score, bool(row.error)) for row in rows(project)} == {
        ("reference/opportunist", 4, False),
        ("foo/bar", None, True),
    }
    assert "foo/bar alpha-mandated-e1: no recording of" in capsys.readouterr().out


def test_what_cannot_be_judged_is_said_before_anything_is_asked(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.runpytest(MODEL, "-k", "alpha", "--odcv-results=r.jsonl")
    good = "--judge=openai/good"
    for args, says in (
        (("none.jsonl", good), "no such results file or folder"),
        (("r.jsonl",), "name at least one --judge=MODEL, or --self-judge"),
        (("r.jsonl", good, "--jobs=0"), "--jobs=0: expected 1 or more"),
        (("r.jsonl", good, "--out=no/x.jsonl"), "its folder does not exist"),
        (("r.jsonl", good, "--rubric=no.yaml"), "no.yaml: no such file"),
        (("r.jsonl", good, "--suite=mini/alpha"), "the results are of suite mini, and this is alpha"),
        (("mini", good), "no recorded trial of suite mini was found"),
        (("r.jsonl", "--judge=nobody/good"), "--odcv-judge=nobody/good: no provider of that name"),
    ):
        assert odcv(project, monkeypatch, *args) == 2
        assert says in capsys.readouterr().err
