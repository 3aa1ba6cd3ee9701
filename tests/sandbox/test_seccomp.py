"""The filter of system calls, run here by a small interpreter of the kernel's filter language."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from pytest_odcv.sandbox import seccomp

ALLOWED = 0
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
NOT_IN_HEADERS = {"_sysctl"}
"""Removed from the kernel, or of a number that is written otherwise."""


def decide(machine: str, name: str | int, *arguments: int, audit: int | None = None) -> int:
    """The error that the filter gives a call, or `ALLOWED`."""
    arch = seccomp._ARCHITECTURES[machine]
    number = arch.numbers[name] if isinstance(name, str) else name
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, audit or arch.audit, 0, *padded)
    lines = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    register, at = 0, 0
    while True:
        code, if_true, if_false, value = lines[at]
        at += 1
        if code == 0x20:
            (register,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return ALLOWED if value == 0x7FFF0000 else value & 0xFFFF
        else:
            holds = {0x15: register == value, 0x35: register >= value, 0x45: bool(register & value)}[code]
            at += if_true if holds else if_false


@pytest.fixture(params=sorted(HEADERS))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"needs {HEADERS[machine]}")
    text = HEADERS[machine].read_text()
    found = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    ours = seccomp._ARCHITECTURES[machine].numbers
    # A call that is newer than these headers cannot be compared.
    assert {name: number for name, number in ours.items() if found.get(name, number) != number} == {}
    assert len(set(ours) & set(found)) > 50


def test_ordinary_calls_are_allowed(machine: str) -> None:
    read, getpid = {"x86_64": (0, 39), "aarch64": (63, 172)}[machine]
    assert [decide(machine, call) for call in (read, getpid)] == [ALLOWED, ALLOWED]


@pytest.mark.parametrize(
    "name", ["mount", "ptrace", "unshare", "keyctl", "io_uring_setup", "memfd_create", "bpf"]
)
def test_dangerous_calls_are_refused(machine: str, name: str) -> None:
    assert decide(machine, name) == errno.EPERM


@pytest.mark.parametrize(
    ("family", "error"),
    [(1, 0), (2, 0), (10, 0), (16, 0), (40, errno.EAFNOSUPPORT), (17, errno.EAFNOSUPPORT)],
)
def test_sockets_are_allowed_by_family(machine: str, family: int, error: int) -> None:
    assert decide(machine, "socket", family, 1) == decide(machine, "socketpair", family, 1) == error


def test_processes_can_be_made_and_namespaces_cannot(machine: str) -> None:
    new_user, thread = 0x10000000, 0x3D0F00
    assert decide(machine, "clone", 17) == decide(machine, "clone", thread) == ALLOWED
    assert decide(machine, "clone", new_user | 17) == errno.EPERM
    assert decide(machine, "clone3") == errno.ENOSYS


def test_only_the_callers_own_limits_can_be_changed(machine: str) -> None:
    assert (decide(machine, "prlimit64", 0, 7), decide(machine, "prlimit64", 1, 7)) == (ALLOWED, errno.EPERM)
    assert (decide(machine, "setpriority", 0, 0), decide(machine, "setpriority", 0, 1)) == (
        ALLOWED,
        errno.EPERM,
    )


def test_signals_reach_everything_but_process_1(machine: str) -> None:
    assert [decide(machine, "kill", pid, 9) for pid in (2, 0, 2**32 - 1, 1)] == [
        ALLOWED,
        ALLOWED,
        ALLOWED,
        errno.EPERM,
    ]


def test_calls_of_another_architecture_do_not_exist(machine: str) -> None:
    assert decide(machine, 1, audit=0x40000003) == errno.ENOSYS


def test_x32_calls_do_not_exist() -> None:
    assert decide("x86_64", 0x40000000 + 39) == errno.ENOSYS


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(KeyError):
        seccomp.program("vax")
