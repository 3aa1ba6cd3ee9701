"""The two pieces of bash inside a sandbox, and the text that passes between them and the host.

Process 1 is the supervisor: a bash that takes `start` from the host and three signals (end, stop or continue every
other process), and says on the status pipe what happened. Its executable cannot be read by the agent's user,
so the kernel keeps the agent from its memory, its descriptors and from tracing it; as process 1 of
its namespace it does not get signals it has no handler for, SIGKILL among them.

Its child is the agent's shell, `bash --noprofile --norc`, which reads its script from a pipe. For each command the
host writes a `step` into that pipe: the command inside `eval`, and on the same line the printing of a random token and the
exit status on the frame pipe. Being one line, it is parsed before any of it runs, so that nothing is left in the pipe for the
command to read. The frame pipe is closed for the command, and its children cannot reach the shell's descriptors; but bash keeps a
copy of it for itself, and a trap of the agent's runs beside the report. So a report is believed only when `shell_state` has seen that the
shell has returned from the command. What an agent can still do from within its own shell is lie about its own command's exit
status, which `true` does as well. Whatever breaks the shell is seen by the supervisor, or by the time limit, and a new shell is made.

This module does no input or output.
"""

from __future__ import annotations

import re
from signal import SIGCONT, SIGUSR1, SIGUSR2
from typing import Final

INIT: Final = "/run/init"
"""The executable of the supervisor and the shell, inside the sandbox."""
SHELL_FOLDER: Final = "/run/shell"
"""Holds `bash`, a link to the script pipe: bash calls itself in its messages what its script is called."""

SCRIPT_FD: Final = 200
FRAME_FD: Final = 201
OUT_FD: Final = 202
ERR_FD: Final = 203
OPEN_FILES: Final = 256
"""Descriptors a process of the agent may have open. The shell has its own in the upper part, out of the way."""

START: Final = b"start\n"
START_WITHOUT_CORES: Final = b"start 0\n"
"""With a limit of 0 on core files, where the host could not set one."""
LEAVE: Final = b"leave\n"
END_ALL: Final = SIGUSR1
STOP_ALL: Final = SIGUSR2
CONTINUE_ALL: Final = SIGCONT

_IGNORED: Final = "HUP INT QUIT ILL TRAP ABRT BUS FPE SEGV SYS PIPE ALRM TERM XCPU XFSZ VTALRM PROF"


def supervisor(limits: dict[str, int]) -> str:
    """The script of process 1; its arguments are the descriptors of status, script and frame pipe, then others to close.

    `limits` has arguments for bash's `ulimit`, e.g. `{"u": 64}`. They are set on the agent's shell and not on the
    supervisor; that of core files comes with `start` unless the host has set it.
    """
    set_limits = "; ".join(f"ulimit -{letter} {value} || exit 126" for letter, value in limits.items())
    return rf"""
umask 022
exec {{messages}}>&2 2>/dev/null
# Their numbers are the host's, which may be any, those of the shell's own descriptors among them: bash gives low free ones.
exec {{status}}>&"$1" {{script}}<&"$2" {{frame}}>&"$3"
for fd; do exec {{fd}}>&-; done
say() {{ printf '%s\n' "$*" >&"$status"; }}
trap '' {_IGNORED}
trap 'kill -KILL -1; say ended' USR1
trap 'kill -STOP -1; say stopped' USR2
trap 'kill -CONT -1; say continued' CONT
say ready
while read -r order core && [ "$order" = start ]; do
  # A process group of its own, so that a signal to the group does not reach this process.
  set -m
  (
    set +m
    trap - {_IGNORED} USR1 USR2 CONT
    exec {SCRIPT_FD}<&"$script" {FRAME_FD}>&"$frame" {OUT_FD}>&1 {ERR_FD}>&"$messages" 2>&"$messages"
    exec {{status}}>&- {{script}}<&- {{frame}}>&- {{messages}}>&- </dev/null
    [ -z "$core" ] || ulimit -c "$core" || exit 126
    {set_limits}
    unset SHLVL
    cd {SHELL_FOLDER} && exec {INIT} --noprofile --norc bash
  ) &
  shell=$!
  say made "$shell"
  set +m
  # A signal ends `wait` early; the last one gives the exit status, also of a shell that is gone.
  while wait "$shell"; kill -0 "$shell"; do :; done
  wait "$shell"
  say gone $?
done
"""


PROLOGUE_COMMANDS: Final = 3


def prologue() -> str:
    """What a new shell runs before the first command: `PROLOGUE_COMMANDS` commands."""
    return f"exec {SCRIPT_FD}<&-\ncd /app\nunset OLDPWD\n"


def problem(command: str, most_bytes: int) -> str | None:
    """Why bash cannot be given `command`, or None when it can."""
    try:
        size = len(command.encode())
    except UnicodeEncodeError:
        return "The command is not valid Unicode."
    if "\0" in command:
        return "The command has a NUL in it."
    return f"The command has {size} bytes, more than {most_bytes}." if size > most_bytes else None


def step(command: str, token: str, last_status: int) -> bytes:
    """The script text that runs `command` and then reports `token` with its exit status: one command on one line, see above.

    `last_status` is what `$?` says when the command begins. A descriptor that is missing afterwards ends the
    shell, since no further command could be run in it. Names are quoted against aliases and
    called through `builtin` against functions.
    """
    before = {0: "", 1: "! [[ x ]]; "}.get(last_status, f"(\\builtin exit {last_status}); ")
    quoted = "'" + command.replace("'", "'\\''") + "'"
    hidden = f"{FRAME_FD}>&- {OUT_FD}>&- {ERR_FD}>&-"
    run = f"\\builtin eval {quoted} </dev/null >&{OUT_FD} 2>&{ERR_FD} {hidden}; "
    # In braces, so that a part of the line that is left when a trap has read its beginning is a syntax error. Not as the first word: after a
    # syntax error within `eval` bash 5.2 does not know a reserved word there.
    return f"\\builtin : && {{ {before}{run}{_report(token)}; }}\n".encode()


def fresh(command: str) -> str:
    """The command that runs `command` in a shell of its own, which the kept one starts and nothing changes."""
    quoted = "'" + command.replace("'", "'\\''") + "'"
    return f"(\\builtin exec /bin/sh -c {quoted})"


def late_report(token: str) -> bytes:
    """The script text that reports when bash has dropped the rest of a step, as it does for a syntax error within `eval`. On a busy machine it is
    given too where the step has only not begun, and then comes after the step's own report, with that one's exit status."""
    return f"{_report(token, _LATE)}\n".encode()


_LATE: Final = " late"


def _report(token: str, late: str = "") -> str:
    return f"\\builtin printf '\\n%s %s{late}\\n' {token} \"$?\" >&{FRAME_FD} 4>&{OUT_FD} 5>&{ERR_FD} || \\builtin exit"


def reported(data: bytes, token: str) -> int | None:
    """The exit status that the last frame in `data` reports for `token`, or None while there is none."""
    wanted = token.encode()
    found = [(status, late) for given, status, late in _FRAME.findall(data) if given == wanted]
    own = [status for status, late in found if not late]
    return int((own or [status for status, _ in found])[-1]) if found else None


# One pattern for all tokens: to compile one takes longer than all else that is done about a report.
_FRAME: Final = re.compile(rb"^([^ \n]+) (\d{1,3})( late)?$", re.MULTILINE)
