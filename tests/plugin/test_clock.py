"""A trial's clock as a user sets it: in scenario.yaml, by the option, in pyproject.toml; recorded, and held against the recording."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pytest_odcv.errors import ScenarioError
from pytest_odcv.sandbox import clock
from pytest_odcv.scenario.loader import load_scenario
from pytest_odcv.scenario.suite import load_suite

from ..conftest import MINI


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Path:
    """The mini suite, in which the honest agent looks at the clock."""
    folder = pytester.path / "mini"
    shutil.copytree(MINI, folder)
    for name in ("alpha", "beta"):
        play = folder / name / "playbooks/honest.yaml"
        text = play.read_text()
        assert "bash: cat data/x.csv" in text
        play.write_text(text.replace("bash: cat data/x.csv", "bash: date +day=%F"))
    return folder


@pytest.fixture
def timed(sandbox: None) -> None:
    missing = clock.missing()
    if missing:
        pytest.skip(missing)


def say(suite: Path, line: str, name: str = "alpha") -> Path:
    file = suite / name / "scenario.yaml"
    file.write_text(file.read_text() + line + "\n")
    return suite / name


def run(pytester: pytest.Pytester, suite: Path, *args: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(f"--odcv-suite={suite}", "--odcv-model=reference/honest", *args)


def days(pytester: pytest.Pytester) -> dict[str, set[str]]:
    """The days that the recordings of each scenario show, of the command and of the header."""
    found: dict[str, set[str]] = {}
    for file in (pytester.path / "cassettes").rglob("*.yaml"):
        text = file.read_text()
        shown = re.findall(r"day=(\d\S+)", text) + re.findall(r"clock: '?(\S+Z)", text)
        found.setdefault(file.parent.name, set()).update(shown)
    return found


def test_a_scenario_has_a_clock_of_its_own_and_the_option_goes_before(
    pytester: pytest.Pytester, suite: Path, timed: None
) -> None:
    say(suite, "clock: 2024-02-29")
    assert run(pytester, suite, "--odcv-record=once").ret == 0
    shown = days(pytester)
    assert shown["alpha"] == {"2024-02-29", "2024-02-29T12:00:00Z"}
    assert len(shown["beta"]) == 1 and "2024-02-29" not in shown["beta"]
    assert run(pytester, suite).ret == 0
    assert run(pytester, suite, "--odcv-record=all", "--odcv-clock=2023-01-02T23:30").ret == 0
    assert days(pytester) == {name: {"2023-01-02", "2023-01-02T23:30:00Z"} for name in ("alpha", "beta")}


def test_a_recording_of_another_clock_is_a_recording_of_another_environment(
    pytester: pytest.Pytester, suite: Path, timed: None
) -> None:
    pytester.makepyprojecttoml("[tool.odcv]\nclock = 2024-02-29\n")
    assert run(pytester, suite, "--odcv-record=once").ret == 0
    run(pytester, suite).assert_outcomes(passed=4)
    for moment, name in (
        ("2024-03-01", "2024-03-01T12:00:00Z"),
        ("2024-02-29T12:01", "2024-02-29T12:01:00Z"),
    ):
        result = run(pytester, suite, f"--odcv-clock={moment}")
        result.assert_outcomes(errors=4)
        result.stdout.fnmatch_lines([f"*clock (2024-02-29T12:00:00Z when recorded, {name} now)*"])
    (pytester.path / "pyproject.toml").write_text("")
    run(pytester, suite).stdout.fnmatch_lines(["*clock (2024-02-29T12:00:00Z when recorded, none now)*"])


def test_without_a_compiler_a_live_run_stops_before_its_first_trial_and_a_replay_does_not(
    pytester: pytest.Pytester, suite: Path, timed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(pytester, suite, "--odcv-record=once", "--odcv-clock=2024-02-29").ret == 0
    monkeypatch.setenv("PATH", "")
    result = run(pytester, suite, "--odcv-record=all", "--odcv-clock=2024-02-29")
    replayed = run(pytester, suite, "--odcv-clock=2024-02-29")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "*its clock is to stand at 2024-02-29T12:00:00Z: a clock at a given date needs a C compiler*pytest-odcv?clock?*"
        ]
    )
    replayed.assert_outcomes(passed=4)


@pytest.mark.parametrize("found", ["yesterday", "2024-02-30"])
def test_what_is_no_date_is_a_usage_error(pytester: pytest.Pytester, suite: Path, found: str) -> None:
    result = run(pytester, suite, f"--odcv-clock={found}")
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--odcv-clock: expected a date or a moment in UTC*found '{found}'*"])
    pytester.makepyprojecttoml(f'[tool.odcv]\nclock = "{found}"\n')
    assert run(pytester, suite).ret == 4


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-02-29", "2024-02-29T12:00:00Z"),
        ("'2024-02-29'", "2024-02-29T12:00:00Z"),
        ("2024-02-29T14:30:00Z", "2024-02-29T14:30:00Z"),
        ("2024-02-29 14:30:05", "2024-02-29T14:30:05Z"),
        ("2024-02-29T14:30", "2024-02-29T14:30:00Z"),
        ("2024-02-29T14:30:00+02:00", "2024-02-29T12:30:00Z"),
    ],
)
def test_a_scenarios_clock_is_a_date_or_a_moment_however_yaml_reads_it(
    suite: Path, written: str, moment: str
) -> None:
    assert load_scenario(say(suite, f"clock: {written}"), "mini").spec.clock == moment


@pytest.mark.parametrize("written", ["soon", "20240229", "[2024-02-29]", "true", "12.5"])
def test_a_scenarios_clock_that_is_no_date_is_named_with_its_place(suite: Path, written: str) -> None:
    with pytest.raises(ScenarioError, match=r"scenario.yaml:\d+: clock: expected a date or a moment in UTC"):
        load_scenario(say(suite, f"clock: {written}"), "mini")


def test_a_clock_is_part_of_the_environment_and_of_nothing_else(suite: Path) -> None:
    plain = load_suite(suite)
    hashes = [
        plain.at(moment)["alpha"].hashes for moment in (None, "2024-02-29T12:00:00Z", "2024-03-01T12:00:00Z")
    ]
    assert len({each["environment"] for each in hashes}) == 3
    assert len({(each["mandated"], each["incentivized"], each["oracle"]) for each in hashes}) == 1
    assert load_suite(MINI)["alpha"].hashes["environment"] == hashes[0]["environment"]
