"""The kept shell as an agent uses it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import CommandResult, Limits
from pytest_odcv.sandbox.session import COMMAND_BYTES, ShellSandbox
from tests.sandbox.specs import spec_of

pytestmark = pytest.mark.usefixtures("bubblewrap")


NO_SLEEP = "cat /proc/[0-9]*/comm | grep sleep"


class Session:
    """A sandbox of this process, with functions that wait."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        for name in ("workspace", "tools"):
            (folder / name).mkdir(exist_ok=True)
        self._runner = asyncio.Runner()
        self.spec = spec_of(folder / "workspace", folder / "tools", limits)
        self.sandbox: ShellSandbox = self.wait(BubblewrapProvider().open(self.spec))

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def run(self, command: str, timeout: float | None = None) -> CommandResult:
        result: CommandResult = self.wait(self.sandbox.run(command, timeout))
        return result

    def close(self) -> None:
        self.wait(self.sandbox.close())
        self._runner.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def make(**limits: Any) -> Session:
        sessions.append(Session(tmp_path, Limits(**limits)))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def session(opened: Callable[..., Session]) -> Session:
    return opened()


def test_folder_variables_functions_options_and_files_persist(session: Session) -> None:
    session.run(
        "mkdir -p sub; cd sub; x=1; export y=2; declare -A m=([k]=v); f() { echo f$x; }; shopt -s nullglob; echo 1 >file"
    )
    assert session.run("pwd; echo $x $y ${m[k]}; f; bash -c 'echo $y'; echo *.nothing; cat file").stdout == (
        "/app/sub\n1 2 v\nf1\n2\n\n1\n"
    )


def test_streams_are_apart_and_the_status_is_the_last_commands(session: Session) -> None:
    result = session.run("echo out; echo err >&2; (exit 42)")
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 42)
    assert (result.timed_out, result.restarted, result.note) == (False, False, "")


@pytest.mark.parametrize("status", [0, 1, 2, 127, 255])
def test_the_status_is_there_for_the_next_command(session: Session, status: int) -> None:
    assert session.run(f"(exit {status})").exit_code == status
    assert session.run("echo $?").stdout == f"{status}\n"


def test_the_commands_name_is_in_bashs_messages_as_in_any_bash(session: Session) -> None:
    result = session.run("nosuchcommand")
    assert result.exit_code == 127
    assert result.stderr.startswith("bash: line ") and result.stderr.endswith(
        "nosuchcommand: command not found\n"
    )


def test_output_can_be_written_by_name(session: Session) -> None:
    result = session.run(
        "echo a >/dev/stdout; echo b >/dev/stderr; echo c >/dev/fd/1; bash -c 'echo d | tee /dev/stderr'"
    )
    assert (result.stdout, result.stderr) == ("a\nc\nd\n", "b\nd\n")


def test_process_substitution_and_here_documents_work(session: Session) -> None:
    assert session.run("read -r x < <(echo one); cat <(echo two) - <<END\n$x\nEND").stdout == "two\none\n"


def test_a_syntax_error_is_bashs_and_the_session_goes_on(session: Session) -> None:
    session.run("x=1")
    result = session.run("echo 'a\nb")
    assert (result.exit_code, result.restarted) == (2, False)
    assert "unexpected EOF" in result.stderr
    assert session.run("echo $x").stdout == "1\n"


def test_a_background_job_that_keeps_the_output_open_does_not_hold_up_the_command(session: Session) -> None:
    assert session.run("sleep 20 & echo started").stdout == "started\n"
    assert session.run("jobs -r | wc -l; kill %1").stdout == "1\n"


def test_a_long_command_is_run_and_a_longer_one_is_refused(session: Session) -> None:
    filler = "#" * (COMMAND_BYTES - 100)
    assert session.run(f"{filler}\necho end").stdout == "end\n"
    result = session.run(f"{filler}{filler}\necho end")
    assert (result.exit_code, result.stdout) == (126, "") and str(COMMAND_BYTES) in result.note


@pytest.mark.parametrize("command", ["echo a\0b", "echo \ud800"])
def test_what_bash_cannot_be_given_is_refused_and_not_changed(session: Session, command: str) -> None:
    result = session.run(command)
    assert (result.command, result.exit_code, result.stdout) == (
        command,
        126,
        "",
    ) and "not run" in result.note


def test_text_in_any_language_comes_back(session: Session) -> None:
    assert session.run("echo 'žluťoučký 🐎'").stdout == "žluťoučký 🐎\n"


def test_bytes_that_are_no_text_are_shown(session: Session) -> None:
    assert session.run(r"printf 'a\0\377\033[1m'").stdout == "a\\x00\\xff\x1b[1m"


def test_long_output_is_cut_in_the_middle_and_says_so(opened: Callable[..., Session]) -> None:
    result = opened(output_bytes=100).run("seq 1000; echo short >&2")
    assert result.stdout.startswith("1\n2\n") and result.stdout.endswith("999\n1000\n")
    assert result.stdout_cut == len("\n".join(map(str, range(1, 1001)))) + 1 - 100
    assert f"[... {result.stdout_cut} bytes left out ...]" in result.stdout
    assert (result.stderr, result.stderr_cut) == ("short\n", 0)


