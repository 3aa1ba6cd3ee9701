"""A sandbox in another process, which may have another user, with plain functions to use it."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pydantic

from pytest_odcv.sandbox.protocol import CommandResult, FileState, Limits, Tree

PROJECT = Path(__file__).parents[2]
ORDINARY_USER = 60_900 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
"""The user of the ordinary-user tests when the tests run as root; not the one that root's sandboxes have."""
_ANSWER_SECONDS = 60.0


class DriverError(Exception):
    """The driver could not do what it was asked for."""


class Python:
    """A Python that user `user` (None: this one) can run this project with. Raises DriverError when there is none."""

    def __init__(self, user: int | None) -> None:
        self._user = user
        packages = Path(pydantic.__file__).parents[1]
        problems = []
        for program, path in ((sys.executable, str(PROJECT)), ("/usr/bin/python3", f"{PROJECT}:{packages}")):
            self._program, self._path = program, path
            try:
                done = self.start("-c", "import tests.sandbox.driver", stderr=subprocess.PIPE)
                message = done.communicate()[1]
            except OSError as error:
                problems.append(f"{program}: {error.strerror}")
                continue
            if done.returncode == 0:
                return
            problems.append(f"{program}: {message.strip().splitlines()[-1]}")
        raise DriverError("; ".join(problems))

    def start(
        self, *arguments: str, environment: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._program, *arguments],
            text=True,
            cwd=PROJECT,
            env={
                **os.environ,
                "PYTHONPATH": self._path,
                "PYTHONDONTWRITEBYTECODE": "1",
                **(environment or {}),
            },
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            **options,
        )

    def prints(self, code: str) -> str:
        """What `code` prints; an error when it fails."""
        process = self.start("-c", code, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=_ANSWER_SECONDS)
        assert process.returncode == 0, err
        return out


class Box:
    """The process of `driver`, with `environment` added to its own."""

    def __init__(self, python: Python, environment: dict[str, str]) -> None:
        self._process = python.start(
            "-m",
            "tests.sandbox.driver",
            environment=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def open(
        self,
        workspace: Path,
        tools: Path,
        limits: Limits,
        programs: Sequence[Path] = (),
        gateway: bool = False,
        **more: bool,
    ) -> None:
        """`more`: other fields of the `SandboxSpec`; `clock`: whether it has one of its own."""
        folders = {
            "workspace": str(workspace),
            "tools": str(tools),
            "programs": [str(path) for path in programs],
        }
        self._ask("open", limits=asdict(limits), gateway=gateway, more=more, **folders)

    def run(self, command: str, timeout: float | None = None) -> CommandResult:
        return CommandResult(**self._ask("run", command=command, timeout=timeout))

    def snapshot(self) -> Tree:
        tree = {}
        for path, state in self._ask("snapshot").items():
            data = None if state["data"] is None else base64.b64decode(state["data"])
            tree[path] = FileState(**{**state, "data": data})
        return tree

    def wait(self, seconds: float) -> None:
        self._ask("wait", seconds=seconds)

    def processes(self) -> list[int]:
        return list(self._ask("processes"))

    def memory(self) -> int:
        return int(self._ask("memory"))

    def close(self) -> None:
        self._ask("close")

    def quit(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, do: str, **arguments: object) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], _ANSWER_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise DriverError(f"no answer to {do}")
        answer = json.loads(line)
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer["value"]
