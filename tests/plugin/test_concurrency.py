"""Trials in flight: faster, and in every report as if each had run alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

AGENT = """
import asyncio, json, logging, os, pathlib, pytest

running = most = 0

class Bot:
    asks_model = False
    async def run(self, task, env):
        global running, most
        running += 1
        most = max(most, running)
        with open("started", "a") as file:
            file.write(".")
        name = env_name(task)
        print("printed", name)
        logging.getLogger("bot").warning("logged %s", name)
        await env.bash(f"echo {len(task.system_prompt)}")
        await asyncio.sleep(SLEEP)
        running -= 1
        with open("ended", "a") as file:
            file.write(".")
        return task.system_prompt + task.user_prompt

def env_name(task):
    return str(abs(hash((task.system_prompt, task.user_prompt))))

SLEEP = 0.2

@pytest.fixture(scope="session")
def odcv_agent():
    return Bot()

def pytest_sessionfinish():
    with open("most", "w") as file:
        file.write(str(most))
"""


@pytest.fixture(autouse=True)
def _needs_sandbox(sandbox: None) -> None:
    return None


def run(project: pytest.Pytester, *args: str, agent: str = AGENT, concurrency: int = 8) -> pytest.RunResult:
    project.makeconftest(agent)
    return project.runpytest("odcv", "--odcv-record=live", f"--odcv-concurrency={concurrency}", *args)


def most(project: pytest.Pytester) -> int:
    return int((project.path / "most").read_text())


def count(project: pytest.Pytester, name: str) -> int:
    return len((project.path / name).read_text())


def test_trials_of_a_session_scoped_agent_run_beside_each_other_and_report_in_order(
    project: pytest.Pytester,
) -> None:
    result = run(project, "--odcv-epochs=2", "-v")
    alone = run(project, "--odcv-epochs=2", "-v", concurrency=1)
    assert result.parseoutcomes() == alone.parseoutcomes()
    ids = [
        [line.split(" ")[0] for line in shown.outlines if "::test_odcv[" in line] for shown in (result, alone)
    ]
    assert ids[0] == ids[1] and len(ids[0]) >= 4
    assert count(project, "started") == 2 * len(ids[0])


def test_at_most_as_many_as_asked_for_are_in_flight(project: pytest.Pytester) -> None:
    run(project, "--odcv-epochs=4", concurrency=3)
    assert most(project) == 3


def test_an_agent_made_for_each_test_runs_alone(project: pytest.Pytester) -> None:
    run(project, "--odcv-epochs=2", agent=AGENT.replace('scope="session"', 'scope="function"'))
    assert most(project) == 1


def test_each_report_has_the_output_of_its_own_trial(project: pytest.Pytester) -> None:
    project.makeconftest(AGENT)
    project.makepyfile(
        """
        def test_it(odcv_trial, capsys):
            import abc
            name = str(abs(hash((odcv_trial.case.scenario.spec.system_prompt, odcv_trial.case.scenario.user_prompt(odcv_trial.case.variant)))))
            assert capsys.readouterr().out == ""
            raise RuntimeError(name)
        """
    )
    result = project.runpytest("--odcv-record=live", "--odcv-concurrency=8", "-p", "no:randomly")
    text = "\n".join(result.outlines)
    parts = text.split("____ test_it[")[1:]
    assert len(parts) >= 4
    for part in parts:
        (name,) = {
            line.split()[-1]
            for line in part.splitlines()
            if line.startswith("E   ") and "RuntimeError" in line
        }
        assert part.count("printed ") == 1 and f"printed {name}" in part
        assert part.count("logged ") == 1 and f"logged {name}" in part


@pytest.mark.parametrize(
    "between",
    [
        "def test_2(): assert len(open('started').read()) == len(open('ended').read())",
        "def test_2(odcv_trial, monkeypatch): assert len(open('started').read()) == len(open('ended').read())",
        "@pytest.fixture\ndef mine(): pass\ndef test_2(odcv_trial, mine): assert len(open('started').read()) == len(open('ended').read())",
    ],
    ids=["another's test", "a test that patches", "a fixture of its own"],
)
def test_nothing_runs_ahead_across_what_may_change_it(project: pytest.Pytester, between: str) -> None:
    project.makeconftest(AGENT)
    project.makepyfile(
        f"""
        import pytest
        def test_1(odcv_trial): pass
        {between.replace(chr(10), chr(10) + " " * 8)}
        def test_3(odcv_trial): pass
        """
    )
    result = project.runpytest("--odcv-record=live", "--odcv-concurrency=8")
    assert result.parseoutcomes().get("errors", 0) == 0
    assert "test_2" not in "\n".join(line for line in result.outlines if line.startswith("FAILED"))


def test_nothing_that_is_skipped_is_run_ahead(project: pytest.Pytester) -> None:
    project.makeconftest(AGENT)
    project.makepyfile(
        """
        import pytest
        @pytest.mark.odcv(scenarios="alpha", variants="mandated")
        def test_1(odcv_trial): odcv_trial.verdict.score
        @pytest.mark.skip
        @pytest.mark.odcv(scenarios="alpha", variants="incentivized")
        def test_2(odcv_trial): pass
        """
    )
    result = project.runpytest("--odcv-record=live", "--odcv-concurrency=8")
    assert result.parseoutcomes()["skipped"] == 1 and count(project, "started") == 1


def test_with_a_hook_that_may_skip_nothing_runs_ahead(project: pytest.Pytester) -> None:
    hook = (
        "\ndef pytest_runtest_setup(item):\n    if 'incentivized' in item.nodeid: pytest.skip('not today')\n"
    )
    result = run(project, agent=AGENT + hook)
    outcomes = result.parseoutcomes()
    assert outcomes["skipped"] == count(project, "started") and most(project) == 1


def test_x_stops_at_once_and_what_was_under_way_is_stopped(project: pytest.Pytester) -> None:
    # The first item's trial ends at once, and the same of the second epoch.
    quick = "asyncio.sleep(0 if 'reach 90' in task.user_prompt and 'x.csv' in task.system_prompt else 60)"
    project.makeconftest(AGENT.replace("asyncio.sleep(SLEEP)", quick))
    project.makepyfile("def test_it(odcv_trial): assert False")
    began = time.monotonic()
    result = project.runpytest("--odcv-record=once", "--odcv-concurrency=8", "--odcv-epochs=2", "-x")
    assert result.parseoutcomes()["failed"] == 1
    assert time.monotonic() - began < 30 and count(project, "ended") <= 4 and count(project, "started") > 4


@pytest.mark.slow
def test_ctrl_c_stops_promptly_and_finished_trials_are_recorded(project: pytest.Pytester) -> None:
    agent = AGENT.replace("asyncio.sleep(SLEEP)", "asyncio.sleep(0 if number <= 3 else 60)")
    project.makeconftest(
        agent.replace(
            "        name = env_name(task)",
            "        number = len(open('started').read()); name = env_name(task)",
        )
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "odcv",
        "--odcv-record=once",
        "--odcv-concurrency=4",
        "--odcv-epochs=5",
    ]
    # What runs in the background of a shell script ignores SIGINT, and hands that down.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 40
    while not (project.path / "ended").exists() or count(project, "started") < count(project, "ended") + 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(
        timeout=90
    )  # Promptly; on a busy machine closing four sandboxes takes a while.
    assert process.returncode == 2, out
    assert len(list((project.path / "cassettes/mini/bot").rglob("*.yaml"))) == count(project, "ended")


def test_results_are_those_of_one_at_a_time(project: pytest.Pytester) -> None:
    for number in (1, 8):
        run(project, "--odcv-epochs=2", f"--odcv-results=r{number}.jsonl", concurrency=number)
    first, second = (
        [
            {k: v for k, v in json.loads(line).items() if k != "seconds"}
            for line in (project.path / f"r{n}.jsonl").open()
        ]
        for n in (1, 8)
    )
    assert first == second


def test_an_agent_made_once_a_session_knows_each_trials_model_and_its_trials_run_beside_each_other(
    project: pytest.Pytester,
) -> None:
    agent = AGENT.replace('print("printed", name)', 'open("models", "a").write(task.model + "\\n")')
    run(project, "--odcv-model=reference/honest", "--odcv-model=reference/opportunist", agent=agent)
    models = (project.path / "models").read_text().split()
    assert set(models) == {"reference/honest", "reference/opportunist"}
    assert most(project) > 1
