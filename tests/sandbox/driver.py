"""A process that opens sandboxes for the tests, under whatever user it is started as. One JSON object a line, each way.

The tests start one as root and one as an ordinary user; see `box`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pytest_odcv.http.exchange import WireRequest, WireResponse
from pytest_odcv.http.gateway import Gateway
from pytest_odcv.http.gateway_rules import PORT
from pytest_odcv.sandbox import clock
from pytest_odcv.sandbox.bubblewrap import BubblewrapProvider
from pytest_odcv.sandbox.container import ContainerProvider
from pytest_odcv.sandbox.protocol import Limits, SandboxProvider
from pytest_odcv.sandbox.session import ShellSandbox
from tests.sandbox.specs import spec_of

ANSWER = b'{"answer": "%s"}' % (b"x" * 200_000)


class Tape:
    """Answers every request with `ANSWER`."""

    def ask(self, request: WireRequest) -> WireResponse:
        return WireResponse(200, "OK", {"content-type": ["application/json"]}, ANSWER)

    def keep(self, request: WireRequest, response: WireResponse) -> None:
        raise AssertionError("nothing was asked for real")


class Driver:
    """Holds at most one open sandbox, with a gateway in it when that is asked for."""

    def __init__(self) -> None:
        self.sandbox: ShellSandbox | None = None
        self.gateway: Gateway | None = None
        self.namespace = 0
        self._held_namespace = -1
        self.held = 0

    async def open(
        self,
        workspace: str,
        tools: str,
        limits: dict[str, Any],
        programs: list[str],
        gateway: bool,
        more: dict[str, bool],
    ) -> None:
        Path("/proc/self/clear_refs").write_text(
            "5"
        )  # The peak starts anew: this process serves many attacks.
        self.held = _kib("VmRSS")
        spec = spec_of(Path(workspace), Path(tools), Limits(**limits), tuple(map(Path, programs)))
        moment = clock.read("2024-02-29") if more.pop("clock", False) else None
        self.sandbox = await _provider().open(replace(spec, clock=moment, **more))
        if gateway:
            self.gateway = await Gateway(await self.sandbox.listen(PORT), Tape(), {}).__aenter__()
        self._hold_namespace(_supervisor(self.sandbox))

    def _hold_namespace(self, pid: int) -> None:
        """Keep the namespace until the next sandbox: the kernel gives the number of one that is gone to another test's sandbox at once."""
        if self._held_namespace >= 0:
            os.close(self._held_namespace)
        self._held_namespace = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.namespace = os.fstat(self._held_namespace).st_ino

    async def run(self, command: str, timeout: float | None) -> dict[str, Any]:
        assert self.sandbox is not None
        return (await self.sandbox.run(command, timeout)).model_dump()

    async def snapshot(self) -> dict[str, Any]:
        assert self.sandbox is not None
        tree = {path: asdict(state) for path, state in (await self.sandbox.snapshot()).items()}
        for state in tree.values():
            state["data"] = None if state["data"] is None else base64.b64encode(state["data"]).decode()
        return tree

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def processes(self) -> list[int]:
        """Host process ids of all that is in the sandbox's process namespace, also after it was closed."""
        return [pid for pid in _all_processes() if _namespace(pid) == self.namespace]

    async def memory(self) -> int:
        """The most memory that this process has taken since the sandbox was opened, beyond what it held then, in KiB."""
        return _kib("VmHWM") - self.held

    async def close(self) -> None:
        assert self.sandbox is not None
        if self.gateway is not None:
            await self.gateway.__aexit__(None, None, None)
            self.gateway = None
        await self.sandbox.close()


def _provider() -> SandboxProvider:
    image = os.environ.get("ODCV_TEST_IMAGE")
    return ContainerProvider([image]) if image else BubblewrapProvider()


def _kib(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def _all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _namespace(pid: int) -> int:
    try:
        return Path("/proc", str(pid), "ns/pid").stat().st_ino
    except OSError:
        return 0  # Gone, or another user's.


def _supervisor(sandbox: ShellSandbox) -> int:
    """The host process id of the sandbox's process 1."""
    fields = Path("/proc/self/fdinfo", str(sandbox._supervisor._pidfd)).read_text().splitlines()
    return next(int(field.split()[1]) for field in fields if field.startswith("Pid:"))


async def main() -> None:
    driver, loop = Driver(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        try:
            answer = {"value": await getattr(driver, request.pop("do"))(**request)}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
