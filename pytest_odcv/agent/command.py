"""An agent that is a program of its own: a CLI agent, run in the trial's sandbox with a recording gateway as its only way out.

What the gateway does is in `http.gateway`, what a trial has to provide in `CommandBackend` below. Nothing here knows a model API.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from ..errors import AgentError, UsageProblem
from ..http.gateway_rules import KEY, PORT
from ..sandbox.protocol import CommandResult, SandboxSpec
from ..trajectory import Trajectory
from .protocol import Ended, Ending, Env, Task

FOLDER: Final = "/tmp/odcv"
"""Inside: `system_prompt.txt`, `user_prompt.txt`, and `environment`, which sets the variables."""
GATEWAY: Final = {
    "OPENAI_BASE_URL": f"http://127.0.0.1:{PORT}/v1",
    "OPENAI_API_KEY": KEY,
    "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{PORT}",
    "ANTHROPIC_API_KEY": KEY,
}
_PROMPTS: Final = {"system_prompt": "ODCV_SYSTEM_PROMPT", "user_prompt": "ODCV_USER_PROMPT"}
_LONGEST_VARIABLE: Final = 131_000
"""Linux runs no program with a variable of more than 131,072 bytes, see execve(2)."""
_ADDRESS_SPACE: Final = 1 << 38
"""JavaScript engines reserve tens of gigabytes that they never use; the limit on memory in use stays as it is."""
_TOLD: Final = 2_000

T = TypeVar("T")


class OpenGateway(Protocol):
    """What a command agent needs of `http.gateway.Gateway`."""

    trouble: str

    async def unless_failed(self, work: Coroutine[Any, Any, T]) -> T: ...


class CommandBackend(Protocol):
    """What `env.backend` has for an agent outside the process, beside what every agent gets."""

    @property
    def recorded(self) -> Trajectory | None:
        """The recording that is given out without running the program; None when the program is to run now."""
        ...

    def open_gateway(self, port: int) -> AbstractAsyncContextManager[OpenGateway]:
        """The trial's tape, served on 127.0.0.1:`port` of its sandbox while the context lasts. Raises SandboxError."""
        ...

    def last_words(self) -> str:
        """The last text that the model wrote in this trial, "" for none."""
        ...


