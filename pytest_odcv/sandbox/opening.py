"""Opens a sandbox: makes what is outside of it, has it started, fills it, and gives everything back when that fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..errors import SandboxError
from . import fill, layout, programs
from .clock import SandboxClock
from .launch import Launched
from .outbox import Outbox
from .protocol import TOOLS, WORKSPACE, Limits, SandboxSpec, Sent
from .session import ShellSandbox, user_of


class Launch(Protocol):
    """Starts a sandbox of one kind. Raises SandboxError, and OSError when its program cannot be started."""

    def __call__(
        self,
        limits: Limits,
        programs: Sequence[Path],
        outbox: Path | None,
        inside: layout.User,
        clock: Path | None,
    ) -> Launched: ...


async def start(spec: SandboxSpec, launch: Launch, kind: str, user: int | None) -> ShellSandbox:
    """A new sandbox with what `spec` puts into it. Raises SandboxError.

    Args:
        spec: Of the trial.
        launch: Starts it.
        kind: For messages, such as `bubblewrap`.
        user: The user here that must not reach more than the agent may, for a look at `spec.programs`; None for the one of this process.
    """
    limits = spec.limits
    for program in spec.programs:
        programs.check(program, user)
    entries = {
        root: fill.tree_entries(spec.tree, root, layout.room(root, limits)) for root in (WORKSPACE, TOOLS)
    }
    entries["/tmp"] = fill.text_entries(spec.texts)
    sandbox: ShellSandbox | None = None
    outbox: Outbox | None = None
    clock: SandboxClock | None = None

    def began() -> int:
        assert sandbox is not None  # Nobody writes before it is there.
        return sandbox.message_begins()

    def ended(number: int, message: Sent) -> None:
        assert sandbox is not None
        sandbox.message_ends(number, message)

    try:
        if spec.channels:
            outbox = Outbox(spec.channels, began, ended)
        folder = None if outbox is None else outbox.folder
        clock = None if spec.clock is None else SandboxClock(spec.clock)
        library = None if clock is None else clock.path
        launched = launch(limits, spec.programs, folder, user_of(spec), library)
        sandbox = ShellSandbox(launched, spec, outbox, clock)
        await sandbox.begin(entries, spec.tree)
    except BaseException as error:
        if sandbox is not None:
            await sandbox.close()
        else:
            for held in (outbox, clock):
                if held is not None:
                    held.close()
        if isinstance(error, OSError):
            raise SandboxError(f"{kind}: the sandbox could not be set up: {error}") from error
        raise
    return sandbox