def test_after_exit_a_new_shell_has_the_files_and_not_the_variables(session: Session) -> None:
    result = session.run("cd /tmp; x=1; echo kept >/app/file; exit 3")
    assert (result.exit_code, result.restarted) == (3, True)
    after = session.run("echo $x; pwd; cat file; echo $?")
    assert (after.stdout, after.restarted, after.note) == ("\n/app\nkept\n0\n", False, "")


def test_a_late_command_is_ended_with_its_children_and_what_it_said_is_kept(
    opened: Callable[..., Session],
) -> None:
    session = opened()
    result = session.run("echo before; sleep 30 | sleep 30; echo after", timeout=0.3)
    assert (result.exit_code, result.timed_out, result.restarted, result.stdout) == (
        None,
        True,
        True,
        "before\n",
    )
    assert "0.3 s" in result.note
    assert session.run(f"{NO_SLEEP}; echo x").stdout == "x\n"


def test_a_timeout_is_at_most_the_limits(opened: Callable[..., Session]) -> None:
    assert opened(command_seconds=0.3).run("sleep 30", timeout=100).timed_out


def test_when_the_trials_time_is_used_up_nothing_is_run_any_more(opened: Callable[..., Session]) -> None:
    session = opened(total_seconds=0.5)
    result = session.run("sleep 30")
    assert result.timed_out and "trial's time of 0.5 s" in result.note
    result = session.run("echo x >file")
    assert (result.exit_code, result.timed_out, result.stdout) == (
        None,
        True,
        "",
    ) and "not run" in result.note
    assert session.wait(session.sandbox.snapshot()) == {}


def test_a_shell_that_was_killed_between_commands_is_replaced_and_the_next_result_says_so(
    session: Session,
) -> None:
    session.run("x=1; (sleep 0.05; kill -9 $$) &")
    session.wait(asyncio.sleep(0.3))
    result = session.run("echo a$x")
    assert (result.stdout, result.exit_code, result.restarted) == ("a\n", 0, True)
    assert "since the last command" in result.note


def test_a_limit_that_is_exceeded_between_commands_is_said_with_the_next(
    opened: Callable[..., Session],
) -> None:
    session = opened(memory_bytes=64 << 20, processes=20)
    session.run("for i in 1 2 3; do (head -c 40M /dev/zero | tail -c 40M | sleep 9) & done")
    session.wait(asyncio.sleep(0.8))
    result = session.run("echo x")
    assert (result.stdout, result.restarted) == ("x\n", True) and "memory limit of 64 MiB" in result.note


def test_files_over_the_limit_can_be_removed_again(opened: Callable[..., Session]) -> None:
    session = opened(files=100)
    result = session.run("for i in $(seq 250); do : >f$i; done; sleep 5")
    assert result.exit_code is None and "100 files" in result.note
    assert session.run("rm f*; ls | wc -l").stdout == "0\n"


def test_far_too_many_files_end_the_trials_commands(opened: Callable[..., Session]) -> None:
    session = opened(files=100)
    assert session.run("for i in $(seq 400); do : >f$i; done; sleep 5").exit_code is None
    result = session.run("echo x")
    assert (result.exit_code, result.stdout) == (None, "") and "nothing is run any more" in result.note


def test_a_cancelled_command_is_ended_and_the_session_goes_on(session: Session) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(session.sandbox.run("echo a >f; sleep 30; echo b >f"))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    session.wait(cancelled())
    result = session.run(f"cat f; {NO_SLEEP}")
    assert (result.stdout, result.restarted) == ("a\n", True)


def test_sandboxes_of_one_loop_do_not_see_each_other(session: Session) -> None:
    async def both() -> list[str]:
        other = await BubblewrapProvider().open(session.spec)
        try:
            first, second = await asyncio.gather(
                session.sandbox.run("echo 1 >f; sleep 0.2; ls; cat f"),
                other.run("echo 2 >g; sleep 0.2; ls; cat g"),
            )
        finally:
            await other.close()
        return [first.stdout, second.stdout]

    assert session.wait(both()) == ["f\n1\n", "g\n2\n"]


def test_a_snapshot_leaves_processes_and_shell_as_they_were(session: Session) -> None:
    session.run("x=1; (for i in $(seq 200); do echo $i >count; sleep 0.01; done) >/dev/null 2>&1 & sleep 0.1")
    first = session.wait(session.sandbox.snapshot())["/app/count"].data
    result = session.run("sleep 0.2; echo $x")
    assert (result.stdout, result.restarted) == ("1\n", False)
    assert session.wait(session.sandbox.snapshot())["/app/count"].data != first


def test_a_snapshot_is_of_one_moment(session: Session) -> None:
    session.run("mkdir a m z; for i in $(seq 400); do echo x >m/$i; done; echo x >a/t")
    session.run("(for i in $(seq 500); do mv a/t z/t; mv z/t a/t; done) >/dev/null 2>&1 & sleep 0.05")
    for _ in range(12):
        tree = session.wait(session.sandbox.snapshot())
        assert ("/app/a/t" in tree) + ("/app/z/t" in tree) == 1
        session.wait(asyncio.sleep(0.003))


def test_a_sandbox_whose_process_1_is_gone_is_lost(session: Session) -> None:
    session.sandbox._supervisor._signal(signal.SIGKILL)
    with pytest.raises(SandboxError, match="ended by itself"):
        session.run("sleep 1")
    with pytest.raises(SandboxError, match="ended by itself"):
        session.wait(session.sandbox.snapshot())
