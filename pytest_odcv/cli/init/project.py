"""What `odcv init` can see of a project without running anything of it."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UsageProblem
from .agents import KINDS, Agent, imported, in_module

_MOST_FILES = 500
_MOST_BYTES = 500_000
_LEFT_OUT = ("node_modules", "site-packages", "build", "dist", "__pycache__", "venv", "env")
_CONFIGURED = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")


@dataclass(frozen=True)
class Project:
    """`agents` are those that it seems to define; `frameworks` kinds whose libraries it imports, with the file that does."""

    pyproject: dict[str, Any]
    has_pytest_config: bool
    overrides_agent: str
    """The conftest.py that has the fixture `odcv_agent`, or ""."""
    takes_trials: bool
    """Whether a test takes `odcv_trial`: then the packaged suite is not added."""
    agents: tuple[Agent, ...]
    frameworks: dict[str, str]
    ci: str
    """github, gitlab, or "" where nothing shows it."""
    install: tuple[str, ...]
    """Arguments of pip that install it."""
    root: Path

    @property
    def remarks(self) -> list[str]:
        """One line for each thing that was seen and matters."""
        lines = []
        if self.overrides_agent:
            lines.append(f"seen: {self.overrides_agent} has the fixture odcv_agent")
        lines += [f"seen: {agent.which}, it seems; --agent={agent} tests it" for agent in self.agents]
        known = {agent.kind for agent in self.agents}
        lines += [
            f"seen: {file} imports what agents of the kind {kind} are made with; --agent={kind}=WHICH tests one"
            for kind, file in self.frameworks.items()
            if kind not in known
        ]
        return [*lines, f"seen: {self.ci}"] if self.ci else lines

    def has(self, word: str) -> bool:
        """Whether a word of a command line is a file of the project."""
        try:
            path = (self.root / word).resolve()
            return path.is_file() and path.is_relative_to(self.root.resolve())
        except (OSError, ValueError):
            return False


def look(root: Path) -> Project:
    """Reads at most some hundred files of Python; those that cannot be read or parsed are left out. Raises UsageProblem for a pyproject.toml
    that is no TOML."""
    table = _toml(root / "pyproject.toml")
    overrides, takes, frameworks, found = "", False, dict[str, str](), list[Agent]()
    files = _files(root)
    local = {_module(path).partition(".")[0] for path in files}
    for path in files:
        text = _text(root / path)
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if Path(path).name == "conftest.py":
            overrides = overrides or (path if _defines(tree, "odcv_agent") else "")
            continue
        if re.fullmatch(r"test_.*|.*_test", Path(path).stem):
            takes = takes or _asks_for(tree, "odcv_trial")
            continue
        modules = imported(tree) - local
        for kind, about in KINDS.items():
            if modules & set(about.imports):
                frameworks.setdefault(kind, path)
        if module := _module(path):
            with suppress(RecursionError):
                found += in_module(tree, module, modules)
    return Project(
        pyproject=table,
        has_pytest_config="pytest" in _table(table, "tool")
        or any((root / name).exists() for name in _CONFIGURED),
        overrides_agent=overrides,
        takes_trials=takes,
        agents=tuple(found),
        frameworks=frameworks,
        ci=_provider(root),
        install=_install(root, table),
        root=root,
    )


def _defines(tree: ast.AST, name: str) -> bool:
    """Whether a function of that name is there; comments and docstrings define nothing."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) and node.name == name for node in ast.walk(tree))


def _asks_for(tree: ast.AST, fixture: str) -> bool:
    """Whether a function takes the fixture as an argument, or names it, as `usefixtures` does."""
    return any(
        (isinstance(node, ast.arg) and node.arg == fixture)
        or (isinstance(node, ast.Constant) and node.value == fixture)
        for node in ast.walk(tree)
    )


def _files(root: Path) -> list[str]:
    """Python files, those next to the root first. Folders that hold others' code are left out, links are not followed."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _LEFT_OUT
            and not (here / name / "pyvenv.cfg").exists()
        )
        found += [
            (here / name).relative_to(root).as_posix() for name in sorted(names) if name.endswith(".py")
        ]
        if len(found) >= _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _module(path: str) -> str:
    """What a file is imported as from the project's folder; "" where it cannot be."""
    parts = list(Path(path).with_suffix("").parts)
    parts = parts[1:] if parts[0] == "src" else parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) if parts and all(part.isidentifier() and part.isascii() for part in parts) else ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageProblem(f"{path}: cannot be read: {error}") from None


def _table(table: dict[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def _provider(root: Path) -> str:
    """By the provider's own files, else by where git pushes to."""
    if (root / ".gitlab-ci.yml").exists():
        return "gitlab"
    remote = _text(root / ".git" / "config").lower()
    if (root / ".github").is_dir() or "github.com" in remote:
        return "github"
    return "gitlab" if "gitlab" in remote else ""


def _install(root: Path, table: dict[str, Any]) -> tuple[str, ...]:
    requirements = ("-r", "requirements.txt") if (root / "requirements.txt").is_file() else ()
    is_package = "project" in table or "poetry" in _table(table, "tool") or (root / "setup.py").is_file()
    return (*requirements, "-e", ".") if is_package else requirements
