"""A sandbox whose clock stands at a given date: every program and every file in it agrees, and nobody is told of it."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import bubblewrap, clock, launch, registry
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import CommandResult, FileState, Limits, Moment, SandboxSpec, Tree

from ..conftest import MINI

DATE = "2024-02-29T23:59:30Z"
DAY = "2024-02-29"


@pytest.fixture(autouse=True)
def compiler(bubblewrap: None) -> None:
    missing = clock.missing()
    if missing:
        pytest.skip(missing)


def ran(
    *commands: str, date: str = DATE, as_root: bool = False, tree: Tree | None = None
) -> tuple[list[CommandResult], Tree, tuple[Moment, ...]]:
    async def run() -> tuple[list[CommandResult], Tree, tuple[Moment, ...]]:
        spec = SandboxSpec(tree or {}, Limits(), as_root=as_root, fresh_shell=as_root, clock=clock.read(date))
        box = await registry.opened(BubblewrapProvider(), spec)
        try:
            results = [await box.run(command) for command in commands]
            return results, await box.snapshot(), box.moments() or ()
        finally:
            await box.close()

    return asyncio.run(run())


def printed(*commands: str, as_root: bool = False) -> list[str]:
    results = ran(*commands, as_root=as_root)[0]
    assert [(r.exit_code, r.stderr, r.note) for r in results] == [(0, "", "")] * len(commands), results
    return [result.stdout.strip() for result in results]


@pytest.mark.parametrize("as_root", [False, True], ids=["kept shell", "odcv-bench"])
def test_every_program_has_the_date(as_root: bool) -> None:
    programs = (
        "date +%F",
        "env -i date +%F",
        "bash -c \"printf '%(%F)T' -1\"",
        "bash -c 'date -d @$EPOCHSECONDS +%F'",
        "bash -c 'date -d @${EPOCHREALTIME%.*} +%F'",
        "awk 'BEGIN { srand(); print srand() }' | sed s/^/@/ | date -f - +%F",
        "python3 -c 'import datetime; print(datetime.date.today())'",
        'python3 -c \'import os; os.environ.clear(); os.execl("/usr/bin/date", "date", "+%F")\'',
        "perl -MPOSIX -e 'print strftime(\"%F\", gmtime)'",
    )
    assert printed(*programs, as_root=as_root) == [DAY] * len(programs)


def test_time_goes_on_from_the_date_and_other_clocks_are_the_machines() -> None:
    first, later, uptime = printed(
        "date +%s", "sleep 1.2; date +%s", "python3 -c 'import time; print(time.monotonic())'"
    )
    began = clock.read(DATE).timestamp()
    assert began <= float(first) <= began + 5 and 1 <= int(later) - int(first) <= 6
    assert abs(float(uptime) - time.monotonic()) < 20


def test_files_have_the_dates_at_which_they_were_written() -> None:
    shown = printed(
        "echo 1 > new; ls --full-time new | cut -d' ' -f6",
        "stat -c '%y %z %w %x' new | grep -o '[0-9]*-[0-9]*-[0-9]*' | sort -u",
        "python3 -c 'import os, time; s = os.stat(\"new\"); print(abs(s.st_mtime - time.time()) < 60)'",
        "python3 -c 'import os, time; s = [*os.scandir(\".\")][0].stat(); print(abs(s.st_mtime - time.time()) < 60)'",
        f"find . -name new -newermt {DAY} ! -newermt 2024-03-02; date -r new +%F",
        "touch -d 2020-01-02T03:04:05 old; stat -c %y old; ls --full-time old | cut -d' ' -f6",
        "touch -r old same; cp -p old kept; tar c old | tar x -C /tmp; stat -c %Y same kept /tmp/old | sort -u | sed s/^/@/ | date -f - +%FT%T",
        "python3 -c 'import os; os.utime(\"new\", (1e9, 1e9)); print(os.path.getmtime(\"new\"))'",
        "perl -e 'utime 1e9, 1e9, \"old\"; print((stat \"old\")[9])'",
        "[ old -nt /app ] || [ /app -nt old ] && echo ordered; touch old; stat -c %y old | cut -c1-10",
    )  # fmt: skip
    assert shown == [
        DAY, DAY, "True", "True", f"./new\n{DAY}", "2020-01-02 03:04:05.000000000 +0000\n2020-01-02", "2020-01-02T03:04:05",
        "1000000000.0", "1000000000", f"ordered\n{DAY}",
    ]  # fmt: skip


def test_what_is_waited_for_until_a_time_of_day_comes_at_that_time() -> None:
    waits = """python3 -c '
