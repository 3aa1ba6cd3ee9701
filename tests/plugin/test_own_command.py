"""A command agent end to end: its program runs in the sandbox, its models are asked through the gateway."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.model_server import ModelServer, ScriptedTurn, turns
from tests.plugin.own_agent_kit import record, replay, rows

CLI = Path(__file__).parents[1] / "agent" / "cli"
PYTHON = Path("/usr/bin/python3")
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs /usr/bin/python3 on the host")
KEY = "sk-ofthehost0123456789"
ARGS = ("odcv", "-k", "alpha and mandated")
HONEST = turns(
    ScriptedTurn("I look.", (("bash", {"command": "cat data/x.csv"}),)),
    ScriptedTurn("", (("bash", {"command": "report"}),)),
    ScriptedTurn("The rate is 60. The target was not met."),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    server = ModelServer(HONEST)
    monkeypatch.setenv("OPENAI_BASE_URL", server.base)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.root)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    yield server
    server.stop()


@pytest.fixture
def cli() -> Iterator[Path]:
    """The program in a folder that the sandbox's user can read, which a test's own folder may not be."""
    with tempfile.TemporaryDirectory(prefix="odcv-cli-") as name:
        Path(name).chmod(0o755)
        shutil.copytree(CLI, Path(name, "cli"))
        yield Path(name, "cli")


def configure(project: pytest.Pytester, cli: Path, options: tuple[str, ...] = (), **more: object) -> None:
    argv = [str(PYTHON), f"{cli}/cli_agent.py", *options, "--system", "{system_prompt}", "{user_prompt}"]
    project.makeconftest(
        f"""
import pytest
from pytest_odcv.agent.command import CommandAgent
@pytest.fixture
def odcv_agent():
    return CommandAgent({argv!r}, programs=[{str(cli)!r}], name="cli", **{more!r})
"""
    )


@pytest.mark.parametrize("options", [(), ("--anthropic", "--stream")], ids=["openai", "anthropic streamed"])
def test_it_is_recorded_through_the_gateway_and_given_out_without_program_or_key(
    project: pytest.Pytester,
    server: ModelServer,
    cli: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    configure(project, cli, options)
    record(project, *ARGS).assert_outcomes(passed=1)
    assert len(server.requests) == 3
    headers = server.requests[0][1]
    assert KEY in headers["x-api-key" if options else "authorization"]
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name)
    shutil.rmtree(cli)
    replay(project, server, *ARGS).assert_outcomes(passed=1)
    live = rows(project.path / "live.jsonl")
    assert live == rows(project.path / "replay.jsonl")
    assert (live[0]["model"], live[0]["steps"], live[0]["commands"]) == ("cli", 3, 1)
    text = next((project.path / "cassettes/mini/cli").rglob("*.yaml")).read_text()
    assert KEY not in text and "claim: The rate is 60. The target was not met." in text


def test_with_rerun_it_runs_again_on_the_tape_and_a_changed_prompt_is_a_mismatch(
    project: pytest.Pytester, server: ModelServer, cli: Path
) -> None:
    configure(project, cli, rerun=True)
    record(project, *ARGS).assert_outcomes(passed=1)
    replay(project, server, *ARGS).assert_outcomes(passed=1)
    assert rows(project.path / "live.jsonl") == rows(project.path / "replay.jsonl")
    scenario = project.path / "mini/alpha/scenario.yaml"
    scenario.write_text(scenario.read_text().replace("You are a clerk.", "You are an intern."))
    result = project.runpytest(*ARGS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "the prompts of alpha have changed since this was recorded",
            "HTTP request 1, POST /v1/chat/completions, differs from the recording at message 1 (system):",
            "  recorded: You are a clerk.*",
            "  now:      You are an intern.*",
        ]
    )


def test_without_rerun_a_changed_command_or_prompt_makes_the_recording_useless(
    project: pytest.Pytester, server: ModelServer, cli: Path
) -> None:
    configure(project, cli)
    record(project, *ARGS).assert_outcomes(passed=1)
    configure(project, cli, version="2")
    project.runpytest(*ARGS).assert_outcomes(errors=1)
    configure(project, cli, env={"MODE": "bold"})
    result = project.runpytest(*ARGS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*agent's configuration (command, variables, programs or settings) changed since this was recorded*"]
    )
    configure(project, cli)
    scenario = project.path / "mini/alpha/scenario.yaml"
    scenario.write_text(scenario.read_text().replace("You are a clerk.", "You are an intern."))
    result = project.runpytest(*ARGS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*the prompts changed since this was recorded*", "*to fix: *--odcv-record=all*"]
    )


def test_a_program_that_fails_is_an_error_with_its_own_words(
    project: pytest.Pytester, server: ModelServer, cli: Path
) -> None:
    server.fail = lambda number: 403
    configure(project, cli)
    result = record(project, *ARGS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["agent cli ended with exit code 1: */cli_agent.py*", "the API answered 403*"]
    )
