"""What a sandbox must do, and nothing about how.

A provider opens one sandbox for each trial. Inside it the workspace of the scenario is /app, its tools
are /usr/local/bin, one bash is kept open so that `cd`, variables and files persist, and there is no
network, no host file, no host process and no privilege.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

WORKSPACE = "/app"
TOOLS = "/usr/local/bin"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one trial's sandbox. Sizes are bytes, times are seconds."""

    command_seconds: float = 30.0
    total_seconds: float = 900.0
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 30
    file_bytes: int = 64 << 20
    disk_bytes: int = 128 << 20
    files: int = 20_000
    processes: int = 64
    output_bytes: int = 32_768
    """Kept of each of stdout and stderr of a command: the first and the last half of this."""
    address_space_bytes: int | None = None
    """What a process may map, when that is to be more than `memory_bytes`: engines of JavaScript reserve far more than they use."""


class CommandResult(BaseModel):
    """One command of the agent and what it did.

    `stdout` and `stderr` are text: invalid UTF-8 is shown as `\\xNN` and NUL as `\\x00`. When output was over the
    limit, `stdout_cut`/`stderr_cut` count the bytes left out of the middle, and the text has a note there.
    `exit_code` is None when the command did not end by itself (`timed_out`, or killed at a limit, see `note`).
    `restarted` says that the shell was lost with this command and a new one stands in for it: files are kept,
    the working folder and the variables are not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: str
    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    stdout_cut: int = 0
    stderr_cut: int = 0
    timed_out: bool = False
    restarted: bool = False
    note: str = ""
    """One sentence of the sandbox to the agent and the reader, e.g. which limit was hit."""


TIME_IS_UP = "The trial's time of"
"""How a note begins that says that the trial's time is used up, in every kind of sandbox."""
_NOT_RUN = ("not run.", "nothing is run any more.")
"""How a note ends that says that a command was refused."""


def is_out_of_time(result: CommandResult) -> bool:
    """Whether the trial's time was used up with this command, or before it."""
    return result.timed_out and result.note.startswith(TIME_IS_UP)


def was_run(result: CommandResult) -> bool:
    """Whether the command ran at all: the sandbox refuses what comes too late, is no command or follows too many files."""
    return not result.note.endswith(_NOT_RUN)


@dataclass(frozen=True, slots=True)
class FileState:
    """One entry of the workspace or the tools as a snapshot found it. Links are recorded, never followed.

    `data` is None for anything but a regular file, and for a file over the snapshot's size bound.
    """

    kind: str
    """`file`, `dir`, `symlink` or `other` (device, socket, fifo)."""
    mode: int = 0
    """Permission bits, 0o000 to 0o7777."""
    size: int = 0
    sha256: str = ""
    """Of the whole content for a file (also where `data` is None), of the target for a symlink, else empty."""
    data: bytes | None = None
    target: str = ""
    """Where a symlink points."""
    unread: str = ""
    """Of a file without `data`: why it has none, in words for a person."""


Tree = dict[str, FileState]
"""Absolute path inside the sandbox (`/app/...`, `/usr/local/bin/...`) -> state, sorted by path."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that left the sandbox: nothing inside can change it, take it back or forge its place in the order."""

    channel: str
    text: str
    """Invalid UTF-8 is shown as `\\xNN`."""
    cut: int = 0
    """Bytes left out at the end, because the channel had carried too much."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a sandbox saw when it looked at its files: after a command, when a message left, or at a request of an agent that runs inside.

    `command` is the number of the command that was running or had just ended, from 1; 0 before the first. `changes` are the paths that are not
    as they were at the moment before, with their state; None for what is gone. `background` says that no command was running: a process that an
    earlier one had left did it. `sent` is the message that left at this moment, if one did.
    """

    command: int
    changes: Mapping[str, FileState | None] = field(default_factory=dict)
    background: bool = False
    sent: Sent | None = None
    cut: int = 0
    """Changed paths that are not among `changes`, because there were too many."""


OUTBOX = "/outbox"
"""Where a scenario's channels are inside: what is written to `/outbox/NAME` has left the house."""


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What to put into a new sandbox.

    `tree` holds the files of /app and /usr/local/bin, with their contents. `programs` are files and folders of the host that are there read-only under the path they have on the host, e.g. the
    folder of a CLI agent. `texts` are files to make in /tmp: path below it -> content. A message in a channel of the outbox ends with a form feed, or
    with the command that wrote it.
    """

    tree: Tree
    limits: Limits = field(default_factory=Limits)
    programs: tuple[Path, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    """Names of the outbox's channels."""
    as_root: bool = False
    """The agent is user 0 inside, the owner of its files, without any capability: it passes checks for root and has no right of root's."""
    fresh_shell: bool = False
    """Each command is a `/bin/sh -c` of its own in /app, as `subprocess.run(shell=True, text=True)` has it: nothing but files outlives it, line
    ends are made `\\n`, and where output is not UTF-8 the error of decoding takes the place of the whole result."""
    clock: datetime | None = None
    """What the time is inside when it opens, and goes on from. None: the machine's own. See `registry.opened`."""
    image: str | None = None
    """The container image that the scenario was written for, if it was for one; a sandbox that is no container has no use for it."""


class Sandbox(Protocol):
    """One open sandbox. Not to be used by two tasks at a time."""

    async def run(self, command: str, timeout: float | None = None) -> CommandResult:
        """Run `command` in the kept shell; `timeout` in seconds, at most and by default the limit's.

        Whatever the command does is a result. Raises SandboxError only when the sandbox itself is lost.
        """
        ...

    async def snapshot(self) -> Tree:
        """The present state of /app and /usr/local/bin. Raises SandboxError when it cannot be trusted."""
        ...

    def look(self) -> None:
        """Note what has changed since the last look, as the running command's doing. For a sandbox that sees nothing, do nothing."""
        ...

    def moments(self) -> tuple[Moment, ...] | None:
        """What was seen since the start, in order, `snapshot` included. None where this kind of sandbox does not look: rules
        that need more than the final state are then undecided, and their trials unscored."""
        ...

    async def listen(self, port: int) -> socket.socket:
        """A TCP socket that listens on 127.0.0.1:`port` of the sandbox's own network and is accepted on here; it does not block.

        The caller closes it. Raises SandboxError, e.g. when something inside has taken the port.
        """
        ...

    async def close(self) -> None:
        """End every process of the sandbox and give back what it holds. Never raises; may be called twice."""
        ...


class ClockedSandbox(Sandbox, Protocol):
    """What a sandbox is that was opened with a clock of its own."""

    def set_clock(self, moment: datetime) -> None:
        """Put the clock to this moment; not while a command runs. Raises SandboxError."""
        ...


class SandboxProvider(Protocol):
    """Opens sandboxes of one kind."""

    name: str

    def missing(self) -> str | None:
        """None when sandboxes can be opened here; else one sentence with the reason and the remedy."""
        ...

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """Raises SandboxError with the reason and the remedy."""
        ...
