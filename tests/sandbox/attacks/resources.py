"""Attacks that want to use up the machine. Each is bounded by itself, well above the sandbox's limits."""

from __future__ import annotations

from dataclasses import replace

from tests.sandbox.attacks.kit import CALLS, IMPATIENT, LIMITS, Attack, Scene, fails, never, refused

_KEPT_OUTPUT = LIMITS.output_bytes + 200


def _bomb_is_small(scene: Scene) -> None:
    scene.box.wait(0.3)
    assert len(scene.box.processes()) <= LIMITS.processes + 2


def _ended_for(word: str, limits: str = "limit") -> object:
    def check(scene: Scene) -> None:
        assert scene.result.exit_code is None and scene.result.restarted, scene.result
        assert word in scene.result.note and limits in scene.result.note, scene.result

    return check


def _disk_is_bounded(scene: Scene) -> None:
    sizes = [int(word) for word in scene.result.stdout.split()]
    assert len(sizes) == 5 and sum(sizes) <= LIMITS.disk_bytes // 1024, scene.result


def _output_was_cut(scene: Scene) -> None:
    result = scene.result
    assert len(result.stdout) <= _KEPT_OUTPUT and len(result.stderr) <= _KEPT_OUTPUT
    assert result.stdout_cut > 90_000_000 and result.stderr_cut > 90_000_000
    assert scene.box.memory() < 100 * 1024


def _survivors_are_seen(scene: Scene) -> None:
    assert scene.result.exit_code == 0 and len(scene.box.processes()) >= 5, scene.result


def _no_core(scene: Scene) -> None:
    assert not [path for path in scene.tree() if "core" in path], scene.result


def _timed_out(scene: Scene) -> None:
    assert (scene.result.timed_out, scene.result.exit_code) == (True, None)
    assert scene.result.stdout == "before\n"


def _limits_hold(scene: Scene) -> None:
    assert "RAISED" not in scene.said and scene.result.stdout.split() == ["32", "262144", "8192", "10", "256"]


ATTACKS = (
    Attack(
        "a fork bomb",
        "ulimit -u 300; ulimit -t 3; bomb() { bomb | bomb & }; bomb 2>/dev/null",
        _bomb_is_small,
        replace(LIMITS, command_seconds=5),
    ),
    Attack(
        "a thread bomb",
        """
import threading, time
for _ in range(200):
    threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
print("MADE")
""",
        never("MADE"),
        python=True,
    ),
    Attack("memory of one process", "print(len(bytearray(1 << 29)), 'GOT')", never("GOT"), python=True),
    Attack(
        "memory of one process that may map more",
        """
import time
held = [bytearray(1 << 20) for _ in range(600)]
time.sleep(1)
print(len(held), "GOT")
""",
        lambda scene: (_ended_for("memory")(scene), never("GOT")(scene)),
        replace(LIMITS, address_space_bytes=1 << 36),
        python=True,
    ),
    Attack(
        "memory of many processes",
        """
import os, time
for _ in range(6):
    if os.fork() == 0:
        block = b"x" * (80 << 20)
        time.sleep(3)
        os._exit(0)
time.sleep(3)
""",
        _ended_for("memory"),
        python=True,
    ),
    Attack(
        "memory of processes whose first thread is gone",
        """
import ctypes, os, threading, time
def hold():
    block = b"x" * (80 << 20)
    time.sleep(3)
    os._exit(0)
for _ in range(6):
    if os.fork() == 0:
        threading.Thread(target=hold).start()
        ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)
time.sleep(3)
""",
        _ended_for("memory"),
        python=True,
    ),
    Attack(
        "memory in sockets",
        """
import os, socket, time
for _ in range(4):
    if os.fork() == 0:
        pairs = [socket.socketpair() for _ in range(100)]
        for pair in pairs:
            pair[0].setblocking(False)
            pair[0].send(bytes(100_000))
        time.sleep(3)
        os._exit(0)
time.sleep(3)
""",
        _ended_for("sockets"),
        python=True,
    ),
    Attack(
        "memory that belongs to no process",
        CALLS
        + """
call("memfd_create", 319, 279, b"x", 0)
call("memfd_secret", 447, 447, 0)
call("shmget", 29, 194, 0, 1 << 20, 0o1600)
call("msgget", 68, 186, 0, 0o1600)
call("semget", 64, 190, 0, 100, 0o1600)
call("mq_open", 240, 180, b"q", 0o102, 0o600, 0)
""",
        refused("memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open"),
        python=True,
    ),
    Attack(
        "filling every writable folder",
        "for d in /app /tmp /usr/local/bin ~ /dev/shm; do for i in 1 2 3 4 5; do head -c 8000000 /dev/zero "
        ">$d/f$i; done 2>/dev/null; df -k --output=used $d | tail -1; done",
        _disk_is_bounded,
    ),
    Attack("one large file", "head -c 20M /dev/zero >f; ls -l f; truncate -s 1T g", fails),
    Attack(
        "many files",
        """
import os, time
os.mkdir("many")
for number in range(60_000):
    open(f"many/{number}", "w").close()
    if number % 5_000 == 0:
        time.sleep(0.12)
""",
        _ended_for("files"),
        python=True,
    ),
    Attack(
        "a flood of output",
        "yes | head -c 100M & yes | head -c 100M >&2; wait",
        _output_was_cut,
    ),
    Attack("output of one endless line", "head -c 30M /dev/zero", lambda scene: None),
    Attack(
        "processor time of a child", "bash -c 'while :; do :; done'", fails, replace(LIMITS, cpu_seconds=1)
    ),
    Attack("a command that does not end", "echo before; sleep 30", _timed_out, IMPATIENT),
    Attack(
        "a loop of the shell that does not end",
        "echo before; for ((i = 0; i < 99999999; i++)); do :; done",
        _timed_out,
        IMPATIENT,
    ),
    Attack(
        "a command that resists its end",
        "echo before; (trap '' TERM INT HUP QUIT; sleep 30; sleep 30) & trap '' TERM INT; sleep 30; sleep 30",
        _timed_out,
        IMPATIENT,
    ),
    Attack(
        "survivors",
        "nohup sleep 60 & setsid sleep 60 & (setsid sleep 60 &) & sleep 60 & disown; (trap '' HUP TERM; sleep 60) &",
        _survivors_are_seen,
    ),
    Attack(
        "raising limits",
        "for o in u v f t n c; do ulimit -$o unlimited && echo RAISED; ulimit -H$o unlimited && echo RAISED; done; "
        "for o in u v f t n; do ulimit -$o; done",
        _limits_hold,
    ),
    Attack("a core file", "ulimit -c unlimited; bash -c 'kill -SEGV $$'; ls -a", _no_core),
    Attack(
        "a deep recursion of the shell",
        "ulimit -s 512; f() { f; }; f 2>/dev/null; echo no",
        lambda scene: None,
    ),
    Attack(
        "all descriptors",
        'for i in $(seq 10 190); do eval "exec $i</dev/null"; done; echo done',
        lambda scene: None,
    ),
)