import ctypes, queue, threading, time
class At(ctypes.Structure): _fields_ = [("s", ctypes.c_long), ("n", ctypes.c_long)]
libc, room = ctypes.CDLL(None), ctypes.create_string_buffer(64)
def waited(of, *more):
    until, began = time.time() + 0.3, time.monotonic()
    of(*more, ctypes.byref(At(int(until), int(until % 1 * 1e9))))
    return 0.25 < time.monotonic() - began < 5
libc.sem_init(room, 0, 0)
print(waited(libc.sem_timedwait, room))
cond, mutex = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
libc.pthread_mutex_lock(mutex)
print(waited(libc.pthread_cond_timedwait, cond, mutex))
began = time.monotonic()
try: queue.Queue().get(timeout=0.3)
except queue.Empty: print(0.25 < time.monotonic() - began < 5)
'"""
    assert printed(waits, "timeout 0.2 sleep 9; echo $?") == ["True\nTrue\nTrue", "124"]


def test_the_clock_is_put_while_the_sandbox_is_open_and_dates_of_files_move_along() -> None:
    async def run() -> list[str]:
        box = await BubblewrapProvider().open(SandboxSpec({}, clock=clock.read(DATE)))
        try:
            seen = [(await box.run("echo > f; date +%F; sleep 60 & disown")).stdout]
            box.set_clock(datetime(2031, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC))
            # The kept shell has the library loaded since the sandbox was opened.
            result = await box.run(
                "date +%FT%T; printf '%(%FT%T)T\n' -1; touch -d @5.9 g; stat -c %.1Y g; date -r f +%F"
            )
            return seen + result.stdout.splitlines()
        finally:
            await box.close()

    moved = "2031-05-06T07:08:09"
    assert asyncio.run(run()) == [f"{DAY}\n", moved, moved, "5.9", "2031-05-06"]


def test_nothing_is_left_on_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(clock, "reachable_folder", lambda: "/tmp")
    before = set(Path("/tmp").glob("odcv-clock-*"))
    assert printed("ls -l --time-style=+%F /run/clock.so | cut -d' ' -f6") == [DAY]
    assert set(Path("/tmp").glob("odcv-clock-*")) <= before


def test_an_ordinary_user_can_put_the_clock_that_it_made() -> None:
    """Root may write to any file."""
    script = (
        "import os; from pytest_odcv.sandbox import clock; clock.missing(); os.getuid() or (os.setgid(60999), os.setuid(60999));"
        "made = clock.SandboxClock(clock.read('2024-02-29')); before = made.path.read_bytes();"
        "made.set(clock.read('2025-02-28')); print(before != made.path.read_bytes()); made.close(); print(made.path.exists())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/")
    assert (done.stdout.split(), done.stderr) == (["True", "False"], "")


def test_nothing_in_the_environment_or_among_the_agents_files_is_the_clocks() -> None:
    seen = printed(
        "env | grep -ic 'preload\\|fake\\|clock'; true", "ls -A /dev/shm /tmp ~ /app | grep -v :$; true"
    )
    assert seen == ["0", ""]
    (changed,) = ran("echo x 2>&1 >> /etc/ld.so.preload || rm -f /run/clock.so || echo no")[0]
    assert changed.stdout.endswith("no\n")


def test_the_timeline_sees_each_change_whatever_dates_an_agent_gives_its_files() -> None:
    tree: Tree = {"/app/a": FileState("file", 0o644, 2, hashlib.sha256(b"1\n").hexdigest(), b"1\n")}
    _, after, moments = ran(
        "cat a; date", "echo 2 > a; touch -d 2020-01-01 a", "echo 3 > a; touch -d 2020-01-01 a", tree=tree
    )
    assert [(m.command, [s and s.data for s in m.changes.values()]) for m in moments] == [
        (2, [b"2\n"]),
        (3, [b"3\n"]),
    ]
    assert after["/app/a"].data == b"3\n"


BUILTIN = """
static int run(void *words) { return 0; }
struct { char *name; int (*run)(void *); int flags; char **help; char *usage, *handle; } forge_struct = {"forge", run, 1, 0, "", 0};
"""


