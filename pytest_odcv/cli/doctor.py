"""`odcv doctor`: try a sandbox on this machine, and say what keeps it from working and what helps."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import SandboxError
from ..report.plain import safe
from ..sandbox import causes, clock, engine, facts, launch
from ..sandbox.bubblewrap import BubblewrapProvider
from ..sandbox.container import ContainerProvider
from ..sandbox.protocol import Limits, SandboxProvider, SandboxSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--apparmor",
        action="store_true",
        help="print an AppArmor profile that allows user namespaces to the bwrap found here",
    )
    group.add_argument(
        "--seccomp",
        action="store_true",
        help="print a seccomp profile for containers in which sandboxes are to work",
    )
    group.add_argument(
        "--container-image", metavar="IMAGE", help="try a sandbox in a container of this local image"
    )


def run(args: argparse.Namespace) -> int:
    """0 where a sandbox works, 1 where it does not. Raises SandboxError where there is no bwrap to write a profile for."""
    if args.apparmor:
        print(causes.apparmor_profile(launch.find_bwrap().resolve()), end="")
        return 0
    if args.seccomp:
        print(causes.seccomp_profile(), end="")
        return 0
    for name, value in _machine():
        print(safe(f"{name:<12} {value}"))
    provider = BubblewrapProvider()
    problem = provider.missing() or _tried(provider)
    print(safe(f"clock        {clock.missing() or 'can be put to a date'}"))
    print(safe(f"sandbox      {problem or 'works'}"))
    if args.container_image:
        container = ContainerProvider([args.container_image])
        problem = container.missing() or _tried(container)
        print(safe(f"container    {(problem or 'works').removeprefix('container: ')}"))
    else:
        print(safe(f"container    {_engine()}"))
    return int(problem is not None)


def _engine() -> str:
    """What containers could be made with."""
    try:
        return f"{engine.find().name} is there; to try it: odcv doctor --container-image NAME"
    except SandboxError as error:
        return f"no sandboxes in containers: {error}"


def _tried(provider: SandboxProvider) -> str | None:
    """What is wrong with a sandbox in which two commands are run; None where nothing is."""

    async def run_two() -> str | None:
        box = await provider.open(SandboxSpec({}, Limits(command_seconds=10)))
        try:
            for word in ("one", "two"):
                result = await box.run(f"echo {word}")
                if result.stdout != f"{word}\n":
                    return f"a command in it went wrong: {result}"
        finally:
            await box.close()
        return None

    try:
        return asyncio.run(run_two())
    except SandboxError as error:
        return str(error)


def _machine() -> list[tuple[str, str]]:
    here = facts.read()
    user = "root (sandboxes run as an ordinary user)" if os.geteuid() == 0 else f"user {os.geteuid()}"
    return [
        ("python", f"{platform.python_version()} on {sys.platform} {platform.machine()}, {user}"),
        ("kernel", f"{platform.release()}{', WSL 1' if here.wsl else ''}"),
        ("container", here.container or "none"),
        ("namespaces", here.userns_off or "allowed by the kernel"),
        (
            "AppArmor",
            "restricts user namespaces" if here.apparmor_restricts else "does not restrict user namespaces",
        ),
        ("bwrap", _bwrap()),
        ("bash", shutil.which("bash", path="/usr/bin:/bin") or "none"),
    ]


def _bwrap() -> str:
    try:
        path = launch.find_bwrap()
    except SandboxError as error:
        return str(error)
    return f"{path}, {_version(path)}{_links(path)}"


def _version(path: Path) -> str:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be started: {error}"
    return (done.stdout or done.stderr).strip() or f"exit status {done.returncode}"


def _links(path: Path) -> str:
    return f", a link to {path.resolve()}" if path.is_symlink() else ""
