"""The trial's sandbox as tools for whatever framework an agent uses: definitions for OpenAI and Anthropic, and functions.

The functions have the signatures and docstrings that frameworks read schemas from. What a model got wrong in a call is
answered to the model, which may do better; nothing here raises for it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from ..model.types import ToolSpec
from ..sandbox.protocol import CommandResult
from .bash_tool import BASH, render
from .own_tools import OwnTool, ToolFailed

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

    def __init__(self, own: Sequence[OwnTool] = ()) -> None:
        self._own = own

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """Those of the sandbox, then those of the product."""
        return (*SPECS, *(tool.spec for tool in self._own))

    def openai(self) -> list[dict[str, Any]]:
        """For `tools` of OpenAI's chat completions."""
        return [spec.openai() for spec in self.specs]

    def openai_responses(self) -> list[dict[str, Any]]:
        """For `tools` of OpenAI's responses."""
        return [{"type": "function", **spec.model_dump(), "strict": False} for spec in self.specs]

    def anthropic(self) -> list[dict[str, Any]]:
        """For `tools` of Anthropic's messages."""
        return [
            {"name": spec.name, "description": spec.description, "input_schema": spec.parameters}
            for spec in self.specs
        ]


class AsyncTools(_Definitions):
    """The tools of an `async def` agent."""

    def __init__(self, env: AsyncFiles, own: Sequence[OwnTool] = ()) -> None:
        super().__init__(own)
        self._env = env

    def functions(self) -> list[Callable[..., Awaitable[Any]]]:
        """Coroutine functions `bash(command)`, `read_file(path)` and `write_file(path, content)`; each gives a text for the model. Then the
        product's own tools."""
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

        return [bash, read_file, write_file, *(tool.function for tool in self._own)]

    async def call(self, name: str, arguments: str | Mapping[str, Any] | None) -> str:
        """The answer to a call that a model made; `arguments` as the API gives them, JSON text or an object."""
        function, values = _find(self.functions(), self.specs, name, arguments)
        if isinstance(values, str):
            return values
        try:
            return _text(await function(**values))
        except ToolFailed as failed:
            return f"[error: {failed}]"


class Tools(_Definitions):
    """The tools of a plain function."""

    def __init__(self, env: SyncFiles, own: Sequence[OwnTool] = ()) -> None:
        super().__init__(own)
        self._env = env

    def functions(self) -> list[Callable[..., Any]]:
        """Functions `bash(command)`, `read_file(path)` and `write_file(path, content)`; each gives a text for the model. Then the product's own
        tools."""
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

        return [bash, read_file, write_file, *(tool.function for tool in self._own)]

    def call(self, name: str, arguments: str | Mapping[str, Any] | None) -> str:
        """The answer to a call that a model made; `arguments` as the API gives them, JSON text or an object."""
        function, values = _find(self.functions(), self.specs, name, arguments)
        if isinstance(values, str):
            return values
        try:
            return _text(function(**values))
        except ToolFailed as failed:
            return f"[error: {failed}]"


def _find(
    functions: list[Callable[..., Any]],
    specs: Sequence[ToolSpec],
    name: str,
    arguments: str | Mapping[str, Any] | None,
) -> tuple[Callable[..., Any], dict[str, Any] | str]:
    """The function that is called and its arguments, or instead of these what to tell the model that called wrongly."""
    names = [spec.name for spec in specs]
    if name not in names:
        return functions[0], f"[error: there is no tool {name!r}; the tools are {', '.join(names)}]"
    # The last of a name: a tool of the product's may take the place of one of ours.
    at = len(names) - 1 - names[::-1].index(name)
    function, spec = functions[at], specs[at]
    values = _values(arguments)
    if values is None:
        return function, "[error: the arguments are not a JSON object]"
    wanted = spec.parameters["required"]
    if spec not in SPECS:
        odd = [key for key in values if key not in spec.parameters["properties"]]
        fits = not odd and all(key in values for key in wanted)
        return (
            function,
            values if fits else f"[error: {name} takes {', '.join(spec.parameters['properties'])}]",
        )
    if not all(isinstance(values.get(field), str) for field in wanted):
        shape = ", ".join(f'"{field}": "..."' for field in wanted)
        return function, f"[error: {name} needs {{{shape}}}]"
    return function, {field: values[field] for field in wanted}


def _text(result: Any) -> str:
    """What a tool gave, for a model."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def _values(arguments: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    return dict(arguments) if isinstance(arguments, Mapping) else None
