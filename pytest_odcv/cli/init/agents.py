"""The kinds of agents that `odcv init` writes a fixture for: how each is recognised, asked for, and called."""

from __future__ import annotations

import ast
import keyword
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

BASH = "bash"
COMMAND = "command"
_REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Kind:
    """`extra` of pytest-odcv that it needs. `which` says what WHICH is. `imports` are modules whose import points to the kind, `body` the
    lines of the agent's function, or "" where WHICH is the agent itself."""

    extra: str
    which: str
    imports: tuple[str, ...] = ()
    body: str = ""
    modules: str = ""
    """Further lines of imports."""


KINDS = {
    "openai-agents": Kind(
        "openai-agents",
        "an Agent of OpenAI's Agents SDK, as MODULE:NAME",
        ("agents",),
        "return await openai_agents.run({name}, task, env)",
        "from pytest_odcv.adapters import openai_agents",
    ),
    "pydantic-ai": Kind(
        "pydantic-ai",
        "an Agent of PydanticAI, as MODULE:NAME",
        ("pydantic_ai",),
        "return await pydantic_ai.run({name}, task, env)",
        "from pytest_odcv.adapters import pydantic_ai",
    ),
    "langgraph": Kind(
        "langgraph",
        "a function that takes a list of tools and returns a compiled graph, as MODULE:NAME",
        ("langgraph", "langchain"),
        "return await langgraph.run({name}(langgraph.tools(env)), task, env)",
        "from pytest_odcv.adapters import langgraph",
    ),
    "smolagents": Kind(
        "smolagents",
        "a function that takes a list of tools and returns an agent, as MODULE:NAME",
        ("smolagents",),
        "return smolagents.run({name}(smolagents.tools(env)), task, env)",
        "from pytest_odcv.adapters import smolagents",
    ),
    "openai-sdk": Kind(
        "openai",
        "your system prompt, a text, as MODULE:NAME",
        ("openai",),
        "async with AsyncOpenAI() as client:\n    model = odcv_model.removeprefix('openai/')\n"
        "    return await openai_sdk.run(client, task, env, model=model, instructions={name})",
        "from openai import AsyncOpenAI\n\nfrom pytest_odcv.adapters import openai_sdk",
    ),
    "anthropic-sdk": Kind(
        "anthropic",
        "your system prompt, a text, as MODULE:NAME",
        ("anthropic",),
        "async with AsyncAnthropic() as client:\n    model = odcv_model.removeprefix('anthropic/')\n"
        "    return await anthropic_sdk.run(client, task, env, model=model, instructions={name})",
        "from anthropic import AsyncAnthropic\n\nfrom pytest_odcv.adapters import anthropic_sdk",
    ),
    "mcp": Kind(
        "mcp",
        "an async function of (url, system_prompt, user_prompt), as MODULE:NAME",
        (),
        "async with mcp.serve(env) as url:\n    return await {name}(url, task.system_prompt, task.user_prompt)",
        "from pytest_odcv.adapters import mcp",
    ),
    "function": Kind("http", "a function of (task, env), async or not, as MODULE:NAME"),
    COMMAND: Kind("http", "a command line; {system_prompt} and {user_prompt} stand for the task's prompts"),
}
_PLAIN = ("smolagents",)
"""Kinds whose agent is a plain function, because the framework blocks."""
NEEDS_MODEL = (BASH, "openai-sdk", "anthropic-sdk")
_PROMPTS = ("INSTRUCTIONS", "SYSTEM_PROMPT", "PROMPT")


@dataclass(frozen=True)
class Agent:
    """The agent under test: a kind, and which one of it. `which` is "" for the built-in agent."""

    kind: str
    which: str = ""

    @property
    def extra(self) -> str:
        return "" if self.kind == BASH else KINDS[self.kind].extra

    def __str__(self) -> str:
        return f"{self.kind}={self.which}" if self.which else self.kind


def agent(text: str) -> Agent:
    """Of KIND or KIND=WHICH. Raises ValueError, also for a kind that needs WHICH and has none."""
    kind, _, which = text.partition("=")
    if kind == BASH and not which:
        return Agent(BASH)
    if kind not in KINDS:
        raise ValueError(f"expected {BASH} or one of {', '.join(KINDS)}, found {kind!r}")
    return Agent(kind, reference(kind, which))


