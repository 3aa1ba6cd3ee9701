"""A CLI agent in a real sandbox, with the gateway and the tape that a trial has: recorded, run again from the tape, and failing."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.agent.command import GATEWAY, CommandAgent
from pytest_odcv.agent.env import TrialEnv
from pytest_odcv.agent.protocol import Ended, Task
from pytest_odcv.errors import AgentError, ReplayMismatch, SandboxError, UsageProblem
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import Exchange
from pytest_odcv.http.gateway import Gateway
from pytest_odcv.http.gateway_upstream import upstreams
from pytest_odcv.http.stops import StepLimitReached, TapeStop
from pytest_odcv.http.tape import HttpTape
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import CommandResult, Limits, Sandbox, SandboxSpec, Tree
from pytest_odcv.trajectory import Trajectory
from tests.http.model_server import ModelServer, ScriptedTurn, turns
from tests.sandbox.specs import spec_of

KEY = "sk-host-0123456789abcdef"
TASK = Task("You keep the books.", "File the 'figure' of \"May\" for $5.", step_limit=10, seconds=30.0)
WORK = turns(
    ScriptedTurn("I look.", calls=(("bash", {"command": "ls; echo 42 >figure.txt"}),)),
    ScriptedTurn("Filed 42."),
)


@dataclass
class Backend:
    """What a trial would be: `box` runs commands, `exchanges` is what was recorded, `said` what the agent claims."""

    box: Sandbox | None
    tape: HttpTape | None = None
    environ: dict[str, str] = field(default_factory=dict)
    recorded: Trajectory | None = None
    results: list[CommandResult] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    words: str = ""

    async def bash(self, command: str, timeout: float | None) -> CommandResult:
        if self.box is None:
            return self.results[0]
        self.results.append(await self.box.run(command, timeout))
        return self.results[-1]

    @asynccontextmanager
    async def open_gateway(self, port: int) -> AsyncIterator[Gateway]:
        assert self.box is not None and self.tape is not None
        async with Gateway(await self.box.listen(port), self.tape, upstreams(self.environ)) as gateway:
            yield gateway

    def last_words(self) -> str:
        return self.words

    def say(self, text: str) -> None:
        self.said.append(text)

    def note(self, exchange: Exchange) -> int:
        self.exchanges.append(exchange)
        return len(self.exchanges)


@dataclass
class Outcome:
    """A trial that was run: its desk, how the agent ended, and the files it left."""

    desk: Backend
    ended: Ended
    tree: Tree

    @property
    def result(self) -> CommandResult:
        return self.desk.results[0]


Runs = Callable[..., Outcome]


@pytest.fixture(scope="session")
def cli() -> Iterator[Path]:
    """The folder of the CLI agent, where every user can read it."""
    if not Path("/usr/bin/python3").exists():
        pytest.skip("needs /usr/bin/python3")
    with tempfile.TemporaryDirectory(prefix="odcv-cli-") as name:
        Path(name).chmod(0o755)
        shutil.copytree(Path(__file__).parent / "cli", Path(name, "cli"))
        yield Path(name, "cli")


@pytest.fixture
def runs(sandbox: None, tmp_path: Path) -> Runs:
    """`runs(agent, environ=, recorded=, step_limit=)`: a trial of that agent, answered by servers or strictly by a recording."""
    for name in ("workspace", "tools"):
        (tmp_path / name).mkdir()
    (tmp_path / "workspace" / "ledger.csv").write_text("a,b\n")

    async def trial(
        agent: CommandAgent,
        task: Task,
        environ: dict[str, str],
        recorded: list[Exchange] | None,
        step_limit: int | None,
    ) -> Outcome:
        limits = Limits(total_seconds=task.seconds, command_seconds=0.2)
        spec = spec_of(tmp_path / "workspace", tmp_path / "tools", limits)
        desk = Backend(await BubblewrapProvider().open(agent.sandbox(spec, task)), environ=environ)
        place = None if recorded is None else "place.yaml"
        canonical = Canonical(Redactor(environ={}))
        desk.tape = HttpTape(canonical, desk.note, recorded or (), place, step_limit)
        try:
            try:
                ended = await agent(task, TrialEnv(desk))
            except StepLimitReached:
                ended = Ended.STEP_LIMIT
            desk.tape.finish()
            return Outcome(desk, ended, await desk.box.snapshot())
        finally:
            await desk.box.close()

    def run(
        agent: CommandAgent,
        environ: dict[str, str] | None = None,
        recorded: list[Exchange] | None = None,
        task: Task = TASK,
        step_limit: int | None = None,
    ) -> Outcome:
        return asyncio.run(trial(agent, task, environ or {}, recorded, step_limit))

    return run


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(WORK) as running:
        yield running


def environment(server: ModelServer) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": server.base,
        "OPENAI_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": server.root,
        "ANTHROPIC_API_KEY": KEY,
    }


def agent_of(cli: Path, *options: str, **more: Any) -> CommandAgent:
    command = [
        "/usr/bin/python3",
        f"{cli}/cli_agent.py",
        *options,
        "--system={system_prompt}",
        "{user_prompt}",
    ]
    return CommandAgent(command, programs=[cli], **more)


@pytest.mark.parametrize("options", [(), ("--stream",), ("--anthropic",)])
def test_a_trial_is_recorded_and_runs_again_without_server_key_or_network(
    runs: Runs, cli: Path, server: ModelServer, options: tuple[str, ...]
) -> None:
    agent = agent_of(cli, *options)
    live = runs(agent, environment(server))
    assert live.ended == Ended.COMPLETED and live.result.stdout == "Filed 42.\n"
    assert live.tree["/app/figure.txt"].data == b"42\n"
    _, headers, body = server.requests[0]
    assert KEY in headers.get("authorization", headers.get("x-api-key", ""))
    assert TASK.user_prompt in json.dumps(body, ensure_ascii=False).replace('\\"', '"')
    assert len(live.desk.exchanges) == 2 and "ledger.csv" in repr(live.desk.exchanges[1].request)
    server.stop()
    again = runs(agent, {}, live.desk.exchanges)
    assert again.result.model_dump() == live.result.model_dump()
    assert again.tree == live.tree and again.desk.exchanges == live.desk.exchanges


def test_a_changed_prompt_is_a_mismatch_when_it_runs_again(
    runs: Runs, cli: Path, server: ModelServer
) -> None:
    live = runs(agent_of(cli), environment(server))
    with pytest.raises(TapeStop) as caught:
        runs(agent_of(cli), {}, live.desk.exchanges, replace(TASK, user_prompt="File it tomorrow."))
    assert isinstance(caught.value.problem, ReplayMismatch)
    assert "message 2 (user)" in str(caught.value) and "File it tomorrow." in str(caught.value)


def test_no_key_is_inside_and_the_gateway_is_all_there_is(runs: Runs, server: ModelServer) -> None:
    look = "env; cat /proc/[0-9]*/environ; cat /proc/net/dev; grep -r sk-host /tmp /app; (: </dev/tcp/127.0.0.1/$HOST_PORT) && echo REACHED"
    port = server.base.split(":")[2].split("/")[0]
    agent = CommandAgent(["bash", "-c", f"{look}; true"], env={"HOST_PORT": port, "MORE": "x y"})
    result = runs(agent, environment(server)).result
    assert KEY not in result.stdout + result.stderr and "REACHED" not in result.stdout
    lines = result.stdout.splitlines()
    assert {f"{name}={value}" for name, value in {**GATEWAY, "MORE": "x y"}.items()} <= set(lines)
    assert server.requests == []


def test_the_prompts_are_in_files_variables_and_arguments(runs: Runs) -> None:
    script = 'printf "%s|" "$@" "$ODCV_SYSTEM_PROMPT" "$ODCV_USER_PROMPT"; cd /tmp/odcv && cat system_prompt.txt user_prompt.txt'
    agent = CommandAgent(["bash", "-c", script, "it's", "<{user_prompt}>", "{other} $HOME", ""])
    outcome = runs(agent)
    system, user = TASK.system_prompt, TASK.user_prompt
    assert outcome.result.stdout == f"<{user}>|{{other}} $HOME||{system}|{user}|{system}{user}"
    assert (
        outcome.result.command.startswith(". /tmp/odcv/environment && bash -c ")
        and user not in outcome.result.command
    )


def test_it_claims_its_output_where_its_model_has_said_nothing(runs: Runs) -> None:
    assert runs(CommandAgent(["echo", "all filed"])).desk.said == ["all filed\n"]


def test_it_may_take_longer_than_one_command_of_other_agents(runs: Runs) -> None:
    assert runs(CommandAgent(["sleep", "0.5"])).ended == Ended.COMPLETED


def test_a_failing_command_is_an_error_with_what_it_printed(runs: Runs) -> None:
    with pytest.raises(AgentError) as caught:
        runs(CommandAgent(["bash", "-c", "echo out; echo 'no such model' >&2; exit 3"], name="cli"))
    assert str(caught.value).startswith("agent cli ended with exit code 3: bash -c ")
    assert str(caught.value).endswith("no such model")


def test_an_api_that_cannot_be_asked_is_in_the_error_of_the_agent_that_gave_up(
    runs: Runs, cli: Path, server: ModelServer
) -> None:
    server.fail = lambda number: 500
    with pytest.raises(
        AgentError, match=r"(?s)exit code 1.*at the gateway: the model's API answered 500.*scripted failure"
    ):
        runs(agent_of(cli), environment(server))


def test_a_command_that_does_not_end_is_an_error(runs: Runs) -> None:
    with pytest.raises(AgentError, match=r"did not end in time.*\n.*time of 0\.4 s is used up"):
        runs(CommandAgent(["sleep", "60"]), task=replace(TASK, seconds=0.4))


def test_at_the_limit_of_steps_it_is_told_so_and_its_command_is_recorded(
    runs: Runs, cli: Path, server: ModelServer
) -> None:
    outcome = runs(agent_of(cli), environment(server), step_limit=1)
    assert outcome.ended == Ended.STEP_LIMIT and len(server.requests) == 1
    assert outcome.result.exit_code == 1 and "limit of answers is used up" in outcome.result.stderr


def test_a_program_that_may_not_be_bound_is_refused_before_anything_runs(runs: Runs) -> None:
    with pytest.raises(SandboxError, match="/etc of the host is not for agents"):
        runs(CommandAgent(["true"], programs=["/etc/ssl"]))


def test_a_javascript_engine_can_be_run(runs: Runs, server: ModelServer) -> None:
    if not Path("/usr/bin/node").exists():
        pytest.skip("needs /usr/bin/node")
    code = """
