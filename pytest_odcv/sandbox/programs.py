"""Which files and folders of the host may be put into a sandbox as programs of the agent, and why others may not.

What is in such a folder can be read, and in it a unix socket can be called, by an agent that may be hostile. Looks
at names, kinds and permission bits; it does not know what is secret inside a file.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from .layout import HOME, ROOT
from .protocol import TOOLS, WORKSPACE

_CLOSED: Final = (
    "/proc",
    "/sys",
    "/dev",
    "/etc",
    "/run",
    "/boot",
    "/var/run",
    WORKSPACE,
    TOOLS,
    HOME,
    ROOT.home,
)
"""Nothing in these, and nothing that has these in it."""
_COVERED: Final = ("/tmp", "/usr", "/var/tmp")
"""Places of the sandbox's own that nothing may be put over; what is inside of them may."""
_CREDENTIALS: Final = frozenset((
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config", ".netrc", ".pgpass", ".git", ".git-credentials",
    ".npmrc", ".pypirc", ".env", ".claude", ".codex", ".gemini",
))  # fmt: skip
"""Names under which programs keep keys and tokens, `.git` for the one that a checkout in CI leaves in its config."""
_HARMLESS: Final = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
_MOST_ENTRIES: Final = 200_000


def check(path: Path, user: int | None) -> None:
    """Raises SandboxError when `path` may not be bound into a sandbox; `user` is the one it runs as, None for this process's.

    The answer is remembered while no folder in it changes: one with 30,000 files takes about 0.2 s to look through.
    """
    if any(_changed_at(folder) != when for folder, when in _looked_at.get(path, {}).items()):
        _problem.cache_clear()
    problem = _problem(path, user)
    if problem is not None:
        raise SandboxError(f"program {path}: {problem}")


_looked_at: dict[Path, dict[str, int]] = {}
"""By program: the folders in it, with the time of their last change when they were looked at. An entry that comes or goes changes it."""


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116, for some thousand folders
    except OSError:
        return -1


@cache
def _problem(path: Path, user: int | None) -> str | None:
    if not path.is_absolute() or ".." in path.parts:
        return "expected an absolute path without `..`"
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        return f"expected a file or a folder of this machine: {error}"
    for name in dict.fromkeys((path, real)):
        problem = _place(name)
        if problem is not None:
            return problem if name == path else f"it is a link to {real}: {problem}"
    _looked_at[path] = {}
    return _unreadable(real, user) or _inside(real, _looked_at[path])


def _place(path: Path) -> str | None:
    for closed in map(Path, _CLOSED):
        if path.is_relative_to(closed):
            return f"{closed} of the host is not for agents, and the sandbox has its own; copy the program to another place"
    for covered in map(Path, (*_CLOSED, *_COVERED)):
        if covered.is_relative_to(path):
            return f"it would cover the sandbox's own {covered}; name the folder of the program itself"
    for home in _homes():
        if home.is_relative_to(path):
            return f"it holds the home folder {home}, where keys and tokens are kept; name the folder of the program itself"
    found = next((part for part in path.parts if part in _CREDENTIALS), None)
    return f"{found} is where keys and tokens are kept; copy the program to another place" if found else None


@cache
def _homes() -> tuple[Path, ...]:
    """Of this user, and of all who have one below /home, /Users or /root."""
    listed = {Path(entry.pw_dir) for entry in pwd.getpwall()}
    kept = (home for home in listed if len(home.parts) > 1 and home.parts[1] in ("home", "root", "Users"))
    own = os.path.expanduser("~")  # noqa: PTH111, pathlib raises for a user without an entry and without HOME
    return (*([Path(own)] if own != "~" else []), *sorted(kept))


def _unreadable(path: Path, user: int | None) -> str | None:
    """Why the sandbox's user cannot get there, by permission bits; the binding itself is made by that user too."""
    if user is None:
        return None if os.access(path, os.R_OK) else "this user may not read it"
    for part in (*reversed(path.parents), path):
        status = part.stat()
        needed = (0o5 if stat.S_ISDIR(status.st_mode) else 0o4) if part == path else 0o1
        shift = 6 if status.st_uid == user else 3 if status.st_gid == user else 0
        if status.st_mode >> shift & needed != needed:
            return (
                f"pytest runs as root, its sandboxes run as the ordinary user {user}, and that user cannot read it: {part} has mode "
                f"{stat.S_IMODE(status.st_mode):04o}; copy the program to a place that everyone may read, such as /opt, or run pytest as an ordinary user"
            )
    return None


def _inside(path: Path, folders: dict[str, int]) -> str | None:
    """What a look through a folder finds that an agent must not have. Notes in `folders` where it looked."""
    if not path.is_dir():
        return None if stat.S_ISREG(path.stat().st_mode) else "expected a file or a folder"
    found = next((entry.name for entry in path.iterdir() if entry.name in _CREDENTIALS), None)
    if found is not None:
        return f"{found} in it is where keys and tokens are kept; name a folder further in, without it"
    for number, entry in enumerate(_walk(path, folders)):
        if number >= _MOST_ENTRIES:
            return f"it has more than {_MOST_ENTRIES} files; name the folder of the program itself"
        if stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) not in _HARMLESS:
            return f"{entry.path} is a socket, a pipe or a device, by which an agent could reach the host; remove it"
    return None


def _walk(folder: Path, seen: dict[str, int]) -> Iterator[os.DirEntry[str]]:
    """Everything below, as far as this process may look: the sandbox's user is at most as free, or not this one."""
    folders = [str(folder)]
    while folders:
        here = folders.pop()
        seen[here] = _changed_at(here)  # Before it is read: what comes meanwhile is then a change.
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        except PermissionError:
            continue
