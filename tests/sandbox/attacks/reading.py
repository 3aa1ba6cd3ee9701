"""Attacks that want to see what is the host's: files, environment, processes. The host's secret must not show."""

from __future__ import annotations

from tests.sandbox.attacks.kit import Attack, Scene, fails, never


def _few_processes(scene: Scene) -> None:
    numbers = [int(word) for word in scene.result.stdout.split()]
    assert 1 in numbers and len(numbers) < 12 and max(numbers) < 1000, scene.result


def _nothing_of_root(scene: Scene) -> None:
    first, _, homes = scene.result.stdout.partition("/home:")
    if scene.as_root:  # It is its own, and empty.
        assert (first.split(), homes.split()) == (["/root", "0"], []), scene.result
    else:
        assert (first.split(), homes.split()) == (["0"], ["agent"]), scene.result


SAFE_DEVICES = {
    "console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
    "urandom", "zero",
}  # fmt: skip


def _safe_devices(scene: Scene) -> None:
    assert set(scene.result.stdout.split()) <= SAFE_DEVICES, scene.result


def _no_data_behind_links(scene: Scene) -> None:
    tree = scene.tree()
    assert {tree[f"/app/{name}"].kind for name in ("secret", "outside", "root", "loop")} == {"symlink"}
    assert not [path for path in tree if path.startswith(("/app/root/", "/app/outside/"))]


def _race_is_lost(scene: Scene) -> None:
    for _ in range(15):
        scene.box.wait(0.005)
        for state in scene.tree().values():
            assert scene.host.secret.encode() not in (state.data or b"")


ATTACKS = (
    Attack(
        "the host's files by their paths", "cat @FILE@ /etc/shadow /etc/gshadow /root/.bash_history", fails
    ),
    Attack(
        "a search for the host's files",
        "find / -xdev -maxdepth 4 -name 'secret.txt' -exec cat {} + ; ls -d @FOLDER@",
        fails,
    ),
    Attack(
        "home folders of the host",
        "ls -d /root; ls -A /root | wc -l; echo /home:; ls /home",
        _nothing_of_root,
    ),
    Attack("passwords of the host", "cut -d: -f1 /etc/passwd | grep -vxE 'root|agent|nobody'", fails),
    Attack(
        "environment of the harness",
        "env; cat /proc/[0-9]*/environ /proc/*/task/*/environ 2>&1",
        lambda scene: None,
    ),
    Attack(
        "arguments of host processes",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
        never("pytest", "tests.sandbox"),
    ),
    Attack("host processes in /proc", "cd /proc; echo [0-9]*", _few_processes),
    Attack(
        "root and descriptors of process 1",
        "ls /proc/1/root/ /proc/1/cwd/ /proc/1/fd/ || cat /proc/1/fd/3",
        fails,
    ),
    Attack("memory maps of process 1", "cat /proc/1/maps /proc/1/mem /proc/1/auxv", fails),
    Attack(
        "descriptors left open by the harness",
        "for fd in /proc/self/fd/*; do readlink $fd; done",
        never("secret", "tests", "/root", "/run/user", "socket:", "memfd:"),
    ),
    Attack("device nodes", "ls /dev", _safe_devices),
    Attack(
        "memory and disks of the host",
        "for f in mem kmem port kmsg vda sda nvme0n1; do [ -e /dev/$f ] && echo FOUND; done",
        never("FOUND"),
    ),
    Attack(
        "kernel memory through /proc",
        "head -c 64 /proc/kcore; head -c 64 /proc/kmsg; head -c 64 /proc/1/pagemap",
        fails,
    ),
    Attack("kernel log", "dmesg || cat /dev/kmsg", fails),
    Attack("kernel addresses", "grep -v '^0* ' /proc/kallsyms | head -1 | grep .", fails),
    Attack("/sys", "ls /sys/kernel /sys/fs/cgroup /sys/class", fails),
    Attack(
        "links to the host for the snapshot to follow",
        "ln -s @FILE@ secret; ln -s @FOLDER@ outside; ln -s / root; ln -s . loop; ln -s /proc/1/root/etc/shadow s",
        _no_data_behind_links,
    ),
    Attack(
        "a folder that turns into a link while it is read",
        """
mkdir d; echo x >d/secret.txt
(for i in $(seq 3000); do mv d e; ln -s @FOLDER@ d; rm d; mv e d; done) >/dev/null 2>&1 &
""",
        _race_is_lost,
    ),
    Attack("a hard link to a host file", "ln /usr/bin/env /app/env || ln /etc/ld.so.cache /app/cache", fails),
)
