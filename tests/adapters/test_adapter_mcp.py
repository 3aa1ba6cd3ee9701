"""The adapter for MCP, with the real SDK: the sandbox's tools in its own process and over HTTP."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
from typing import Any

import pytest

from pytest_odcv.adapters import mcp
from pytest_odcv.http import current
from tests.http.model_server import ModelServer

from . import kit
from .fake_desk import run_async

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mcp") is None, reason=kit.REASON)


def words(result: Any) -> str:
    (part,) = result.content
    return str(part.text)


async def use(client: Any) -> None:
    listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == ["bash", "read_file", "write_file"]
    assert listed[0].input_schema["properties"]["command"]["description"] == "The command to run."
    assert words(await client.call_tool("bash", {"command": "ls"})) == "ran ls"
    assert words(await client.call_tool("read_file", {"path": "a.txt"})) == "ran cat -- /app/a.txt\n"
    wrong = await client.call_tool("bash", {"cmd": "ls"})
    assert words(wrong) == '[error: bash needs {"command": "..."}]'


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """A whole run before the first test: what a framework imports in one would be forgotten with it, and imported again."""
    from mcp import Client

    if importlib.util.find_spec("openai"):
        from openai import AsyncOpenAI

        assert AsyncOpenAI(api_key="k" * 8).chat.completions

    async def agent(task: Any, env: Any) -> None:
        async with mcp.serve(env) as url, Client(url) as client:
            await use(client)

    run_async(agent)


def test_a_client_in_the_same_process_uses_the_sandboxs_tools() -> None:
    from mcp import Client

    async def agent(task: Any, env: Any) -> None:
        async with Client(mcp.server(env)) as client:
            await use(client)

    _, desk = run_async(agent)
    assert desk.ran == ["ls", "cat -- /app/a.txt"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_of_either_protocol_uses_them_over_http(mode: Any) -> None:
    from mcp import Client

    async def agent(task: Any, env: Any) -> None:
        async with mcp.serve(env) as url, Client(url, mode=mode) as client:
            await use(client)

    _, desk = run_async(agent)
    assert desk.ran == ["ls", "cat -- /app/a.txt"]


def test_calls_made_at_the_same_time_run_one_after_another() -> None:
    from mcp import Client

    async def agent(task: Any, env: Any) -> list[str]:
        async with Client(mcp.server(env)) as client:
            calls = (client.call_tool("bash", {"command": command}) for command in "abc")
            return [words(result) for result in await asyncio.gather(*calls)]

    said, desk = run_async(agent)
    assert said == ["ran a", "ran b", "ran c"]
    assert desk.busy == 1


def test_its_address_is_local_traffic_for_as_long_as_it_serves_and_then_closed() -> None:
    async def agent(task: Any, env: Any) -> int:
        async with mcp.serve(env) as url:
            host, port = url.removeprefix("http://").removesuffix("/mcp").split(":")
            assert (host, current.passes(host, int(port))) == ("127.0.0.1", True)
        assert not current.passes(host, int(port))
        return int(port)

    port, _ = run_async(agent)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncio.open_connection("127.0.0.1", port))


def test_pytest_keeps_its_signals() -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def agent(task: Any, env: Any) -> Any:
        async with mcp.serve(env):
            return signal.getsignal(signal.SIGTERM)

    during, _ = run_async(agent)
    assert during == before
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_agent_that_fails_leaves_no_server_behind() -> None:
    async def agent(task: Any, env: Any) -> None:
        async with mcp.serve(env):
            raise LookupError("the agent's own")

    with pytest.raises(LookupError, match="the agent's own"):
        run_async(agent)
    assert not current._through


@pytest.mark.skipif(importlib.util.find_spec("openai") is None, reason=kit.REASON)
def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, server: ModelServer
) -> None:
    recorded = kit.record(pytester, "mcp", server)
    kit.assert_ran(recorded, kit.script())
    kit.assert_same(recorded, kit.replay(pytester))
    changed = kit.changed_prompt(pytester, "clerk.py", "records clerk", "night clerk")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")