@pytest.mark.parametrize("place", ["/app/forge", "/usr/local/bin/forge"])
@pytest.mark.parametrize("date", [None, DATE])
def test_code_that_an_agent_loads_into_its_shell_is_found(
    tmp_path: Path, place: str, date: str | None
) -> None:
    source, made = tmp_path / "forge.c", tmp_path / "forge"
    source.write_text(BUILTIN)
    subprocess.run([*clock._compilers()[0], "-shared", "-fPIC", "-nostdlib", "-o", made, source], check=True)
    data = made.read_bytes()
    tree: Tree = {place: FileState("file", 0o755, len(data), hashlib.sha256(data).hexdigest(), data)}

    async def load() -> None:
        spec = SandboxSpec(tree, clock=clock.read(date) if date else None)
        box = await BubblewrapProvider().open(spec)
        try:
            await box.run(f"enable -f {place} forge; echo")
            await box.run("echo later")
        finally:
            await box.close()

    with pytest.raises(SandboxError, match="loaded code of its own into its shell"):
        asyncio.run(load())


def open_at(date: str) -> None:
    asyncio.run(registry.opened(BubblewrapProvider(), SandboxSpec({}, clock=clock.read(date))))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process."""
    monkeypatch.setattr(bubblewrap, "_clock_works", [])
    clock._compiled.cache_clear()


@pytest.mark.parametrize(
    ("compilers", "says"),
    [
        ([], "needs a C compiler, and there is none; install a C compiler"),
        ([["/bin/false"]], "could not be compiled with /bin/false: exit status 1; install a C compiler"),
        ([["/none/cc"]], "No such file"),
        ([["/bin/cp", "/etc/hostname"]], "could not be compiled"),
    ],
)
def test_without_a_compiler_no_sandbox_is_opened(
    monkeypatch: pytest.MonkeyPatch, fresh: None, compilers: list[list[str]], says: str
) -> None:
    monkeypatch.setattr(clock, "_compilers", lambda: compilers)
    with pytest.raises(SandboxError, match="clock is to stand at 2024-02-29T23:59:30Z") as error:
        open_at(DATE)
    clock._compiled.cache_clear()
    assert says in str(error.value)


def test_programs_that_do_not_follow_the_clock_are_no_sandbox(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(launch, "PRELOAD", "/etc/hosts")
    with pytest.raises(
        SandboxError, match="do not follow its clock: expected 2001-02-03 of bash and of date"
    ):
        open_at(DATE)


def test_a_kind_of_sandbox_that_has_no_clock_is_refused() -> None:
    class Other:
        name = "other"

        def missing(self) -> str | None:
            return None

        async def open(self, spec: SandboxSpec) -> object:
            raise AssertionError

    spec = SandboxSpec({}, clock=clock.read(DATE))
    with pytest.raises(SandboxError, match="sandboxes of the kind other have no clock"):
        asyncio.run(registry.opened(Other(), spec))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-07", datetime(2026, 4, 7, 12, tzinfo=UTC)),
        ("2026-04-07T14:30", datetime(2026, 4, 7, 14, 30, tzinfo=UTC)),
        ("2026-04-07 14:30:05Z", datetime(2026, 4, 7, 14, 30, 5, tzinfo=UTC)),
    ],
)
def test_dates_and_moments_are_read_in_utc(text: str, moment: datetime) -> None:
    assert clock.read(text) == moment
    assert clock.read(clock.spelled(moment)) == moment


@pytest.mark.parametrize(
    "text",
    ["", "today", "2026-04", "2026-02-30", "07.04.2026", "2026-04-07T25:00Z", "2026-04-07T14:30+02:00", "1969-12-31", "2200-01-01", "@0"],
)  # fmt: skip
def test_anything_else_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date or a moment in UTC, 2026-04-07 or"):
        clock.read(text)


def test_the_doctor_says_whether_a_clock_can_be_put(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0 and "clock        can be put to a date" in capsys.readouterr().out
    monkeypatch.setattr(clock, "missing", lambda: "no compiler here")
    assert main(["doctor"]) == 0 and "clock        no compiler here" in capsys.readouterr().out


def test_a_scenario_with_a_clock_is_checked_at_its_date_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "alpha"
    shutil.copytree(MINI / "alpha", folder)
    with (folder / "scenario.yaml").open("a") as file:
        file.write("clock: 2024-02-29\n")
    play = folder / "playbooks/honest.yaml"
    play.write_text(
        play.read_text().replace("bash: report}", "bash: '[ $(date +%F) = 2024-02-29 ] && report'}")
    )
    assert main(["check", "--quick", str(folder)]) == 0, capsys.readouterr().out
    monkeypatch.setattr(clock, "missing", lambda: "no compiler here")
    assert main(["check", "--quick", str(folder)]) == 2
    assert "its clock is to stand at 2024-02-29T12:00:00Z: no compiler here" in capsys.readouterr().err
