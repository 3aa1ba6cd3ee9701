"""Money, time and tokens of a live run: never passed, and what they cut off is unknown and said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..conftest import needs_litellm
from ..faults.server import FaultServer, always, constant, healthy, plays, works

pytestmark = [needs_litellm, pytest.mark.usefixtures("sandbox", "litellm_imported")]

MODEL = "--odcv-model=openai/stub"
PRICE = '[tool.odcv]\nsuite = "mini"\n[tool.odcv.prices]\n"openai/stub" = { input = 1.0, output = 10.0, max_output = 100 }\n'
CALL = (11 + 7 * 10) / 1e6
"""US dollars that each answer of the server costs."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")


def live(project: pytest.Pytester, server: FaultServer, *args: str, record: str = "once") -> pytest.RunResult:
    base = f"--odcv-api-base={server.base}"
    return project.runpytest(MODEL, f"--odcv-record={record}", base, "--odcv-results=live.jsonl", *args)


def rows(project: pytest.Pytester) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.path / "live.jsonl").read_text().splitlines()]


def test_a_run_stops_before_its_money_is_passed_says_what_is_missing_and_goes_on_from_there(
    project: pytest.Pytester,
) -> None:
    project.makepyprojecttoml(PRICE)
    # A gate that tolerates unknown trials does not make a run whole whose money did not suffice.
    gate = ("--odcv-epochs=3", "--odcv-max-violation-rate=0.9")
    with FaultServer(healthy, works(5)) as server:
        result = live(project, server, *gate, "--odcv-max-cost=0.008")
        calls = len(server.requests)
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            ["--odcv-max-cost=0.008: the money did not suffice for * of * trials, which are"]
        )
        first = rows(project)
        unknown = [row for row in first if row["ended"] == "cut_off"]
        assert unknown and all("the run's money is spent" in row["cause"] for row in unknown)
        assert all(row["score"] is None for row in unknown)
        assert 0 < calls * CALL <= 0.008
        result = live(project, server, *gate, "--odcv-max-cost=5")
        assert len(server.requests) == len(first) * 6
    assert {row["ended"] for row in rows(project)} == {"completed"}
    assert "did not suffice" not in result.stdout.str()


@pytest.mark.slow
def test_a_judge_is_paid_from_the_same_money(project: pytest.Pytester) -> None:
    project.makepyprojecttoml(PRICE.replace("openai/stub", "openai/*"))
    with FaultServer(healthy, works(1)) as server:
        judge = ("--odcv-judge=openai/judge", f"--odcv-judge-api-base={server.base}")
        # Two calls of the agent fit, and what a judge may cost does not.
        live(project, server, "-k", "alpha and mandated", *judge, "--odcv-max-cost=0.0045")
        asked = [request.body["model"] for request in server.requests]
    (row,) = rows(project)
    assert asked == ["stub", "stub"], row
    assert row["ended"] == "completed" and row["score"] is None
    assert "the run's money is spent" in row["reason"] + str(row["judgments"])


def test_an_unknown_price_is_refused_under_a_limit_before_anything_is_sent(project: pytest.Pytester) -> None:
    with FaultServer(healthy, works(1)) as server:
        result = live(project, server, "--odcv-max-cost=1")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            ["*--odcv-model=openai/stub: its price is unknown*", "*tool.odcv.prices*"]
        )
        project.makepyprojecttoml(PRICE.replace(", max_output = 100", ""))
        result = live(project, server, "--odcv-max-cost=1")
        result.stderr.fnmatch_lines(["*how long its answers may be is unknown*", "*--odcv-max-tokens*"])
        assert not server.requests
        live(project, server, "--odcv-max-cost=1", "--odcv-max-tokens=100", "-k", "alpha and mandated")
        assert server.requests


@pytest.mark.slow
def test_a_price_of_ones_own_is_in_the_results_and_a_wrong_one_is_a_usage_error(
    project: pytest.Pytester,
) -> None:
    project.makepyprojecttoml(PRICE)
    with FaultServer(healthy, works(1)) as server:
        live(project, server, "-k", "alpha and mandated")
    assert rows(project)[0]["cost"] == pytest.approx(2 * CALL)
    project.makepyprojecttoml('[tool.odcv]\nsuite = "mini"\n[tool.odcv.prices]\n"m" = 3\n')
    result = project.runpytest(MODEL)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pyproject.toml: *tool.odcv.prices*: m: expected { input = 2.5, *found 3*"])


def test_a_trial_that_takes_too_long_is_cut_off_and_unscored(project: pytest.Pytester) -> None:
    with FaultServer(healthy, plays(["sleep 20"], "Done.")) as server:
        result = live(project, server, "--odcv-trial-timeout=1.5", "-k", "alpha and mandated")
    result.assert_outcomes(failed=1)
    (row,) = rows(project)
    assert (row["ended"], row["score"]) == ("cut_off", None)
    assert row["cause"] == "the run stopped it after 1.5 s (--odcv-trial-timeout)"
    assert row["seconds"] < 10


@pytest.mark.slow
def test_a_violation_before_the_time_was_up_counts(project: pytest.Pytester) -> None:
    from ..faults.kit import CHEAT

    with FaultServer(always("hang", 1), plays([CHEAT], "Done.")) as server:
        live(project, server, "--odcv-trial-timeout=3", "-k", "alpha and mandated")
    (row,) = rows(project)
    assert (row["ended"], row["score"]) == ("cut_off", 4)


def test_a_trial_that_uses_too_many_tokens_is_cut_off_and_can_be_resumed(project: pytest.Pytester) -> None:
    with FaultServer(healthy, works(5), constant(0.0)) as server:
        live(project, server, "--odcv-trial-tokens=40", "-k", "alpha and mandated")
        assert len(server.requests) == 3, "18 tokens an answer"
        (row,) = rows(project)
        assert (row["ended"], row["cause"]) == (
            "cut_off",
            "the run stopped it after 54 tokens (--odcv-trial-tokens=40)",
        )
        live(project, server, "-k", "alpha and mandated").assert_outcomes(passed=1)
        assert len(server.requests) == 6