const size = new WebAssembly.Memory({initial: 1, maximum: 65536}).buffer.byteLength
const body = JSON.stringify({model: "m", messages: [{role: "user", content: process.env.ODCV_USER_PROMPT}]})
const headers = {"content-type": "application/json"}
fetch(process.env.OPENAI_BASE_URL + "/chat/completions", {method: "POST", body, headers})
  .then(answer => answer.json()).then(answer => console.log(size, answer.choices[0].message.content))
"""
    assert runs(CommandAgent(["node", "-e", code]), environment(server)).result.stdout == "65536 I look.\n"


def test_a_replay_without_running_it_gives_out_what_it_did() -> None:
    agent = CommandAgent(["agent", "{user_prompt}"])
    result = CommandResult(command=agent.command, exit_code=1, stdout="half done\n")
    desk = Backend(None, recorded=Trajectory((), ended="step_limit"), results=[result])
    assert asyncio.run(agent(TASK, TrialEnv(desk))) == Ended.STEP_LIMIT
    assert desk.said == ["half done\n"]


class TestIdentity:
    """Which agents are the same one."""

    def test_another_argument_variable_or_program_makes_another_agent(self) -> None:
        base = {"env": {"A": "1"}, "programs": ["/opt/tool"]}
        agents = [
            CommandAgent(["x", "-p"], **base),
            CommandAgent(["x", "-q"], **base),
            CommandAgent(["x", "-p"], env={"A": "2"}, programs=["/opt/tool"]),
            CommandAgent(["x", "-p"], env={"A": "1"}, programs=["/opt/other"]),
        ]
        assert len({json.dumps(agent.config) for agent in agents}) == 4

    def test_the_place_of_its_programs_makes_no_difference(self) -> None:
        def made(place: str) -> CommandAgent:
            return CommandAgent(
                [f"{place}/bin/x", f"--home={place}"], programs=[place], env={"LIB": f"{place}/lib"}
            )

        here, there = made("/opt/a/tool"), made("/srv/b c/tool")
        assert here.config == there.config and here.command == there.command
        assert here.command.endswith('"$ODCV_PROGRAM_1"/bin/x --home="$ODCV_PROGRAM_1"')

    def test_values_of_variables_are_not_in_what_is_hashed(self) -> None:
        assert "private" not in json.dumps(CommandAgent(["x"], env={"A": "private"}).config)

    def test_its_name_is_the_programs_unless_given(self) -> None:
        assert CommandAgent(["/opt/x/codex", "exec"]).name == "codex"
        assert CommandAgent(["codex"], name="ours").name == "ours"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"argv": "agent -p"}, "as a list"),
        ({"argv": []}, "as a list"),
        ({"argv": ["x"], "env": {"A B": "1"}}, "no name of a variable"),
        ({"argv": ["x"], "env": {"OPENAI_API_KEY": "sk"}}, "keys stay outside the sandbox"),
        ({"argv": ["x"], "env": {"ODCV_USER_PROMPT": "x"}}, "is set for every command agent"),
    ],
)
def test_what_cannot_be_an_agent_is_refused_when_it_is_made(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageProblem, match=says):
        CommandAgent(**arguments)


def test_a_prompt_that_fits_no_variable_is_refused() -> None:
    spec = SandboxSpec({})
    with pytest.raises(AgentError, match="ODCV_USER_PROMPT does not fit"):
        CommandAgent(["x"]).sandbox(spec, replace(TASK, user_prompt="x" * 140_000))
