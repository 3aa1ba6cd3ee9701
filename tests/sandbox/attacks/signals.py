"""Attacks on the processes that keep the sandbox: the supervisor, the shell, and the harness behind them."""

from __future__ import annotations

from tests.sandbox.attacks.kit import CALLS, IMPATIENT, Attack, Scene, never, refused


def _as_usual(scene: Scene) -> None:
    assert scene.result.stdout.endswith("as usual\n") and not scene.result.restarted, scene.result


def _restarted(code: int | None) -> object:
    def check(scene: Scene) -> None:
        assert (scene.result.restarted, scene.result.exit_code) == (True, code), scene.result

    return check


ATTACKS = (
    Attack("kill everything", "kill -9 -1; echo as usual", _as_usual),
    Attack("kill everything from a child", "bash -c 'kill -9 -1'; echo no", _restarted(137)),
    Attack("kill process 1", "kill -9 1; kill 1; kill -9 $PPID; echo as usual", _as_usual),
    Attack(
        "every signal to process 1",
        "for s in $(seq 64); do kill -$s 1 2>/dev/null; done; sleep 0.1; echo as usual",
        _as_usual,
    ),
    Attack(
        "every signal to process 1 by other ways",
        CALLS
        + """
information = (ctypes.c_char * 128)()
information[8] = b"\\xff"
for number in (10, 12, 18):
    call(f"tkill{number}", 200, 130, 1, number)
    call(f"tgkill{number}", 234, 131, 1, 1, number)
    call(f"queue{number}", 129, 138, 1, number, information)
    call(f"pidfd{number}", 424, 424, os.pidfd_open(1), number, 0, 0)
call("setpgid", 109, 154, 0, 1)
call("setsig", 72, 25, 0, 10, 12)
""",
        refused(
            *(f"{name}{number}" for name in ("tkill", "tgkill", "queue", "pidfd") for number in (10, 12, 18)),
            "setpgid",
            "setsig",
        ),
        python=True,
    ),
    Attack(
        "signals to the own group",
        "trap : USR1 USR2; kill -USR1 0; kill -USR2 0; kill -CONT 0; echo as usual",
        _as_usual,
    ),
    Attack("kill the shell", "kill -9 $$", _restarted(137)),
    Attack("stop the shell", "kill -STOP $$", _restarted(None), IMPATIENT),
    Attack("stop everything", "bash -c 'kill -STOP -1'", _restarted(None), IMPATIENT),
    Attack("end the shell by a signal it does not expect", "kill -SEGV $$", _restarted(139)),
    Attack(
        "a survivor that kills every new shell",
        "(trap '' TERM; for i in $(seq 50); do sleep 0.02; kill -9 $$; done) >/dev/null 2>&1 & sleep 0.2; echo no",
        _restarted(137),
    ),
    Attack(
        "process numbers of the host",
        "for p in $(seq 2 3000) ; do kill -9 $p; done 2>/dev/null; echo no",
        lambda scene: never("no\n")(scene),
    ),
)
