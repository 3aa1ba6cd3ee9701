"""Recordings of own agents, end to end: what the agent saw live it sees in the replay, and what could not be replayed is refused at once."""

from __future__ import annotations

import pytest

from tests.http.model_server import ModelServer
from tests.plugin.own_agent_kit import AGENT, LOOP, failing, record, replay, rows, server

pytest.importorskip("vcr", reason="needs the agent frameworks")

__all__ = ["server"]
ONE = ("odcv", "-k", "alpha and mandated")


def _agent(project: pytest.Pytester, body: str) -> None:
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    project.makeconftest(
        f"{LOOP}\n@pytest.fixture\ndef odcv_agent():\n    async def bot(task, env):\n{lines}\n    return bot\n"
    )


def _same(project: pytest.Pytester, server: ModelServer, *args: str) -> str:
    """Record, replay, and give the cassette."""
    record(project, *ONE, *args).assert_outcomes(passed=1)
    replay(project, server, *ONE, *args).assert_outcomes(passed=1)
    assert rows(project.path / "replay.jsonl") == rows(project.path / "live.jsonl")
    ours = (path for path in (project.path / "cassettes").rglob("*.yaml") if "reference" not in path.parts)
    return next(ours).read_text()


def test_a_refused_connection_that_the_agent_got_over_is_recorded_and_replayed(
    project: pytest.Pytester, server: ModelServer, way: tuple[str, ...]
) -> None:
    _agent(
        project,
        """
try:
    async with httpx.AsyncClient() as client:
        await client.post("http://127.0.0.1:9/v1/lookup", json={"a": 1})
    raise AssertionError("somebody answered")
except httpx.ConnectError as error:
    await env.bash(f"echo {type(error).__name__}")
return await Bot().loop(task, env)
""",
    )
    text = _same(project, server, *way)
    assert "kind: httpx.ConnectError" in text and "echo ConnectError" in text


def test_a_model_under_the_path_of_a_serving_endpoint_is_a_model(
    project: pytest.Pytester, server: ModelServer
) -> None:
    _agent(
        project,
        'return await Bot(path="/serving-endpoints/m/invocations").loop(task, env)',
    )
    assert "http: POST /v1/serving-endpoints/m/invocations" in _same(project, server)


def test_the_text_of_an_answer_that_goes_to_the_model_is_the_same_in_the_replay(
    project: pytest.Pytester, server: ModelServer
) -> None:
    """A tool hands on what a server said, letter by letter; the next request has it."""
    _agent(
        project,
        """
async with httpx.AsyncClient() as client:
    said = await client.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json={"messages": Bot().first(task)})
bot = Bot(said=said.text, kind=said.headers["content-type"])
return await bot.loop(task, env)
""",
    )
    _same(project, server)


def test_the_present_time_in_a_prompt_is_refused_before_anything_is_paid(
    project: pytest.Pytester, server: ModelServer
) -> None:
    body = "import datetime\nreturn await Bot(now=datetime.datetime.now().isoformat()).loop(task, env)"
    failing(project, body).stdout.fnmatch_lines(
        ["*it holds the present time, *T* in now, and will be another one in a replay*", "*http_ignore*"]
    )
    assert not server.requests
    result = record(project, *ONE, "--odcv-http-ignore=now")
    result.assert_outcomes(passed=1)
    replay(project, server, *ONE, "--odcv-http-ignore=now").assert_outcomes(passed=1)


def test_the_present_time_that_a_command_printed_is_recorded_like_everything_it_printed(
    project: pytest.Pytester, server: ModelServer
) -> None:
    _agent(
        project,
        """
printed = (await env.bash("date -u +%Y-%m-%dT%H:%M:%SZ")).stdout.strip()
return await Bot(printed=printed).loop(task, env)
""",
    )
    _same(project, server)


def test_a_connection_beside_http_is_refused_while_it_is_recorded(
    project: pytest.Pytester, server: ModelServer
) -> None:
    port = server.base.rpartition(":")[2].partition("/")[0]
    body = f"""
import asyncio
await Bot().loop(task, env)
try:
    await asyncio.open_connection("127.0.0.1", {port})
except BaseException:
    pass
return "done"
"""
    failing(project, body).stdout.fnmatch_lines(
        [f"*the agent opened a connection to 127.0.0.1:{port} that is no request of a recorded library*"]
    )
    project.runpytest("--odcv-record=live", *ONE).assert_outcomes(passed=1)


def test_headers_that_the_project_names_are_recorded(project: pytest.Pytester, server: ModelServer) -> None:
    _agent(
        project,
        """
async with httpx.AsyncClient() as client:
    said = await client.get(os.environ["OPENAI_BASE_URL"] + "/models")
bot = Bot(page=said.headers.get("server", "gone"))
return await bot.loop(task, env)
""",
    )
    text = _same(project, server, "--odcv-http-headers=server")
    assert "server: " in text


def test_a_header_that_is_none_is_a_usage_error(project: pytest.Pytester, server: ModelServer) -> None:
    project.makeconftest(LOOP + AGENT)
    result = record(project, *ONE, "--odcv-http-headers=two words")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*expected the name of a header*"])
    assert not server.requests


def test_a_model_that_was_never_reached_is_a_fault_that_names_the_exception(
    project: pytest.Pytester, server: ModelServer
) -> None:
    _agent(
        project,
        """
said = await Bot().loop(task, env)
try:
    async with httpx.AsyncClient() as client:
        await client.post("http://127.0.0.1:9/invocations", json={"messages": [{"role": "user", "content": "Check it."}]})
except httpx.ConnectError:
    pass
return said
""",
    )
    record(project, *ONE)
    row = rows(project.path / "live.jsonl")[0]
    assert (row["ended"], row["score"]) == ("faulted", None)
    assert "POST /invocations got no answer but httpx.ConnectError" in row["cause"]
