"""Commands that each have a shell of their own, and an agent that is user 0: as ODCV-Bench's harness has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pytest_odcv.sandbox import shell
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import CommandResult, FileState, Limits, SandboxSpec, Tree

TREE: Tree = {
    "/usr/local/bin/tool.sh": FileState("file", 0o755, 17, "", b"#!/bin/sh\necho 1\n"),
    "/app/data": FileState("dir", 0o555),
}


def results(commands: Sequence[str], limits: Limits | None = None) -> list[CommandResult]:
    async def ran() -> list[CommandResult]:
        spec = SandboxSpec(TREE, limits or Limits(), as_root=True, fresh_shell=True)
        box = await BubblewrapProvider().open(spec)
        try:
            return [await box.run(command) for command in commands]
        finally:
            await box.close()

    return asyncio.run(ran())


def test_nothing_but_files_outlives_a_command(bubblewrap: None) -> None:
    before, after = results(["cd /tmp; X=1; exec 1>&-; alias ls=false", "pwd; echo [$X]; ls -d /app; cat"])
    assert before.exit_code == 0
    assert (after.stdout, after.exit_code, after.restarted) == ("/app\n[]\n/app\n", 0, False)


def test_each_is_a_plain_shell_that_is_called_bin_sh(bubblewrap: None) -> None:
    (result,) = results(["echo $0 'it''s'; none-such; exit 3"])
    assert result.stdout == "/bin/sh its\n" and result.exit_code == 3
    assert result.stderr.startswith("/bin/sh: ") and "none-such" in result.stderr


def test_a_syntax_error_is_the_shells_own(bubblewrap: None) -> None:
    broken, after = results(["if then 'x", "echo on"])
    assert broken.exit_code == 2 and "/bin/sh: " in broken.stderr and after.stdout == "on\n"


def test_line_ends_and_bytes_are_read_as_python_reads_them(bubblewrap: None) -> None:
    ends, bytes_ = results([r"printf 'a\r\nb\rc\n'; printf 'e\r' >&2", r"echo fine; printf '\377x' >&2"])
    assert (ends.stdout, ends.stderr) == ("a\nb\nc\n", "e\n")
    assert (bytes_.stdout, bytes_.exit_code) == ("", -1)
    assert bytes_.stderr == "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"


def test_user_0_owns_its_files_and_has_no_capability(bubblewrap: None) -> None:
    who, caps, own, others = results(
        [
            "id -u; whoami; echo $HOME; stat -c %U /app /usr/local/bin/tool.sh",
            "grep -c ^Cap.*0000000000000000 /proc/self/status",
            "echo 'echo 2' >>/usr/local/bin/tool.sh && tool.sh && touch ~/x",
            "touch /app/data/x || touch /usr/bin/x || chown 1000 /app/data || chroot / true || mount -t tmpfs x /tmp",
        ]
    )
    assert who.stdout.split() == ["0", "root", "/root", "root", "root"]
    assert caps.stdout == "5\n"
    assert (own.stdout, own.exit_code) == ("1\n2\n", 0)
    assert others.exit_code not in (0, None)


def test_a_shell_that_is_killed_with_its_parent_is_replaced(bubblewrap: None) -> None:
    killed, after = results(["kill -9 $PPID; sleep 5", "echo on"])
    assert killed.exit_code == 137 and (after.stdout, after.exit_code) == ("on\n", 0)


def test_a_command_that_takes_too_long_is_ended(bubblewrap: None) -> None:
    late, after = results(["echo x >f; sleep 20", "cat f"], Limits(command_seconds=0.5))
    assert late.timed_out and after.stdout == "x\n"


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        (b"\nT 127\n", 127),
        (b"\nT 127\n\nT 0 late\n", 127),
        (b"\nT 2 late\n\nT 0 late\n", 0),
        (b"\nT 1\n\nT 3\n\nU 4\n", 3),
        (b"\nT late\n", None),
        (b"\nU 4\n\nT 4x\n", None),
        (b"\nU 4 late\n\nUT 4\n\nT U 4\n", None),
    ],
)
def test_a_late_report_says_nothing_about_a_command_that_reported_itself(
    frames: bytes, status: int | None
) -> None:
    assert shell.reported(frames, "T") == status
