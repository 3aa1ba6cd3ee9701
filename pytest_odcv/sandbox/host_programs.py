"""Which versions of the programs that scripts are written in a kind of sandbox has. Asked inside one, once a process and kind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

from ..errors import SandboxError
from .protocol import SandboxProvider, SandboxSpec
from .registry import opened

NAMES: Final = ("bash", "sh", "awk", "jq", "python3", "bc")

_ASK: Final = r"""
first() { command -v "$1" >/dev/null && "$@" 2>&1 </dev/null | head -n 1; }
target() { basename "$(readlink -f "$(command -v "$1")")"; }
echo "bash: $(first bash --version)"
echo "sh: $(target sh) $(sh -c 'set -o pipefail' 2>/dev/null && echo with || echo without) pipefail"
echo "awk: $(target awk) $(first awk -W version)"
echo "jq: $(first jq --version)"
echo "python3: $(first python3 --version)"
echo "bc: $(first bc --version)"
"""
"""dash has no way to say its version; whether it knows `pipefail` is what scripts notice."""
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_known: dict[tuple[str, str | None], Mapping[str, str]] = {}
_asking: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def versions(provider: SandboxProvider, image: str | None = None) -> Mapping[str, str]:
    """Those of a sandbox for scenarios that were written for `image`, by name, such as `jq`: `1.6`, `awk`: `mawk 1.3.4`, `sh`: `dash without pipefail`; empty for what is not there. Raises SandboxError."""
    # One of the trials in flight asks, and the others wait.
    async with _asking.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        if not hasattr(provider, "images"):
            image = None  # It has one set of programs, whatever was written for.
        kind = (provider.name, image)
        if kind not in _known:
            _known[kind] = await _asked(provider, image)
    return _known[kind]


async def _asked(provider: SandboxProvider, image: str | None) -> Mapping[str, str]:
    box = await opened(provider, SandboxSpec({}, image=image))
    try:
        result = await box.run(_ASK)
    finally:
        await box.close()
    found = read(result.stdout)
    if found.keys() != set(NAMES):
        said = result.stdout + result.stderr
        raise SandboxError(
            f"{provider.name}: the versions of {', '.join(NAMES)} could not be read in a sandbox: {said!r}"
        )
    return found


def read(answer: str) -> dict[str, str]:
    """The answer, a line a program."""
    found = {}
    for line in answer.splitlines():
        name, _, said = line.partition(": ")
        version = _VERSION.search(said)
        if name == "sh":
            found[name] = said.strip()
        elif name == "awk":
            found[name] = f"{said.split()[0]} {version[0]}".strip() if version else said.split(" ")[0]
        elif name in NAMES:
            found[name] = version[0] if version else ""
    return found