class CommandAgent:
    """Runs `argv` in the sandbox, in /app, once a trial; non-zero exit and running out of time are trials in error.

    In an item of `argv`, `{system_prompt}` and `{user_prompt}` stand for the prompts; they are in the variables
    ODCV_SYSTEM_PROMPT and ODCV_USER_PROMPT and in files of /tmp/odcv too. `programs` are files and folders of this machine
    that the sandbox shows read-only under the same path. `env` are variables for it; OPENAI_BASE_URL,
    OPENAI_API_KEY, ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY are set to the gateway's. What it claims is what its model
    said last, or if that said nothing, its output. `version` is the program's, as it calls itself: recordings of another one are
    not given out. With `rerun`, a replay runs it again in a real sandbox, answered from the
    recording; without, a replay gives out what it did. Raises UsageProblem.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        programs: Sequence[str | Path] = (),
        env: Mapping[str, str] | None = None,
        name: str | None = None,
        version: str = "",
        rerun: bool = False,
    ) -> None:
        if isinstance(argv, str) or not argv:
            raise UsageProblem(
                f"CommandAgent: expected the command as a list such as ['my-agent', '-p', '{{user_prompt}}'], found {argv!r}"
            )
        self._argv = tuple(argv)
        self._programs = tuple(Path(program) for program in programs)
        self._env = dict(env or {})
        self.name = name or Path(argv[0]).name
        self.version = version
        self.rerun = rerun
        for variable in self._env:
            _check_variable(variable)

    @property
    def config(self) -> dict[str, Any]:
        """Where the programs are on this machine makes no difference; values of variables may be long or private."""
        return {
            "agent": "command",
            "version": 1,
            "argv": [self._placeless(item) for item in self._argv],
            "env": {name: _digest(self._placeless(value)) for name, value in sorted(self._env.items())},
            "programs": [program.name for program in self._programs],
            "program_version": self.version,
        }

    def sandbox(self, spec: SandboxSpec, task: Task) -> SandboxSpec:
        """The sandbox that this agent needs for `task`, made from that of the scenario. Raises AgentError for prompts that do not fit."""
        limits = spec.limits
        variables = {**self._env, **GATEWAY, **self._program_variables(), **_prompts(task)}
        texts = {f"{name}.txt": getattr(task, name) for name in _PROMPTS}
        texts["environment"] = "".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()
        )
        return replace(
            spec,
            programs=(*spec.programs, *self._programs),
            texts={
                **spec.texts,
                **{f"{FOLDER.removeprefix('/tmp/')}/{name}": text for name, text in texts.items()},
            },
            limits=replace(
                limits,
                command_seconds=limits.total_seconds,
                cpu_seconds=max(limits.cpu_seconds, int(limits.total_seconds)),
                address_space_bytes=_ADDRESS_SPACE,
            ),
        )

    async def __call__(self, task: Task, env: Env) -> Ending:
        """Raises AgentError, and what the tape raises for a request that it cannot answer."""
        backend = cast(CommandBackend, env.backend)  # type: ignore[attr-defined]
        recorded = backend.recorded
        if recorded is not None:
            result = await env.bash(self.command, task.seconds)
            ended = recorded.ending
        else:
            async with backend.open_gateway(PORT) as gateway:
                result = await gateway.unless_failed(env.bash(self.command, task.seconds))
            self._check(result, gateway.trouble)
            ended = Ending(Ended.COMPLETED)
        if not backend.last_words():
            env.say(result.stdout)
        return ended

    @property
    def command(self) -> str:
        """What the sandbox's shell is given, and a recording holds: no prompt, no key and no place of this machine."""
        return f". {FOLDER}/environment && {' '.join(map(self._word, self._argv))}"

    def _word(self, item: str) -> str:
        """One item of argv as the shell is to read it."""
        named = self._named()
        if not named:
            return shlex.quote(item)
        parts = re.split(f"({'|'.join(map(re.escape, named))})", item)
        words = (f'"${named[part]}"' if part in named else shlex.quote(part) for part in parts if part)
        return "".join(words) or "''"

    def _named(self) -> dict[str, str]:
        """What is written as a variable instead: text -> name. Longer texts first, of which a shorter one may be the beginning."""
        places = {value: name for name, value in self._program_variables().items()}
        prompts = {f"{{{name}}}": variable for name, variable in _PROMPTS.items()}
        return dict(sorted((places | prompts).items(), key=lambda item: -len(item[0])))

    def _program_variables(self) -> dict[str, str]:
        return {f"ODCV_PROGRAM_{number}": str(program) for number, program in enumerate(self._programs, 1)}

    def _placeless(self, text: str) -> str:
        for place, name in self._named().items():
            if not place.startswith("{"):
                text = text.replace(place, f"${name}")
        return text

    def _check(self, result: CommandResult, trouble: str) -> None:
        if result.exit_code == 0:
            return
        if result.timed_out:
            how = "did not end in time"
        elif result.exit_code is None:
            how = "was ended"
        else:
            how = f"ended with exit code {result.exit_code}"
        said = result.stderr.strip() or result.stdout.strip() or "it printed nothing"
        lines = [f"agent {self.name} {how}: {' '.join(self._argv)[:_TOLD]}", *filter(None, [result.note])]
        if trouble:
            lines.append(f"at the gateway: {trouble}")
        raise AgentError("\n".join([*lines, said[-_TOLD:]]))


def _prompts(task: Task) -> dict[str, str]:
    values = {variable: getattr(task, name) for name, variable in _PROMPTS.items()}
    for variable, value in values.items():
        size = len(value.encode())
        if size > _LONGEST_VARIABLE or "\0" in value:
            raise AgentError(
                f"a command agent gets its prompts in variables of its environment, and {variable} does not fit: expected text without "
                f"NUL of at most {_LONGEST_VARIABLE} bytes, found {size} bytes"
            )
    return values


def _check_variable(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise UsageProblem(f"CommandAgent: env has {name!r}, which is no name of a variable")
    if name in GATEWAY or name.startswith("ODCV_"):
        raise UsageProblem(
            f"CommandAgent: env has {name}, which is set for every command agent: keys stay outside the sandbox, and the gateway puts them in"
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
