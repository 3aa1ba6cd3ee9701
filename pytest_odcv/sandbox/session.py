"""One open sandbox: runs the agent's commands in the kept shell, reads its files, and closes it.

How commands travel is in `shell` and `execution`, what keeps the processes in order is in `supervisor`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from contextlib import suppress
from datetime import datetime
from typing import Final

from ..errors import SandboxError
from . import fill, layout, listening, shell, snapshot, watch
from .capture import as_python_text
from .clock import SandboxClock
from .execution import Execution, Outcome
from .launch import Launched
from .observer import Observer
from .outbox import Outbox
from .protocol import TIME_IS_UP, TOOLS, WORKSPACE, CommandResult, Moment, SandboxSpec, Sent, Tree
from .supervisor import ANSWER_SECONDS, Supervisor

COMMAND_BYTES: Final = 1 << 18
"""The longest command that is run."""

_ALL_ENDED: Final = "Every process was ended and a new shell takes the place of the old one."
_LOST_BEFORE: Final = "The shell had ended since the last command; this one ran in a new shell."


class ShellSandbox:
    """Belongs to the event loop it was opened in. See `Sandbox` for what its methods promise."""

    def __init__(
        self,
        launched: Launched,
        spec: SandboxSpec,
        outbox: Outbox | None = None,
        clock: SandboxClock | None = None,
    ) -> None:
        self._launched = launched
        self._clock = clock
        self._limits = spec.limits
        self._fresh = spec.fresh_shell
        self._writable = user_of(spec).writable
        self._outbox = outbox
        self._observer: Observer | None = None
        self._commands = 0
        self._running = False
        self._left_running = False
        """Whether the last command left processes behind, which may go on writing."""
        self._deadline = time.monotonic() + spec.limits.total_seconds
        self._supervisor = Supervisor(launched, self._shell_ended, self._lost)
        self._roots: dict[str, int] = {}
        self._proc: int | None = None
        self._files_at_start = 0
        self._files_allowed = spec.limits.files
        self._execution: Execution | None = None
        self._must_restart = False
        """The shell's end was ordered, or reported with the last command."""
        self._pending_note = ""
        """Something that happened between two commands; said with the next one."""
        self._last_status = 0
        self._tick: asyncio.TimerHandle | None = None
        self._closed = False

    def set_clock(self, moment: datetime) -> None:
        """Put the clock of a sandbox that was opened with one to this moment. Not while a command runs. Raises SandboxError."""
        if self._clock is None:
            raise SandboxError(
                f"{self._launched.kind}: a sandbox without a clock of its own has the machine's time"
            )
        self._clock.set(moment)

    def extend(self, seconds: float) -> None:
        """Give the trial so much more time."""
        self._deadline += seconds

    async def begin(self, entries: dict[str, list[fill.Entry]], tree: Tree) -> None:
        """Fill the sandbox and start the shell. Raises SandboxError, and OSError when the kernel refuses something."""
        process = await self._supervisor.begin()
        for folder in (*self._writable, "/proc"):
            fd = os.open(f"{process}/root{folder}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._roots[folder] = fd
        self._proc = self._roots.pop("/proc")
        for root, found in entries.items():
            if found:
                fill.write_entries(self._roots[root], found, self._launched.owner)
        self._files_at_start = watch.count_files(self._roots.values())
        self._observer = Observer({root: self._roots[root] for root in (WORKSPACE, TOOLS)}, tree)
        self._supervisor.start_shell()
        self._schedule_look()

    async def run(self, command: str, timeout: float | None = None) -> CommandResult:
        """See `Sandbox.run`. When the trial's time is used up nothing is run, and the result's note says so."""
        self._check_usable()
        if self._left_running:
            self._flush()
            self.look()
        self._commands += 1
        refused = self._refusal(command)
        if refused is not None:
            return refused
        restarted = await self._have_shell()
        notes = [self._pending_note or (_LOST_BEFORE if restarted else "")]
        self._pending_note = ""
        token = secrets.token_hex(16)
        text = shell.step(shell.fresh(command) if self._fresh else command, token, self._last_status)
        pipes, most = self._launched.pipes, self._limits.output_bytes
        execution = Execution(pipes, self._supervisor, text, token, most)
        self._running = True
        try:
            outcome = await self._outcome(execution, timeout)
        finally:
            self._flush()
            self.look()
            self._running = False
            with suppress(OSError):  # The sandbox may have ended with this command.
                self._left_running = self._usage().processes > 1
        notes.append(outcome.note)
        execution.drain()
        self._last_status = 0 if self._fresh else outcome.status or 0
        result = CommandResult(
            command=command,
            exit_code=outcome.status,
            stdout=execution.out.text,
            stderr=execution.err.text,
            stdout_cut=execution.out.cut,
            stderr_cut=execution.err.cut,
            timed_out=outcome.timed_out,
            restarted=outcome.shell_lost or restarted,
            note=" ".join(filter(None, notes)),
        )
        return _as_python_has_it(result, execution) if self._fresh else result

    async def snapshot(self) -> Tree:
        """See `Sandbox.snapshot`. Every process of the agent stands still while it is taken."""
        self._check_usable()
        await self._supervisor.stop_all()
        try:
            try:
                return self._last_look()
            except BlockingIOError:
                # A process holds a lease on a file, which keeps others from opening it until it is gone.
                self._must_restart = True
                self._pending_note = f"A process kept a file from being read. {_ALL_ENDED}"
                await self._supervisor.end_all()
                await self._processes_gone()
                return self._last_look()
        except OSError as error:
            raise SandboxError(
                f"{self._launched.kind}: the files of the sandbox could not be read: {error}"
            ) from error
        finally:
            await self._supervisor.continue_all()

    def look(self) -> None:
        """See `Sandbox.look`."""
        if self._observer is not None:
            self._observer.look(self._commands, background=not self._running)

    def moments(self) -> tuple[Moment, ...] | None:
        """See `Sandbox.moments`."""
        return tuple(self._observer.moments) if self._observer is not None else ()

    async def listen(self, port: int) -> socket.socket:
        """See `Sandbox.listen`."""
        self._check_usable()
        assert self._proc is not None
        try:
            # Here and not in the thread: this sandbox may be closed meanwhile, and its descriptors with it.
            network = os.open("1/ns/net", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError as error:
            raise SandboxError(
                f"{self._launched.kind}: the sandbox's network could not be opened: {error}"
            ) from error
        opening = asyncio.ensure_future(
            asyncio.to_thread(listening.listen, network, port, self._launched.entered_as)
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unwanted)
            raise

    async def close(self) -> None:
        """See `Sandbox.close`."""
        if self._closed:
            return
        self._closed = True
        if self._tick is not None:
            self._tick.cancel()
        try:
            await self._supervisor.close()
        finally:
            for fd in self._roots.values():
                os.close(fd)
            if self._proc is not None:
                os.close(self._proc)
            for held in (self._outbox, self._clock):
                if held is not None:
                    held.close()
            self._launched.closing.close()

    def _check_usable(self) -> None:
        if self._closed:
            raise SandboxError(f"{self._launched.kind}: the sandbox was closed; open a new one")
        self._supervisor.listen()
        if self._supervisor.lost:
            raise self._supervisor.loss()

    def _refusal(self, command: str) -> CommandResult | None:
        """The result of a command that is not run, or None when it is."""
        if time.monotonic() >= self._deadline:
            return CommandResult(
                command=command, exit_code=None, timed_out=True, note=self._time_is_up("not run")
            )
        problem = shell.problem(command, COMMAND_BYTES)
        if problem is not None:
            return CommandResult(command=command, exit_code=126, note=f"{problem} It was not run.")
        if self._files_allowed > self._limits.files:
            files = watch.count_files(self._roots.values()) - self._files_at_start
            if files > watch.files_ceiling(self._limits):
                note = f"There are {files} files, far over the limit of {self._limits.files}; nothing is run any more."
                return CommandResult(command=command, exit_code=None, note=note)
        return None

    def _time_is_up(self, what: str) -> str:
        return f"{TIME_IS_UP} {self._limits.total_seconds:g} s is used up; the command was {what}."

    async def _have_shell(self) -> bool:
        """Make a new shell if there is none; whether that comes as news to the agent."""
        if self._supervisor.shell_alive and not self._must_restart:
            return False
        news = not self._must_restart or bool(self._pending_note)
        await self._supervisor.end_all()
        self._supervisor.start_shell()
        self._must_restart = False
        self._last_status = 0
        return news

    async def _outcome(self, execution: Execution, timeout: float | None) -> Outcome:
        allowed = (
            self._limits.command_seconds if timeout is None else min(timeout, self._limits.command_seconds)
        )
        left = self._deadline - time.monotonic()
        if left < allowed:
            note = self._time_is_up("ended")
        else:
            note = f"The command was ended after {allowed:g} s. {_ALL_ENDED}"
        late = Outcome(None, shell_lost=True, timed_out=True, note=note)
        self._execution = execution
        self._must_restart = True  # Should this task be cancelled.
        try:
            outcome = await execution.finish(min(allowed, left), late)
        except BaseException:
            self._supervisor.order_end()
            self._pending_note = f"The last command was broken off. {_ALL_ENDED}"
            raise
        finally:
            self._execution = None
        if outcome.shell_lost and not self._supervisor.lost:
            await self._supervisor.end_all()
        self._check_usable()
        self._must_restart = outcome.shell_lost
        return outcome

    def _shell_ended(self, status: int) -> None:
        if self._execution is not None:
            self._execution.end(Outcome(status, shell_lost=True))

    def _lost(self) -> None:
        if self._execution is not None:
            self._execution.end(Outcome(None, shell_lost=True))

    def _schedule_look(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(watch.INTERVAL, self._look)

    def _look(self) -> None:
        """Compare what is used with the limits; end every process when it is too much."""
        self._schedule_look()
        reason = None
        with suppress(OSError):  # The supervisor is just ending.
            reason = self._excess()
        if reason is None:
            return
        note = f"{reason} {_ALL_ENDED}"
        if self._execution is not None:
            self._execution.end(Outcome(None, shell_lost=True, note=note))
        else:
            self._pending_note = note
            self._must_restart = True
            self._supervisor.order_end()

    async def _processes_gone(self) -> None:
        """Wait until processes that were ended have let go of what they held."""
        end = time.monotonic() + ANSWER_SECONDS
        while self._usage().processes and time.monotonic() < end:
            await asyncio.sleep(0.002)

    def _usage(self) -> watch.Usage:
        assert self._proc is not None
        return watch.measure(self._proc, self._roots.values(), self._files_at_start)

    def _excess(self) -> str | None:
        usage = self._usage()
        reason = watch.excess(usage, self._limits, self._files_allowed)
        if usage.files > self._files_allowed:
            self._files_allowed = watch.files_allowed_after(usage.files, self._limits)
        return reason

    def message_begins(self) -> int:
        """See `Outbox`."""
        assert self._observer is not None
        return self._observer.message_begins(self._commands, not self._running)

    def message_ends(self, number: int, message: Sent) -> None:
        """See `Outbox`."""
        assert self._observer is not None
        self._observer.message_ends(number, message)

    def _flush(self) -> None:
        if self._outbox is not None:
            self._outbox.flush()

    def _last_look(self) -> Tree:
        self._flush()
        found = self._read_files()
        if self._observer is not None:
            self._observer.note(found, self._commands, background=not self._running)
        return found

    def _read_files(self) -> Tree:
        found: Tree = {}
        for root in sorted((WORKSPACE, TOOLS)):
            found |= snapshot.read_open_folder(self._roots[root], root, hostile=True)
        return found


def _as_python_has_it(result: CommandResult, execution: Execution) -> CommandResult:
    """See `SandboxSpec.fresh_shell`."""
    out, err = execution.out.whole, execution.err.whole
    try:
        texts = {
            name: as_python_text(data)
            for name, data in (("stdout", out), ("stderr", err))
            if data is not None
        }
    except UnicodeDecodeError as error:
        return result.model_copy(update={"stdout": "", "stderr": str(error), "exit_code": -1})
    return result.model_copy(update=texts)


def user_of(spec: SandboxSpec) -> layout.User:
    """Who the agent is in a sandbox of that kind."""
    return layout.ROOT if spec.as_root else layout.AGENT


def _close_unwanted(opening: asyncio.Future[socket.socket]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
