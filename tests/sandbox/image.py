"""The image that the tests of containers run in: this machine's programs with their libraries, imported once.

Run: python -m tests.sandbox.image    makes it where it is not there yet, and prints its name
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

from pytest_odcv.errors import SandboxError
from pytest_odcv.sandbox import engine

NAME = "localhost/pytest-odcv-tests"
_PARTS = ("bin", "sbin", "lib", "lib64", "usr/bin", "usr/lib64", "usr/lib/python3", "usr/share/awk")
_MORE = ("usr/lib/python3.*", "etc/alternatives", "etc/ld.so.cache", "usr/lib/*-linux-gnu")
_LARGE = (
    "*LLVM*",
    "*libclang*",
    "*icudata*",
    "*/dri",
    "*/chromium*",
    "*.a",
    "*/perl*/unicore",
    "*libwebkit*",
)
_SECONDS = 240


@cache
def problem() -> str | None:
    """Why there are no containers for tests here; None where there are."""
    try:
        found = engine.find()
        return (
            None if found.image(name()) else f"no image {name()}; make it with python -m tests.sandbox.image"
        )
    except SandboxError as error:
        return str(error)


@cache
def name() -> str:
    """Of the image of this machine as it is: another after its packages have changed."""
    packages = Path("/var/lib/dpkg/status")
    told = packages.read_bytes() if packages.is_file() else b""
    return f"{NAME}:{hashlib.sha256(told).hexdigest()[:12]}"


def make() -> None:
    """Raises SandboxError."""
    found = engine.find()
    if found.image(name()):
        return
    parts = [part for part in _PARTS if Path("/", part).exists()]
    parts += [str(path.relative_to("/")) for pattern in _MORE for path in sorted(Path("/").glob(pattern))]
    excluded = [f"--exclude={pattern}" for pattern in _LARGE]
    with subprocess.Popen(
        ["tar", *excluded, "-C", "/", "-c", *parts], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as tar:
        subprocess.run(
            found.command("import", "-", name()),
            stdin=tar.stdout,
            check=True,
            timeout=_SECONDS,
            stdout=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    try:
        make()
    except (SandboxError, subprocess.SubprocessError) as error:
        sys.exit(str(error))
    print(name())
