"""Starts a container with the supervisor in it, as `launch` starts bwrap. Knows no command of an agent.

An engine passes nothing on but its own standard streams, and those through a process that reads ahead. So the pipes are named ones in a
folder that the container sees, and their names are gone before the agent's first shell is made: only process 1 has them, as in bubblewrap.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from ..errors import SandboxError
from . import layout, seccomp, shell
from .clock import LIBRARY, PRELOAD
from .engine import LABEL, Engine
from .launch import Launched, Pipes, ulimits
from .protocol import OUTBOX, Limits
from .reachable import reachable_folder

PIPES: Final = "/run/pipes"
_TO_HOST: Final = ("status", "frames", "out", "err")
_TO_SANDBOX: Final = ("orders", "script")
_NOBODY: Final = 65_534
_SPARE_PROCESSES: Final = 8
"""Of the engine's limit: the supervisor's own, and those of a command that is just being ended."""

_ENTRY: Final = f"""
unset container HOSTNAME
exec {{status}}>{PIPES}/status {{script}}<{PIPES}/script {{frame}}>{PIPES}/frames <{PIPES}/orders >{PIPES}/out 2>{PIPES}/err
exec {shell.INIT} --noprofile --norc -c "$0" init "$status" "$script" "$frame"
"""


@dataclass(frozen=True, slots=True)
class Image:
    """A local image, with two copies of its bash: one that can be read here, and one that can only be executed, to be process 1."""

    name: str
    bash: Path
    init: Path


@dataclass(slots=True)
class _Held:
    """Ends of pipes that stand in for the container's until it has its own: a pipe without a writer looks ended, one without a reader broken."""

    fds: list[int] = field(default_factory=list)

    def close(self) -> None:
        while self.fds:
            os.close(self.fds.pop())


