"""The command line of a container engine, podman or docker: what it is asked, and what it says when it cannot."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from ..errors import SandboxError

NAMES: Final = ("podman", "docker")
"""In the order in which they are looked for."""
LABEL: Final = "pytest-odcv"
_SECONDS: Final = 60.0
USERS: Final = 524_288
"""The first of the 65,536 users here that a container's users are where podman runs as root; none of them is anybody else's."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that was found. `run_options` are those that every `run` and `create` takes."""

    program: str
    name: str
    run_options: tuple[str, ...] = ()
    first_user: int | None = None
    """The user here that the container's user 0 is; None where the agent's files belong to the user of this process."""
    rootless: bool = False

    def users(self, agent: int) -> list[str]:
        """The options that say who is who inside, for an agent of that number."""
        own = ["--user", f"{agent}:{agent}"]
        if self.rootless and agent:
            return [*own, f"--userns=keep-id:uid={agent},gid={agent}"]
        return own

    @property
    def empty_tmpfs(self) -> str:
        """An option of --tmpfs: podman would copy what the image has in the folder."""
        return ",notmpcopyup" if self.name == "podman" else ""

    def command(self, *words: str) -> list[str]:
        return [self.program, *words]

    def said(self, *words: str, data: bytes | None = None) -> bytes:
        """What a subcommand prints. Raises SandboxError with the engine's own words."""
        try:
            done = subprocess.run(self.command(*words), input=data, capture_output=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise SandboxError(f"container: {self.name} {words[0]} took longer than {_SECONDS:g} s") from None
        except OSError as error:
            raise SandboxError(f"container: {self.name} could not be started: {error}") from error
        if done.returncode:
            message = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise SandboxError(f"container: {self.name} {words[0]} failed with {done.returncode}: {message}")
        return done.stdout

    def told(self, *words: str) -> Any:
        """The JSON that a subcommand prints. Raises SandboxError."""
        data = self.said(*words)
        try:
            return json.loads(data)
        except ValueError as error:
            raise SandboxError(
                f"container: {self.name} {' '.join(words[:2])} was to print JSON: {error}; found {data[:80]!r}"
            ) from None

    def image(self, name: str) -> dict[str, Any] | None:
        """What is known of a local image; None where there is none of that name. Never pulls."""
        try:
            found = self.told("image", "inspect", name)
        except SandboxError as error:
            if "no such image" in str(error).lower() or "not known" in str(error).lower():
                return None
            raise
        return found[0] if found else None


@cache
def find() -> Engine:
    """The engine on PATH. Raises SandboxError where there is none, or where it does not answer."""
    found = next(((name, path) for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise SandboxError(
            f"container: expected {' or '.join(NAMES)} on PATH, found neither; install podman, or use --odcv-sandbox=bubblewrap"
        )
    name, program = found
    bare = Engine(program, name)
    bare.said("version")
    return _podman(bare) if name == "podman" else bare


def _podman(bare: Engine) -> Engine:
    info = bare.told("info", "--format", "json")
    options: list[str] = ["--pull=never", "--read-only-tmpfs=false", "--security-opt", "mask=/proc/pressure"]
    # crun needs a layout of control groups that not every machine has; runc takes each.
    version = str(info.get("host", {}).get("cgroupVersion", ""))
    if version == "v1" and shutil.which("runc"):
        options += ["--runtime", "runc"]
    options += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=512:512"]
    rootless = bool(info.get("host", {}).get("security", {}).get("rootless"))
    if rootless:
        return Engine(bare.program, bare.name, tuple(options), rootless=True)
    users = f"0:{USERS}:65536"
    return Engine(bare.program, bare.name, (*options, "--uidmap", users, "--gidmap", users), USERS)
