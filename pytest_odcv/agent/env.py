"""The environment that an agent is handed, in its two forms. What runs a command or asks a model is behind it, live or a tape."""

from __future__ import annotations

import asyncio
import base64
import shlex
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from ..model.types import Message, Reply, ToolSpec
from ..sandbox.protocol import CommandResult
from .own_tools import Calls, OwnTool, wrapped, wrapped_blocking
from .tools import AsyncTools, Tools

T = TypeVar("T")


class AgentStopped(BaseException):
    """Ends the thread of an agent whose trial is over. No Exception, so that an agent that catches those ends as well."""


class Backend(Calls, Protocol):
    """What a trial does for its agent: runs, asks, notes. Live or replayed."""

    async def bash(self, command: str, timeout: float | None) -> CommandResult: ...

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply: ...

    def say(self, text: str) -> None: ...


class TrialEnv:
    """See `base.Env`. `read` and `write` are commands like others, so they are recorded and replayed as such."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._own: dict[str, OwnTool] = {}

    async def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        return await self.backend.bash(command, timeout)

    async def read(self, path: str) -> str:
        result = await self.backend.bash(f"cat -- {shlex.quote(_absolute(path))}", None)
        if result.exit_code != 0:
            raise OSError(f"{path}: {_why(result)}")
        if result.stdout_cut:
            raise ValueError(
                f"{path} is too long to be read whole: {result.stdout_cut} bytes are missing; read it in parts with bash"
            )
        if "\\x" in result.stdout and await self._is_binary(path):
            raise ValueError(f"{path} is not UTF-8 text")
        return result.stdout

    async def write(self, path: str, data: str | bytes) -> None:
        target = shlex.quote(_absolute(path))
        command = f'mkdir -p -- "$(dirname -- {target})" && {_printing(data)} > {target}'
        result = await self.backend.bash(command, None)
        if result.exit_code != 0:
            raise OSError(f"{path}: {_why(result)}")

    async def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        return await self.backend.complete(messages, tools)

    def say(self, text: str) -> None:
        self.backend.say(text)

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        made = wrapped(function, self.backend)
        self._own[made.spec.name] = made
        return made.function

    def tools(self) -> AsyncTools:
        return AsyncTools(self, tuple(self._own.values()))

    async def _is_binary(self, path: str) -> bool:
        """A text may spell out what stands for an invalid byte."""
        check = f"iconv -f UTF-8 -t UTF-8 -- {shlex.quote(_absolute(path))} >/dev/null"
        return (await self.backend.bash(check, None)).exit_code != 0


class BlockingEnv:
    """See `base.SyncEnv`. For threads other than the one in which `loop` runs."""

    def __init__(self, env: TrialEnv, loop: asyncio.AbstractEventLoop) -> None:
        self._env, self._loop = env, loop
        self._closed = False
        self._own: dict[str, OwnTool] = {}
        self._waiting: set[Future[Any]] = set()

    def bash(self, command: str, timeout: float | None = None) -> CommandResult:
        return self._wait(self._env.bash(command, timeout))

    def read(self, path: str) -> str:
        return self._wait(self._env.read(path))

    def write(self, path: str, data: str | bytes) -> None:
        self._wait(self._env.write(path, data))

    def complete(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Reply:
        return self._wait(self._env.complete(messages, tools))

    def say(self, text: str) -> None:
        self._env.say(text)

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        made = wrapped_blocking(function, self._env.backend, self._wait)
        self._own[made.spec.name] = made
        return made.function

    def tools(self) -> Tools:
        return Tools(self, tuple(self._own.values()))

    def close(self) -> None:
        """The trial is over: whoever still waits, or comes later, gets AgentStopped."""
        self._closed = True
        for waiting in list(self._waiting):
            waiting.cancel()

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            coroutine.close()
            raise AgentStopped
        waiting = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        self._waiting.add(waiting)
        try:
            return waiting.result()
        except CancelledError:
            raise AgentStopped from None
        finally:
            self._waiting.discard(waiting)


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/app/{path}"


def _printing(data: str | bytes) -> str:
    """A command that prints `data`: readable where it is text."""
    raw = data if isinstance(data, bytes) else data.encode()
    with suppress(UnicodeDecodeError):
        if b"\0" not in raw:
            return f"printf %s {shlex.quote(raw.decode())}"
    return f"base64 -d <<<{base64.b64encode(raw).decode()}"


def _why(result: CommandResult) -> str:
    return result.stderr.strip() or result.note or f"exit code {result.exit_code}"
