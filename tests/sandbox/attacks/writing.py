"""Attacks that want to change what is the host's. Nothing named @MARK@ may be on the host afterwards."""

from __future__ import annotations

from tests.sandbox.attacks.kit import CALLS, Attack, Scene, fails, never, refused
from tests.sandbox.host import SYSCTLS


def _no_devices(scene: Scene) -> None:
    assert not [path for path, state in scene.tree().items() if state.kind == "other"], scene.result
    assert "MADE" not in scene.said


def _only_its_score(scene: Scene) -> None:
    """User 0 can offer process 1 to the kernel when memory is short, and lose its sandbox and the trial with it. That is all."""
    assert scene.as_root or scene.result.exit_code not in (0, None), scene.result


ATTACKS = (
    Attack(
        "kernel settings",
        f"for f in {' '.join(SYSCTLS)}; do echo 7 >/proc/sys/$f && echo WROTE; done",
        never("WROTE"),
    ),
    Attack("the sysctl program", "/usr/sbin/sysctl -w vm.swappiness=7 kernel.hostname=x", fails),
    Attack(
        "anything in /proc that can be written to",
        "find /proc -mindepth 1 -maxdepth 3 -path '/proc/[0-9]*' -prune -o -path '/proc/self' -prune -o "
        "-path '/proc/thread-self' -prune -o -type f -writable -print 2>/dev/null | grep .",
        fails,
    ),
    # h only prints a help text, should it be let through.
    Attack("sysrq", "echo h >/proc/sysrq-trigger", fails),
    Attack(
        "process 1 through /proc", "echo 1000 >/proc/1/oom_score_adj || echo x >/proc/1/comm", _only_its_score
    ),
    Attack(
        "files in system folders",
        "for d in / /bin /dev /etc /lib /run /run/shell /usr /usr/bin /usr/lib /usr/local /home /var /proc /proc/sys; do "
        "touch $d/@MARK@ && echo MADE $d; mkdir $d/@MARK@ && echo MADE $d; done",
        never("MADE"),
    ),
    Attack(
        "files in the host's open folders",
        "mkdir -p @FOLDER@; for d in /tmp /var/tmp /dev/shm /home/agent; do echo x >$d/@MARK@; done; echo x >@FILE@",
        lambda scene: None,
    ),
    Attack(
        "system files",
        "for f in /etc/passwd /etc/hosts /usr/bin/env /bin/sh /run/init; do echo x >>$f && echo WROTE; done",
        never("WROTE"),
    ),
    Attack(
        "the shell's own executable",
        "chmod 777 /run/init || mv /run/init /run/x || cp /bin/true /run/init || cat /run/init",
        fails,
    ),
    Attack("mounting", "mount -t tmpfs x /tmp || mount --bind /app /usr || mount -t proc x /app", fails),
    Attack(
        "remounting writable",
        "mount -o remount,rw /usr || mount -o remount,rw /proc/sys || mount -o remount,size=1G /app",
        fails,
    ),
    Attack("unmounting", "umount -l /proc/sys || umount -l /usr/local || umount /app", fails),
    Attack(
        "mounting by system calls",
        CALLS
        + """
call("mount", 165, 40, b"x", b"/tmp", b"tmpfs", 0, 0)
call("umount2", 166, 39, b"/proc/sys", 2)
call("pivot_root", 155, 41, b"/app", b"/app")
call("open_tree", 428, 428, -100, b"/usr", 1)
call("move_mount", 429, 429, -100, b"/app", -100, b"/tmp", 0)
call("fsopen", 430, 430, b"tmpfs", 0)
call("mount_setattr", 442, 442, -100, b"/usr", 0, 0, 0)
""",
        refused("mount", "umount2", "pivot_root", "open_tree", "move_mount", "fsopen", "mount_setattr"),
        python=True,
    ),
    Attack("another root folder", "chroot /app /bin/true || pivot_root /app /app", fails),
    Attack(
        "making device nodes",
        "for n in 'a b 254 0' 'c c 1 1' 'd c 5 1'; do mknod $n && echo MADE; done",
        _no_devices,
    ),
    Attack("the host name", "hostname evil || echo evil >/proc/sys/kernel/hostname", fails),
    Attack("the clock", "date -s 2001-01-01", fails),
    Attack("immutable files", "touch f; chattr +i f", fails),
)
