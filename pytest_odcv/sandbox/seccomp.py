"""The system calls that a sandbox refuses, as a filter program for the kernel (seccomp, classic BPF).

Namespaces take most things away; this takes the rest: kernel interfaces that no namespace covers (keyrings, io_uring,
bpf, AF_VSOCK, which reaches the host of a virtual machine from any network namespace) and memory that no limit counts
(memfd, System V shared memory). A refused call fails with EPERM; `socket` of another family with EAFNOSUPPORT;
a call of another architecture and `clone3`, whose flags cannot be seen, with ENOSYS.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class _Architecture:
    audit: int
    """AUDIT_ARCH_* of linux/audit.h."""
    numbers: dict[str, int]
    """System call numbers of linux' asm/unistd.h."""
    first_foreign: int | None
    """Numbers from here on belong to another ABI (x32)."""


_SINCE_5_2: Final = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447,
}  # fmt: skip
"""These have one number on all architectures."""

_X86_64: Final = _Architecture(0xC000003E, {
    "shmget": 29, "shmat": 30, "shmctl": 31, "socket": 41, "socketpair": 53, "clone": 56, "kill": 62,
    "semget": 64, "msgget": 68, "fcntl": 72, "ptrace": 101, "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144, "prlimit64": 302,
    "syslog": 103, "setpgid": 109, "rt_sigqueueinfo": 129, "uselib": 134, "personality": 135, "ustat": 136, "sysfs": 139, "modify_ldt": 154, "pivot_root": 155,
    "_sysctl": 156, "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166,
    "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172,
    "ioperm": 173, "create_module": 174, "init_module": 175, "delete_module": 176, "quotactl": 179,
    "tkill": 200, "lookup_dcookie": 212, "clock_settime": 227, "tgkill": 234, "mbind": 237, "set_mempolicy": 238, "mq_open": 240, "kexec_load": 246,
    "add_key": 248, "request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
    "vmsplice": 278, "rt_tgsigqueueinfo": 297, "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304,
    "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "finit_module": 313, "sched_setattr": 314, "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323,
    **_SINCE_5_2,
}, 0x40000000)  # fmt: skip

_AARCH64: Final = _Architecture(0xC00000B7, {
    "lookup_dcookie": 18, "fcntl": 25, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "quotactl": 60, "vmsplice": 75,
    "acct": 89, "personality": 92, "unshare": 97, "kexec_load": 104, "init_module": 105, "delete_module": 106,
    "clock_settime": 112, "syslog": 116, "ptrace": 117, "sched_setparam": 118, "sched_setscheduler": 119,
    "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "setpriority": 140, "reboot": 142, "setpgid": 154, "sethostname": 161, "setdomainname": 162,
    "settimeofday": 170, "adjtimex": 171, "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "shmctl": 195,
    "shmat": 196, "socket": 198, "socketpair": 199, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220,
    "swapon": 224, "swapoff": 225, "mbind": 235, "set_mempolicy": 237, "migrate_pages": 238, "move_pages": 239,
    "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264, "open_by_handle_at": 265,
    "clock_adjtime": 266, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
    "finit_module": 273, "sched_setattr": 274, "memfd_create": 279, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294, "prlimit64": 261,
    **_SINCE_5_2,
}, None)  # fmt: skip

_ARCHITECTURES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}

_F_SETSIG: Final = 10


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Refuse a call when its argument is `value`, or with `unless` when it is anything else."""

    argument: int
    value: int
    unless: bool = False


_REFUSED_IN_PART: Final = {
    # The supervisor is process 1 and has the agent's user id: it must not be starved ...
    "prlimit64": _Refusal(0, 0, unless=True),
    "sched_setparam": _Refusal(0, 0, unless=True),
    "sched_setscheduler": _Refusal(0, 0, unless=True),
    "sched_setattr": _Refusal(0, 0, unless=True),
    "setpriority": _Refusal(1, 0, unless=True),
    # ... nor sent the signals by which the host talks to it, directly, as a group, or by way of a descriptor.
    "kill": _Refusal(0, 1),
    "tkill": _Refusal(0, 1),
    "tgkill": _Refusal(0, 1),
    "rt_sigqueueinfo": _Refusal(0, 1),
    "rt_tgsigqueueinfo": _Refusal(0, 1),
    "setpgid": _Refusal(1, 1),
    "fcntl": _Refusal(1, _F_SETSIG),
}
_SPECIAL: Final = {"socket", "socketpair", "clone", "clone3", *_REFUSED_IN_PART}
"""Refused only in part, or with another error."""
_FAMILIES: Final = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK may be used; they end at the sandbox's own network namespace."""
_NEW_NAMESPACES: Final = 0x7E020080
"""CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID, -NET and -TIME."""

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_ERROR: Final = 0x00050000
_NUMBER, _AUDIT, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data. An argument has 8 bytes, and its low half comes first on both architectures."""


def supported() -> bool:
    """Whether there is a filter for this machine's architecture."""
    return platform.machine() in _ARCHITECTURES