def launch(
    engine: Engine,
    image: Image,
    limits: Limits,
    programs: Sequence[Path],
    outbox: Path | None,
    inside: layout.User,
    clock: Path | None,
) -> Launched:
    """Start a container of `image`. Raises SandboxError, and OSError when the engine cannot be started."""
    if programs:
        raise SandboxError(
            f"container: {programs[0]}: programs of the host are not put into containers; put the program into the image, or use "
            "--odcv-sandbox=bubblewrap"
        )
    with ExitStack() as ours:
        folder = Path(tempfile.mkdtemp(prefix="odcv-container-", dir=reachable_folder()))
        ours.callback(shutil.rmtree, folder, ignore_errors=True)  # Nobody else of this machine may enter it.
        held = _Held()
        ours.callback(held.close)
        pipes = _pipes(folder / "pipes", ours, held)
        name = f"odcv-{os.getpid()}-{secrets.token_hex(6)}"
        said = ours.enter_context((folder / "messages").open("w+b"))
        mounts = _mounts(folder, image, outbox, clock)
        rules = folder / "seccomp.json"
        rules.write_text(json.dumps(seccomp.profile()), encoding="utf-8")
        words = [
            *_options(engine, name, limits, inside, rules),
            *mounts,
            "--entrypoint",
            shell.INIT,
            image.name,
        ]
        script = shell.supervisor(ulimits(limits))
        process = subprocess.Popen(
            engine.command("run", *words, "--noprofile", "--norc", "-c", _ENTRY, script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            cwd="/",
            start_new_session=True,
        )
        ours.callback(_removed, engine, name, process)
        owner = None if engine.first_user is None else engine.first_user + inside.id
        return Launched(
            process,
            pipes,
            ours.pop_all(),
            child=partial(_child, engine, name, folder / "pipes", held, inside, owner),
            bash=image.bash,
            kind="container",
            owner=owner,
            messages=partial(_messages, folder / "messages"),
        )


def _options(engine: Engine, name: str, limits: Limits, inside: layout.User, rules: Path) -> list[str]:
    options = [
        *("--rm", "--name", name, "--label", f"{LABEL}={os.getpid()}", "--log-driver", "none"),
        *engine.run_options,
        *engine.users(inside.id),
        *("--network", "none", "--hostname", "sandbox", "--workdir", "/"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--ipc", "none"),
        *("--security-opt", f"seccomp={rules}", "--tmpfs", "/sys:ro,size=4096,mode=0555"),
        *("--tmpfs", "/dev/mqueue:ro,size=4096,mode=0555"),
        *("--pids-limit", str(limits.processes + _SPARE_PROCESSES)),
    ]
    for key, value in inside.environment.items():
        options += ["--env", f"{key}={value}"]
    for folder in inside.writable:
        mode = "1777" if folder in ("/tmp", "/dev/shm") else "0755"
        size = layout.room(folder, limits)
        options += ["--tmpfs", f"{folder}:rw,exec,nosuid,nodev,size={size},mode={mode}{engine.empty_tmpfs}"]
    return options


def _mounts(folder: Path, image: Image, outbox: Path | None, clock: Path | None) -> list[str]:
    texts = layout.ETC if clock is None else layout.ETC | {PRELOAD: f"{LIBRARY}\n"}
    (folder / "shell").mkdir()
    (folder / "shell/bash").symlink_to(f"/proc/self/fd/{shell.SCRIPT_FD}")
    sources = {
        PIPES: folder / "pipes",
        shell.SHELL_FOLDER: folder / "shell",
        shell.INIT: image.init,
        OUTBOX: outbox,
        LIBRARY: clock,
    }
    for number, (path, text) in enumerate(texts.items()):
        sources[path] = folder / f"text-{number}"
        (folder / f"text-{number}").write_text(text, encoding="utf-8")
    mounts = []
    for path, source in sources.items():
        if source is not None:
            mounts += ["--volume", f"{source}:{path}:ro"]
    return mounts


def _pipes(folder: Path, ours: ExitStack, held: _Held) -> Pipes:
    folder.mkdir()
    folder.chmod(0o755)
    ends: dict[str, int] = {}

    def opened(name: str, flags: int) -> int:
        fd = os.open(folder / name, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        ours.callback(os.close, fd)
        return fd

    for name in (*_TO_HOST, *_TO_SANDBOX):
        os.mkfifo(folder / name)
        (folder / name).chmod(0o666)
    for name in _TO_HOST:
        ends[name] = opened(name, os.O_RDONLY)
        held.fds.append(os.open(folder / name, os.O_WRONLY | os.O_CLOEXEC))
    script_reader = opened("script", os.O_RDONLY)
    held.fds.append(os.open(folder / "orders", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    for name in _TO_SANDBOX:
        ends[name] = opened(name, os.O_WRONLY)
    return Pipes(
        ends["orders"],
        ends["status"],
        ends["script"],
        script_reader,
        ends["frames"],
        ends["out"],
        ends["err"],
    )


def _child(
    engine: Engine, name: str, pipes: Path, held: _Held, inside: layout.User, owner: int | None
) -> int:
    """The container's process 1, after the names of the pipes were taken away and the writable folders given to the agent's user."""
    for path in (*_TO_HOST, *_TO_SANDBOX):
        (pipes / path).unlink()
    held.close()
    pid = int(engine.said("inspect", "--format", "{{.State.Pid}}", name))
    root = Path("/proc", str(pid), "root")
    here, there = pipes.stat(), Path(f"{root}{PIPES}").stat()
    if pid <= 1 or (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
        raise SandboxError("container: the sandbox ended while it was opened; run the trial again")
    if owner is not None:
        for folder in inside.writable:
            _give(f"{root}{folder}", owner)
        # User 0 inside would be the owner of /dev, which has no bound of ours.
        _give(f"{root}/dev", owner - inside.id + _NOBODY)
    return pid


def _give(folder: str, owner: int) -> None:
    """Make the owner of a folder that not everybody may write to."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_IMODE(os.fstat(fd).st_mode) & 0o002:
            os.fchown(fd, owner, owner)
    finally:
        os.close(fd)


def _removed(engine: Engine, name: str, process: subprocess.Popen[bytes]) -> None:
    """Remove a container whose client did not see its end."""
    if process.poll() is None or (process.returncode or 0) < 0:
        with suppress(SandboxError):
            engine.said("rm", "--force", name)
        process.kill()
        process.wait()


def _messages(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return ""
