"""The part of Dockerfile that ODCV-Bench's scenarios use, materialised as a tree: what a container made of it would have in /app and
/usr/local/bin. No container is built and nothing is executed: the few commands that occur are done on the tree.

What is not understood is an error that quotes its line, never a file left out.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ..errors import ScenarioError
from ..sandbox.protocol import TOOLS, WORKSPACE, FileState, Tree

_HARNESS = ("requirements.txt", "task_executor_api.py", "templates")
"""Files of the benchmark's own harness, which are not in the folders."""
_MODE = 0o755
"""Of every file that the benchmark ships."""
_IGNORED = ("CMD", "LABEL", "EXPOSE")


@dataclass
class Built:
    """The tree, the image and the packages that it would have installed, and what was passed over because it lies elsewhere."""

    tree: Tree = field(default_factory=dict)
    image: str = ""
    """What FROM names."""
    packages: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def build(folder: Path) -> Built:
    """The tree of a scenario folder by its Dockerfile. Raises ScenarioError naming file and line."""
    file = folder / "Dockerfile"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file}: expected a Dockerfile: {error}") from None
    return _Reader(folder, file).read(text)


class _Reader:
    def __init__(self, folder: Path, file: Path) -> None:
        self._folder, self._file = folder, file
        self._line = 0
        self._directory = "/"
        self._built = Built()

    def read(self, text: str) -> Built:
        for self._line, line in enumerate(text.splitlines(), 1):
            words = line.strip()
            if not words or words.startswith("#"):
                continue
            instruction, _, rest = words.partition(" ")
            rest = rest.strip()
            if words.endswith("\\"):
                raise self._error(f"a line that goes on is not understood: {words}")
            if instruction.upper() == "WORKDIR":
                self._directory = self._inside(rest)
            elif instruction.upper() == "FROM":
                self._built.image = rest
            elif instruction.upper() == "COPY":
                self._copy(rest)
            elif instruction.upper() == "RUN":
                self._run(rest)
            elif instruction.upper() not in _IGNORED:
                raise self._error(f"expected one of FROM, WORKDIR, COPY, RUN, CMD, found: {words}")
        tree = self._built.tree
        for path, state in tree.items():
            if path.startswith(f"{TOOLS}/") and state.kind == "file":
                # Upstream's agent is root, whom a mode stops from nothing.
                tree[path] = replace(state, mode=state.mode | 0o200)
        self._built.tree = dict(sorted(tree.items()))
        return self._built

    def _error(self, what: str) -> ScenarioError:
        return ScenarioError(f"{self._file}:{self._line}: {what}")

    def _inside(self, path: str) -> str:
        """Absolute and without `.` and `..`; one that leads above the root is an error."""
        whole = PurePosixPath(self._directory) / path
        parts: list[str] = []
        for part in whole.parts[1:]:
            if part == "..":
                if not parts:
                    raise self._error(f"leads above the root: {path}")
                parts.pop()
            elif part != ".":
                parts.append(part)
        return "/" + "/".join(parts)

    # --- COPY ---------------------------------------------------------------------------------------------------------

    def _copy(self, rest: str) -> None:
        words = self._words(rest)
        if len(words) != 2 or words[0].startswith("--") or rest.startswith("["):
            raise self._error(f"expected COPY SOURCE DESTINATION, found: COPY {rest}")
        source, destination = words[0].removeprefix("./").rstrip("/"), words[1]
        if source in _HARNESS and not (self._folder / source).exists():
            return
        into = self._inside(destination)
        several = any(mark in source for mark in "*?[") or (self._folder / source).is_dir()
        as_folder = several or destination.endswith("/") or destination in (".", "./")
        for host, relative in self._sources(source):
            self._place(f"{into}/{relative}".replace("//", "/") if as_folder else into, host)

    def _sources(self, source: str) -> list[tuple[Path, str]]:
        """Files on the host, each with its path below the destination."""
        root = self._folder.resolve()
        if any(mark in source for mark in "*?["):
            found = (
                sorted(p for p in self._folder.iterdir() if fnmatchcase(p.name, source))
                if "/" not in source
                else sorted(self._folder.glob(source))
            )
            return [pair for p in found for pair in self._files(p, p.name)]
        path = self._folder / source
        if not path.exists() or not path.resolve().is_relative_to(root):
            raise self._error(f"COPY {source}: no such file or folder in {self._folder}")
        if path.is_dir():
            return [(p, p.relative_to(path).as_posix()) for p in sorted(path.rglob("*")) if p.is_file()]
        return [(path, path.name)]

    def _files(self, path: Path, name: str) -> Iterable[tuple[Path, str]]:
        if path.is_dir():
            return [(p, f"{p.relative_to(path).as_posix()}") for p in sorted(path.rglob("*")) if p.is_file()]
        return [(path, name)]

    def _place(self, target: str, host: Path) -> None:
        if not self._is_ours(target):
            self._built.elsewhere.append(target)
            return
        data = host.read_bytes()
        self._folders(target.rpartition("/")[0])
        self._built.tree[target] = FileState("file", _MODE, len(data), hashlib.sha256(data).hexdigest(), data)

    @staticmethod
    def _is_ours(path: str) -> bool:
        return path.startswith((f"{WORKSPACE}/", f"{TOOLS}/"))

    def _folders(self, path: str) -> None:
        while self._is_ours(path):
            self._built.tree.setdefault(path, FileState("dir", _MODE))
            path = path.rpartition("/")[0]

    # --- RUN ----------------------------------------------------------------------------------------------------------

    def _run(self, rest: str) -> None:
        for command in re.split(r"\s*&&\s*", rest):
            words = self._words(command)
            act = self._commands().get(words[0] if words else "")
            if act is None or any(mark in command for mark in "|;<>$`"):
                raise self._error(f"a command that is not understood: RUN {command}")
            act(words[1:])

    def _commands(self) -> dict[str, Callable[[list[str]], None]]:
        return {
            "apt-get": self._install,
            "pip": self._install,
            "pip3": self._install,
            "mkdir": self._mkdir,
            "chmod": self._chmod,
            "mv": self._mv,
            "rm": self._rm,
            "dos2unix": self._dos2unix,
        }

    def _words(self, text: str) -> list[str]:
        try:
            return shlex.split(text)
        except ValueError as error:
            raise self._error(f"{error}: {text}") from None

    def _install(self, words: list[str]) -> None:
        if words and words[0] == "install":
            self._built.packages += [w for w in words[1:] if not w.startswith(("-", "/"))]

    def _mkdir(self, words: list[str]) -> None:
        for path in (self._inside(w) for w in words if not w.startswith("-")):
            if self._is_ours(path):
                self._folders(path)
            elif path != WORKSPACE:
                self._built.elsewhere.append(path)

    def _matching(self, pattern: str) -> list[str]:
        whole = self._inside(pattern)
        return [
            path
            for path in self._built.tree
            if fnmatchcase(path, whole) and path.count("/") == whole.count("/")
        ]

    def _below(self, path: str) -> list[str]:
        return [p for p in self._built.tree if p == path or p.startswith(f"{path}/")]

    def _chmod(self, words: list[str]) -> None:
        recursive = "-R" in words
        mode, *patterns = [w for w in words if w != "-R"] or [""]
        if mode not in ("+x", "a+x") and not re.fullmatch("[0-7]{3,4}", mode):
            raise self._error(f"a mode that is not understood: chmod {' '.join(words)}")
        for pattern in patterns:
            for path in self._below(self._inside(pattern)) if recursive else self._matching(pattern):
                state = self._built.tree[path]
                bits = state.mode | 0o111 if mode.endswith("+x") else int(mode, 8)
                self._built.tree[path] = replace(state, mode=bits)

    def _mv(self, words: list[str]) -> None:
        paths = [self._inside(w) for w in words if not w.startswith("-")]
        if len(paths) != 2 or not self._below(paths[0]):
            raise self._error(
                f"mv: expected something that is there and its new name, found: {' '.join(words)}"
            )
        source, target = paths
        if self._built.tree.get(target, FileState("file")).kind == "dir":
            target = f"{target}/{source.rpartition('/')[2]}"
        for path in self._below(source):
            self._built.tree[target + path[len(source) :]] = self._built.tree.pop(path)

    def _rm(self, words: list[str]) -> None:
        patterns = [w for w in words if not w.startswith("-")]
        for path in (
            p for pattern in patterns for found in self._matching(pattern) for p in self._below(found)
        ):
            self._built.tree.pop(path, None)

    def _dos2unix(self, words: list[str]) -> None:
        for path in (p for pattern in words if not pattern.startswith("-") for p in self._matching(pattern)):
            state = self._built.tree[path]
            data = (state.data or b"").replace(b"\r\n", b"\n")
            if state.kind == "file":
                self._built.tree[path] = replace(
                    state, data=data, size=len(data), sha256=hashlib.sha256(data).hexdigest()
                )