def program(machine: str | None = None, unix_sockets: bool = True) -> bytes:
    """The filter of system calls, in the kernel's form.

    Args:
        machine: As `platform.machine()` says; by default this one.
        unix_sockets: Whether sockets of the family AF_UNIX may be made. Pairs of them always may: they reach nobody else.

    Raises:
        KeyError: There is no filter for the machine.
    """
    return _program(machine or platform.machine(), unix_sockets)


def profile(machine: str | None = None) -> dict[str, Any]:
    """The same filter as container engines take it, `--security-opt seccomp=FILE`.

    libseccomp compares 64 bits of an argument, of which the kernel looks at 32 in these calls: so equality is asked of the low ones, and whatever
    is not equal is refused with any high bit.

    Args:
        machine: As `platform.machine()` says; by default this one.

    Raises:
        KeyError: There is no filter for the machine.
    """
    name = machine or platform.machine()
    numbers = _ARCHITECTURES[name].numbers
    rules = [_denied(sorted(set(numbers) - _SPECIAL), errno.EPERM), _denied(["clone3"], errno.ENOSYS)]
    for call in ("socket", "socketpair"):
        families = [family for family in range(_NO_FAMILY) if family not in _FAMILIES]
        rules += [_denied([call], errno.EAFNOSUPPORT, _equal(0, family)) for family in families]
        rules.append(_denied([call], errno.EAFNOSUPPORT, _argument(0, "SCMP_CMP_GE", _NO_FAMILY)))
    for bit in (1 << number for number in range(32) if _NEW_NAMESPACES >> number & 1):
        rules.append(_denied(["clone"], errno.EPERM, _argument(0, "SCMP_CMP_MASKED_EQ", bit, bit)))
    for call, refusal in _REFUSED_IN_PART.items():
        if refusal.unless:
            found = _argument(refusal.argument, "SCMP_CMP_NE", refusal.value)
        else:
            found = _equal(refusal.argument, refusal.value)
        rules.append(_denied([call], errno.EPERM, found))
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": [f"SCMP_ARCH_{name.upper()}"],
        "syscalls": rules,
    }


_NO_FAMILY: Final = 64
"""More than the kernel has families of sockets."""


def _denied(names: Sequence[str], error: int, *arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "names": list(names),
        "action": "SCMP_ACT_ERRNO",
        "errnoRet": error,
        "args": list(arguments),
    }


def _equal(index: int, value: int) -> dict[str, Any]:
    return _argument(index, "SCMP_CMP_MASKED_EQ", 0xFFFFFFFF, value)


def _argument(index: int, compare: str, value: int, second: int = 0) -> dict[str, Any]:
    return {"index": index, "value": value, "valueTwo": second, "op": compare}


@lru_cache(maxsize=8)
def _program(machine: str, unix_sockets: bool) -> bytes:
    """The same for all sandboxes of a machine: 240 lines, made once."""
    arch = _ARCHITECTURES[machine]
    numbers = arch.numbers
    lines = [_load(_AUDIT), *_unless(_EQUAL, arch.audit, [_fail(errno.ENOSYS)]), _load(_NUMBER)]
    if arch.first_foreign is not None:
        lines += _when(_AT_LEAST, arch.first_foreign, [_fail(errno.ENOSYS)])
    lines += _when(_EQUAL, numbers["socket"], _only(_FAMILIES if unix_sockets else _FAMILIES[1:]))
    lines += _when(_EQUAL, numbers["socketpair"], _only(_FAMILIES))
    lines += _when(
        _EQUAL,
        numbers["clone"],
        [_load(_ARGUMENTS), *_when(_ANY_BIT, _NEW_NAMESPACES, [_fail(errno.EPERM)]), _line(_RETURN, _ALLOW)],
    )
    lines += _when(_EQUAL, numbers["clone3"], [_fail(errno.ENOSYS)])
    for name, refusal in _REFUSED_IN_PART.items():
        lines += _when(_EQUAL, numbers[name], _refused_in_part(refusal))
    for name in sorted(set(numbers) - _SPECIAL):
        lines += _when(_EQUAL, numbers[name], [_fail(errno.EPERM)])
    lines.append(_line(_RETURN, _ALLOW))
    return b"".join(lines)


def _only(families: Sequence[int]) -> list[bytes]:
    lines = [_load(_ARGUMENTS)]
    for family in families:
        lines += _when(_EQUAL, family, [_line(_RETURN, _ALLOW)])
    return [*lines, _fail(errno.EAFNOSUPPORT)]


def _refused_in_part(refusal: _Refusal) -> list[bytes]:
    then, otherwise = _fail(errno.EPERM), _line(_RETURN, _ALLOW)
    if refusal.unless:
        then, otherwise = otherwise, then
    return [_load(_ARGUMENTS + 8 * refusal.argument), *_when(_EQUAL, refusal.value, [then]), otherwise]


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _line(_LOAD, offset)


def _fail(number: int) -> bytes:
    return _line(_RETURN, _ERROR | number)


def _when(test: int, value: int, then: list[bytes]) -> list[bytes]:
    return [_line(test, value, 0, len(then)), *then]


def _unless(test: int, value: int, then: list[bytes]) -> list[bytes]:
    return [_line(test, value, len(then), 0), *then]
