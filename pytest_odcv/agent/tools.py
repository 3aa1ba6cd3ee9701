"""The trial's sandbox as tools for whatever framework an agent uses: definitions for OpenAI and Anthropic, and functions.

The functions have the signatures and docstrings that frameworks read schemas from. What a model got wrong in a call is
answered to the model, which may do better; nothing here raises for it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ..model.types import ToolSpec
from ..sandbox.protocol import CommandResult
from .bash_tool import BASH, render

_PATH = {"type": "string", "description": "The file's path; a relative one starts at /app."}

READ_FILE = ToolSpec(
    name="read_file",
    description="Read a text file.",
    parameters={"type": "object", "properties": {"path": _PATH}, "required": ["path"]},
)
WRITE_FILE = ToolSpec(
    name="write_file",
    description="Write a text file: it is made, with the folders it needs, or replaced.",
    parameters={
        "type": "object",
        "properties": {"path": _PATH, "content": {"type": "string", "description": "The whole new text."}},
        "required": ["path", "content"],
    },
)
SPECS = (BASH, READ_FILE, WRITE_FILE)


class AsyncFiles(Protocol):
    """What the tools of an `async def` agent use of its environment."""

    async def bash(self, command: str) -> CommandResult: ...

    async def read(self, path: str) -> str: ...

    async def write(self, path: str, data: str) -> None: ...


class SyncFiles(Protocol):
    """What the tools of a plain function use of its environment."""

    def bash(self, command: str) -> CommandResult: ...

    def read(self, path: str) -> str: ...

    def write(self, path: str, data: str) -> None: ...


class _Definitions:
    """What the two kinds of tools have in common: the schemas."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return SPECS

    def openai(self) -> list[dict[str, Any]]:
        """For `tools` of OpenAI's chat completions."""
        return [spec.openai() for spec in SPECS]

    def openai_responses(self) -> list[dict[str, Any]]:
        """For `tools` of OpenAI's responses."""
        return [{"type": "function", **spec.model_dump(), "strict": False} for spec in SPECS]

    def anthropic(self) -> list[dict[str, Any]]:
        """For `tools` of Anthropic's messages."""
        return [
            {"name": spec.name, "description": spec.description, "input_schema": spec.parameters}
            for spec in SPECS
        ]


class AsyncTools(_Definitions):
    """The tools of an `async def` agent."""

    def __init__(self, env: AsyncFiles) -> None:
        self._env = env

    def functions(self) -> list[Callable[..., Awaitable[str]]]:
        """Coroutine functions `bash(command)`, `read_file(path)` and `write_file(path, content)`; each gives a text for the model."""
        env = self._env

        async def bash(command: str) -> str:
            """Run a command in a bash shell that stays open: the working folder, variables and files persist.

            Args:
                command: The command to run.
            """
            return render(await env.bash(command))

        async def read_file(path: str) -> str:
            """Read a text file.

            Args:
                path: The file's path; a relative one starts at /app.
            """
            try:
                return await env.read(path)
            except (OSError, ValueError) as error:
                return f"[error: {error}]"

        async def write_file(path: str, content: str) -> str:
            """Write a text file: it is made, with the folders it needs, or replaced.

            Args:
                path: The file's path; a relative one starts at /app.
                content: The whole new text.
            """
            try:
                await env.write(path, content)
            except OSError as error:
                return f"[error: {error}]"
            return "[written]"

        return [bash, read_file, write_file]

    async def call(self, name: str, arguments: str | Mapping[str, Any] | None) -> str:
        """The answer to a call that a model made; `arguments` as the API gives them, JSON text or an object."""
        function, values = _find(self.functions(), name, arguments)
        return values if isinstance(values, str) else await function(**values)


class Tools(_Definitions):
    """The tools of a plain function."""

    def __init__(self, env: SyncFiles) -> None:
        self._env = env

    def functions(self) -> list[Callable[..., str]]:
        """Functions `bash(command)`, `read_file(path)` and `write_file(path, content)`; each gives a text for the model."""
        env = self._env

        def bash(command: str) -> str:
            """Run a command in a bash shell that stays open: the working folder, variables and files persist.

            Args:
                command: The command to run.
            """
            return render(env.bash(command))

        def read_file(path: str) -> str:
            """Read a text file.

            Args:
                path: The file's path; a relative one starts at /app.
            """
            try:
                return env.read(path)
            except (OSError, ValueError) as error:
                return f"[error: {error}]"

        def write_file(path: str, content: str) -> str:
            """Write a text file: it is made, with the folders it needs, or replaced.

            Args:
                path: The file's path; a relative one starts at /app.
                content: The whole new text.
            """
            try:
                env.write(path, content)
            except OSError as error:
                return f"[error: {error}]"
            return "[written]"

        return [bash, read_file, write_file]

    def call(self, name: str, arguments: str | Mapping[str, Any] | None) -> str:
        """The answer to a call that a model made; `arguments` as the API gives them, JSON text or an object."""
        function, values = _find(self.functions(), name, arguments)
        return values if isinstance(values, str) else function(**values)


def _find(
    functions: list[Callable[..., Any]], name: str, arguments: str | Mapping[str, Any] | None
) -> tuple[Callable[..., Any], dict[str, str] | str]:
    """The function that is called and its arguments, or instead of these what to tell the model that called wrongly."""
    spec = next((spec for spec in SPECS if spec.name == name), None)
    if spec is None:
        names = ", ".join(spec.name for spec in SPECS)
        return functions[0], f"[error: there is no tool {name!r}; the tools are {names}]"
    function = functions[SPECS.index(spec)]
    values = _values(arguments)
    wanted = spec.parameters["required"]
    if values is None:
        return function, "[error: the arguments are not a JSON object]"
    if not all(isinstance(values.get(field), str) for field in wanted):
        shape = ", ".join(f'"{field}": "..."' for field in wanted)
        return function, f"[error: {name} needs {{{shape}}}]"
    return function, {field: values[field] for field in wanted}


def _values(arguments: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    return dict(arguments) if isinstance(arguments, Mapping) else None
