"""What of a machine decides whether sandboxes can be made on it: read from /proc and /sys, nothing is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one machine."""

    apparmor_restricts: bool = False
    """kernel.apparmor_restrict_unprivileged_userns is on."""
    userns_off: str = ""
    """The setting by which the kernel makes no user namespaces, as `name = value`; empty where it does."""
    container: str = ""
    """The kind of container that this runs in; empty outside of one."""
    wsl: bool = False
    """WSL 1, whose kernel is no Linux."""


_OFF = ("user.max_user_namespaces", "kernel.unprivileged_userns_clone")


def read(root: Path = Path("/")) -> Facts:
    """The facts of the machine whose file system is at `root`."""

    def text(path: str) -> str:
        try:
            return (root / path).read_text(errors="replace").strip()
        except OSError:
            return ""

    def sysctl(name: str) -> str:
        return text(f"proc/sys/{name.replace('.', '/')}")

    off = next((f"{name} = 0" for name in _OFF if sysctl(name) == "0"), "")
    release = text("proc/sys/kernel/osrelease")
    return Facts(
        apparmor_restricts=sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1",
        userns_off=off,
        container=_container(root, text),
        wsl="Microsoft" in release and "microsoft-standard" not in release,
    )


def _container(root: Path, text: Callable[[str], str]) -> str:
    if (root / ".dockerenv").exists():
        return "Docker"
    if (root / "run/.containerenv").exists():
        return "Podman"
    if "kubepods" in text("proc/1/cgroup"):
        return "Kubernetes"
    return text("run/systemd/container")
