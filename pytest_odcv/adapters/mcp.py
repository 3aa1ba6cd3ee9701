"""MCP: the sandbox's tools as a server of the Model Context Protocol, for agents that get their tools from one.

The server lives in the trial's process. There is no stdio form: that is a process of its own, with no way to the trial's sandbox.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from ..agent.protocol import Env
from ..http.current import let_through
from . import framework

if TYPE_CHECKING:
    from mcp import types
    from mcp.server import Server

EXTRA = "mcp"
_HOST = "127.0.0.1"


def server(env: Env) -> Server[Any]:
    """A server that offers the sandbox's tools; `mcp.Client(server(env))` talks to it without HTTP.

    Calls run one at a time, in the order in which they arrive: they share a shell.
    """
    said, servers = framework("mcp.types", EXTRA), framework("mcp.server", EXTRA)
    offered, turn = env.tools(), asyncio.Lock()

    async def list_tools(context: object, params: object) -> types.ListToolsResult:
        listed = [
            said.Tool(name=spec.name, description=spec.description, input_schema=spec.parameters)
            for spec in offered.specs
        ]
        return said.ListToolsResult(tools=listed)  # type: ignore[no-any-return]

    async def call_tool(context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        async with turn:
            text = await offered.call(params.name, params.arguments)
        return said.CallToolResult(content=[said.TextContent(text=text)])  # type: ignore[no-any-return]

    made: Server[Any] = servers.Server("pytest-odcv", on_list_tools=list_tools, on_call_tool=call_tool)
    return made


@asynccontextmanager
async def serve(env: Env) -> AsyncIterator[str]:
    """Within it, `server(env)` answers over streamable HTTP at the URL that this gives, on 127.0.0.1 and a free port.

    For clients in this process. What they say to it is neither recorded nor blocked: a replay serves it anew.
    """
    app = server(env).streamable_http_app(json_response=True, stateless_http=True, host=_HOST)
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        address = f"{_HOST}:{listener.getsockname()[1]}"
        with let_through(address):
            async with _running(app, listener):
                yield f"http://{address}/mcp"


@asynccontextmanager
async def _running(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    uvicorn = framework("uvicorn", EXTRA)

    class Server(uvicorn.Server):  # type: ignore[misc,name-defined]
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Signals stay pytest's."""
            yield

    running = Server(
        uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(running.serve(sockets=[listener]))
    try:
        while not running.started:
            if task.done():
                await task
                raise RuntimeError("the MCP server ended before it served")
            await asyncio.sleep(0.005)
        yield
    finally:
        running.should_exit = True
        await task
