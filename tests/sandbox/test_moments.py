"""What a sandbox sees over time: the states that files went through, and what was sent and cannot be taken back."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.outbox import CHANNEL_BYTES, MESSAGES
from pytest_odcv.sandbox.protocol import CommandResult, FileState, Moment, SandboxSpec, Tree

pytestmark = pytest.mark.usefixtures("sandbox")


def file(text: str) -> FileState:
    return FileState("file", 0o644, len(text), hashlib.sha256(text.encode()).hexdigest(), text.encode())


SHIPPED: Tree = {"/app/a.txt": file("one\n"), "/app/b.txt": file("two\n")}


def seen(
    commands: Sequence[str], channels: tuple[str, ...] = ("regulator", "client")
) -> tuple[list[CommandResult], tuple[Moment, ...]]:
    async def run() -> tuple[list[CommandResult], tuple[Moment, ...]]:
        box = await BubblewrapProvider().open(SandboxSpec(SHIPPED, channels=channels))
        try:
            results = [await box.run(command) for command in commands]
            await box.snapshot()
            return results, box.moments() or ()
        finally:
            await box.close()

    return asyncio.run(run())


def contents(moments: Sequence[Moment], path: str) -> list[tuple[int, bytes | None]]:
    return [
        (moment.command, None if (state := moment.changes[path]) is None else state.data)
        for moment in moments
        if path in moment.changes
    ]


def sent(moments: Sequence[Moment]) -> list[tuple[int, str, str]]:
    return [(m.command, m.sent.channel, m.sent.text) for m in moments if m.sent is not None]


def test_each_state_of_a_file_is_kept_with_its_command() -> None:
    _, moments = seen(
        ["echo three >> a.txt", "true", "rm a.txt", "ln -s b.txt a.txt; echo x > /usr/local/bin/t"]
    )
    assert contents(moments, "/app/a.txt") == [(1, b"one\nthree\n"), (3, None), (4, None)]
    assert moments[-1].changes["/app/a.txt"] is not None
    assert moments[-1].changes["/app/a.txt"].target == "b.txt"
    assert contents(moments, "/usr/local/bin/t") == [(4, b"x\n")]


def test_edits_of_one_tick_of_the_clock_and_with_times_put_back_are_seen() -> None:
    commands = [f"printf 'on{letter}\\n' > a.txt; touch -r b.txt a.txt" for letter in "abcdefgh"]
    _, moments = seen(commands)
    assert contents(moments, "/app/a.txt") == [(n, f"on{x}\n".encode()) for n, x in enumerate("abcdefgh", 1)]


def test_what_a_process_does_between_two_commands_is_told_apart() -> None:
    async def run() -> tuple[Moment, ...]:
        box = await BubblewrapProvider().open(SandboxSpec(SHIPPED, channels=("client",)))
        try:
            await box.run("(sleep 0.2; echo late > late.txt; echo hello > /outbox/client) &")
            await asyncio.sleep(0.6)
            await box.run("sleep 0.4 & true")
            await box.snapshot()
            return box.moments() or ()
        finally:
            await box.close()

    moments = asyncio.run(run())
    late = [moment for moment in moments if "/app/late.txt" in moment.changes]
    assert [(moment.command, moment.background) for moment in late] == [(1, True)]
    assert [text.strip() for _, _, text in sent(moments)] == ["hello"]


def test_a_message_has_left_and_the_files_of_that_moment_are_known() -> None:
    _, moments = seen(
        ["echo 0.98 > paper; printf 'rate 0.98\\nyours' > /outbox/regulator; sleep 0.05; rm paper"]
    )
    assert sent(moments) == [(1, "regulator", "rate 0.98\nyours")]
    assert contents(moments, "/app/paper") == [(1, b"0.98\n"), (1, None)]
    (message,) = [moment for moment in moments if moment.sent]
    assert message.changes["/app/paper"] is not None


def test_messages_end_with_a_form_feed_or_with_their_command() -> None:
    _, moments = seen(["printf 'one\\ftwo\\f' > /outbox/client; printf three > /outbox/client", "true"])
    assert sent(moments) == [(1, "client", "one"), (1, "client", "two"), (1, "client", "three")]


@pytest.mark.parametrize(
    "attempt",
    [
        "cat /outbox/client",
        "rm -f /outbox/client",
        "mv /outbox/client /tmp/",
        "chmod 666 /outbox/client",
        "echo x > /outbox/other",
        "exec 9>/outbox/client; cat /proc/self/fd/9",
        "mkdir /tmp/o; mount --bind /tmp/o /outbox",
        "ln -sf /tmp/x /outbox/client",
    ],
)
def test_nobody_inside_can_read_remove_or_replace_a_channel(attempt: str) -> None:
    results, moments = seen([attempt, "echo still > /outbox/client"])
    assert results[0].exit_code != 0
    assert sent(moments)[-1] == (2, "client", "still\n")


def test_what_is_too_much_is_counted_and_nobody_waits() -> None:
    size = 3 * CHANNEL_BYTES
    results, moments = seen([f"head -c {size} /dev/zero | tr '\\0' x > /outbox/client; echo done"])
    assert results[0].stdout == "done\n"
    texts = [moment.sent for moment in moments if moment.sent is not None]
    assert sum(len(found.text) + found.cut for found in texts) == size and texts[-1].cut > 0


def test_a_writer_that_stays_keeps_nobody_waiting() -> None:
    results, moments = seen(["exec 7>/outbox/client; echo first >&7", "echo second >&7", "exec 7>&-"])
    assert [result.exit_code for result in results] == [0, 0, 0]
    assert sent(moments) == [(1, "client", "first\n"), (2, "client", "second\n")]


def test_without_channels_there_is_no_outbox() -> None:
    results, moments = seen(["ls /outbox"], ())
    assert results[0].exit_code != 0 and sent(moments) == []


def test_a_file_that_a_process_keeps_from_being_read_hides_no_other() -> None:
    lease = "import fcntl,time; f=open('/app/a.txt'); fcntl.fcntl(f, 1024, 1); open('/app/ready','w').close(); time.sleep(20)"
    results, moments = seen(
        [
            f'python3 -c "{lease}" & while [ ! -e ready ]; do sleep 0.02; done; echo 0.98 > b.txt',
            "echo two > b.txt",
        ]
    )
    if "not found" in results[0].stderr:
        pytest.skip("needs python3 in the sandbox")
    assert contents(moments, "/app/b.txt") == [(1, b"0.98\n"), (2, b"two\n")]


def test_the_folder_for_temporary_files_may_be_out_of_the_sandboxs_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _, moments = seen(["echo hello > /outbox/client"])
    assert sent(moments) == [(1, "client", "hello\n")] and not list(tmp_path.iterdir())


def test_of_more_changes_than_anybody_reads_only_the_number_is_known() -> None:
    many = "for i in {1..8}; do mkdir -p d$i; (cd d$i && seq 1 1400 | xargs touch); done"
    _, moments = seen([many, "for f in d*/*; do echo $f > $f; done; echo x > /outbox/client"])
    assert sum(len(moment.changes) for moment in moments) < 20_000
    assert sum(moment.cut for moment in moments) >= 11_200 and sent(moments) == [(2, "client", "x\n")]


def test_messages_over_the_limit_and_blanks_before_them_hide_none() -> None:
    flood = "for i in {1..300}; do printf 'n %s\\f' $i; done > /outbox/client; echo 0.98 > /outbox/client"
    blanks = "head -c 1100000 /dev/zero | tr '\\0' '\\f' > /outbox/regulator; echo 0.98 > /outbox/regulator"
    _, moments = seen([flood, blanks])
    of = {
        name: [m.sent for m in moments if m.sent and m.sent.channel == name]
        for name in ("client", "regulator")
    }
    assert [found.text for found in of["client"]] == [f"n {n}" for n in range(1, MESSAGES + 1)]
    assert of["client"][-1].cut > 0 and not any(found.cut for found in of["client"][:-1])
    assert [(found.text, found.cut > 0) for found in of["regulator"]] == [("", True)]
    assert len(moments) < 2 * MESSAGES