def reference(kind: str, which: str) -> str:
    """WHICH, checked: it becomes part of a program. Raises ValueError."""
    which = which.strip()
    if kind == COMMAND:
        if not shlex.split(which):
            raise ValueError(f"expected {COMMAND}= and a command line, found {which!r}")
        return which
    names = re.split("[.:]", which)
    if not _REFERENCE.fullmatch(which) or any(map(keyword.iskeyword, names)):
        raise ValueError(f"expected {KINDS[kind].which}, found {which!r}")
    return which


def imported(tree: ast.Module) -> set[str]:
    """Names of the top-level modules that a module imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def in_module(tree: ast.Module, module: str, modules: set[str]) -> list[Agent]:
    """Agents that a module seems to define at its top level. `modules` are those of others that it imports."""
    kinds = [kind for kind, about in KINDS.items() if modules & set(about.imports)]
    found = [Agent("function", f"{module}:{name}") for name in _functions(tree, ["task", "env"])]
    for kind in kinds[:1]:
        if kind in ("openai-agents", "pydantic-ai"):
            names = _assigned_calls(tree, "Agent")
        elif kind in ("langgraph", "smolagents"):
            names = _functions(tree, ["tools"])
        else:
            names = [name for name in _assigned_texts(tree) if name in _PROMPTS]
        found += [Agent(kind, f"{module}:{name}") for name in names]
    return found


def _functions(tree: ast.Module, parameters: list[str]) -> list[str]:
    return [
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and [argument.arg for argument in node.args.args] == parameters
    ]


def _assigned_calls(tree: ast.Module, called: str) -> list[str]:
    return [
        name
        for name, value in _assigned(tree)
        if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2].startswith(called)
    ]


def _assigned_texts(tree: ast.Module) -> list[str]:
    return [
        name
        for name, value in _assigned(tree)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]


def _assigned(tree: ast.Module) -> list[tuple[str, ast.expr]]:
    pairs = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            pairs.append((node.targets[0].id, node.value))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            pairs.append((node.target.id, node.value))
    return pairs


def fixture(agent: Agent, has: Callable[[str], bool] = lambda word: False) -> str:
    """A conftest.py with the fixture `odcv_agent`.

    Args:
        has: Whether a word of a command is a file of the project.
    """
    if agent.kind == COMMAND:
        words = shlex.split(agent.which)
        return _command_fixture(words, frozenset(filter(has, words)))
    kind = KINDS[agent.kind]
    module, _, name = agent.which.partition(":")
    # Under another name where the adapter's module has it too.
    own = f"your_{name}" if re.search(rf"import {name}$", kind.modules, re.MULTILINE) else name
    line = f"from {module} import {name}" + (f" as {own}" if own != name else "")
    takes = "odcv_model" if "odcv_model" in kind.body else ""
    lines = ["import pytest", line, *([kind.modules] if kind.modules else []), ""]
    lines += ["", "@pytest.fixture", f"def odcv_agent({takes}):"]
    lines += [
        '    """The agent under test: called once a trial, with a task (two prompts) and a sandbox\'s tools."""'
    ]
    if not kind.body:
        return "\n".join([*lines, f"    return {own}", ""])
    start = "def" if agent.kind in _PLAIN else "async def"
    body = kind.body.replace("{name}", own).replace("'", '"').split("\n")
    lines += ["", f"    {start} agent(task, env):", *(f"        {part}" for part in body), ""]
    called = (module.rpartition(".")[2] if name in _PROMPTS else name).lower().replace("_", "-")
    return "\n".join([*lines, f'    agent.name = "{called}"', "    return agent", ""])


def _command_fixture(words: list[str], files: frozenset[str]) -> str:
    argv = [f"str(ROOT / {_quoted(word)})" if word in files else _quoted(word) for word in words]
    programs = ", ".join(f"ROOT / {_quoted(word)}" for word in words if word in files)
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            "import pytest",
            "",
            "from pytest_odcv import CommandAgent",
            "",
            "ROOT = Path(__file__).parent",
            "",
            "",
            "@pytest.fixture",
            "def odcv_agent():",
            '    """The agent under test: a program that runs in the sandbox, once a trial. It sees of this machine what `programs` names."""',
            f"    argv = [{', '.join(argv)}]",
            f"    return CommandAgent(argv, programs=[{programs}])",
            "",
        ]
    )


def _quoted(word: str) -> str:
    """As a string of Python with double quotes where that is possible."""
    shown = ascii(word)
    return f'"{shown[1:-1]}"' if shown.startswith("'") and '"' not in shown and "\\'" not in shown else shown
