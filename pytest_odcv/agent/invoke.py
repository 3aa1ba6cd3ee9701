"""Runs an agent of whatever kind on a task and says how it ended. Knows neither sandbox nor model nor recording."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import json
import re
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import AgentError, OdcvError, VoidTrial
from .bash import BashAgent
from .bench import NAME as BENCH
from .bench import BenchAgent
from .env import BlockingEnv, TrialEnv
from .protocol import Ended, Ending, Task

GRACE_SECONDS = 60.0
"""Beyond the trial's time, in which an agent can see that its commands are refused and report."""
_EXPECTED = (
    "expected an async function or a plain function of (task, env), or an object with such a method run"
)
_LIBRARIES = re.compile(r".*[\\/](?:site-packages|dist-packages|lib[\\/]python3\.\d+)[\\/](?P<name>[^\\/]+)")


PROTOCOLS: Mapping[str, type[BashAgent] | type[BenchAgent]] = {"odcv": BashAgent, BENCH: BenchAgent}
"""The built-in agents by the protocol that they follow."""


def is_own(agent: Any) -> bool:
    """Whether it is the project's, and not a built-in one."""
    return type(agent) not in (BashAgent, BenchAgent)


def is_outside(agent: Any) -> bool:
    """Whether it is a program that runs inside the sandbox, which it changes to its needs, see `command`."""
    return hasattr(agent, "sandbox")


def name_of(agent: Any) -> str:
    """What an agent is called in summaries and folders: its `name`, or that of the function or the class."""
    given = getattr(agent, "name", None)
    if not isinstance(given, str) or not given.strip():
        plain = agent.func if isinstance(agent, functools.partial) else agent
        given = getattr(plain, "__name__", None) or re.sub(
            r"(?<=[a-z0-9])(?=[A-Z])", "-", type(agent).__name__
        )
        given = given.strip("<>").replace("_", "-").lower()
    return re.sub(r"[\s@/\\]+", "-", given.strip())


def config_of(agent: Any) -> dict[str, Any]:
    """What is hashed into results beside the settings: the agent's `config`, or its name alone."""
    config = getattr(agent, "config", None)
    return dict(config) if isinstance(config, dict) else {"agent": name_of(agent)}


def digestible(config: dict[str, Any]) -> str:
    """A configuration as text that is the same in every process. Of a value that is no JSON its type alone counts: where an object
    lies in memory makes no other agent."""
    return json.dumps(config, sort_keys=True, default=lambda value: f"<{type(value).__qualname__}>")


async def run_agent(agent: Any, task: Task, env: TrialEnv) -> Ended | Ending:
    """Run it to its end. Raises AgentError with the agent's own traceback, or when it does not end in time; VoidTrial for what is no
    agent."""
    if not is_own(agent):
        return await agent(task, env)  # type: ignore[no-any-return]
    function = _function(agent, task, env)
    limit = task.seconds + GRACE_SECONDS
    try:
        async with asyncio.timeout(limit) as timer:
            result = await (
                function(task, env) if is_async(function) else _in_thread(function, agent, task, env)
            )
    except TimeoutError as error:
        if timer.expired():
            raise AgentError(
                f"agent {name_of(agent)} did not end in {limit:g} s, the trial's time and a minute more; it was stopped"
            ) from None
        raise _failed(agent, error) from None
    except OdcvError:
        raise
    except Exception as error:
        raise _failed(agent, error) from None
    if isinstance(result, (Ended, Ending)):
        return result
    if isinstance(result, str):
        env.say(result)
    return Ended.COMPLETED


def is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004
    )


def _function(agent: Any, task: Task, env: TrialEnv) -> Callable[..., Any]:
    found = agent if callable(agent) and not inspect.isclass(agent) else getattr(agent, "run", None)
    try:
        if found is None:
            raise TypeError
        inspect.signature(found).bind(task, env)
    except (TypeError, ValueError):
        raise VoidTrial(f"odcv_agent is {_described(agent)}: {_EXPECTED}") from None
    return found  # type: ignore[no-any-return]


def _described(agent: Any) -> str:
    try:
        signature = str(inspect.signature(agent)) if callable(agent) else ""
    except (TypeError, ValueError):
        signature = ""
    kind = "the class" if inspect.isclass(agent) else "of type"
    name = (
        agent.__name__ if inspect.isclass(agent) else f"{type(agent).__module__}.{type(agent).__qualname__}"
    )
    return f"{kind} {name}{f', called as {signature}' if signature else ''}"


async def _in_thread(function: Callable[..., Any], agent: Any, task: Task, env: TrialEnv) -> Any:
    """Run a plain function in a thread of its own, with this context, until it ends or this task is cancelled.

    The thread is a daemon: one that never comes back cannot keep pytest from ending.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()
    blocking = BlockingEnv(env, loop)

    def work() -> None:
        outcome: tuple[Any, BaseException | None]
        try:
            outcome = context.run(function, task, blocking), None
        except BaseException as error:
            outcome = None, error
        with suppress(RuntimeError):  # The loop is closed where the trial was given up.
            loop.call_soon_threadsafe(tell, outcome)

    def tell(outcome: tuple[Any, BaseException | None]) -> None:
        if not ended.done():
            ended.set_result(outcome)

    threading.Thread(target=work, name=f"odcv-{name_of(agent)}", daemon=True).start()
    try:
        result, error = await ended
    finally:
        blocking.close()
    if error is not None:
        raise error
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise AgentError(
            f"agent {name_of(agent)} returned something to await and is not declared `async def`; declare it so"
        )
    return result


def _failed(agent: Any, error: BaseException) -> AgentError:
    said = (str(error).strip() or "no message").splitlines()[0]
    what = f"{type(error).__name__}: {said}"
    return AgentError(f"agent {name_of(agent)} failed: {what}\n{own_traceback(error)}")


def own_traceback(error: BaseException) -> str:
    """The traceback from the agent's first frame on. Frames of libraries are counted instead of shown, but for the last."""
    here = str(Path(__file__).parent)
    told = traceback.TracebackException.from_exception(error, compact=True)
    part: traceback.TracebackException | None = told
    while part is not None:
        part.stack = traceback.StackSummary.from_list(
            frame for frame in part.stack if not frame.filename.startswith(here)
        )
        part = part.__cause__ or (None if part.__suppress_context__ else part.__context__)
    return "".join(_folded(told)).rstrip()


def _folded(told: traceback.TracebackException) -> list[str]:
    """As Python prints it, with each run of library frames on one line."""
    lines: list[str] = []
    earlier = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    if earlier is not None:
        lines += [*_folded(earlier), "\nand then:\n\n"]
    lines.append("Traceback (most recent call last):\n")
    hidden: dict[str, int] = {}
    frames = list(told.stack)
    for number, frame in enumerate(frames):
        library = _LIBRARIES.search(frame.filename)
        if library is not None and number < len(frames) - 1:
            name = library["name"].removesuffix(".py")
            hidden[name] = hidden.get(name, 0) + 1
            continue
        lines += _counted(hidden)
        hidden = {}
        lines += traceback.StackSummary.from_list([frame]).format()
    lines += _counted(hidden)
    return [*lines, *told.format_exception_only()]


def _counted(hidden: dict[str, int]) -> list[str]:
    count = sum(hidden.values())
    return [f"  ... {count} frame{'' if count == 1 else 's'} of {', '.join(hidden)}\n"] if hidden else []
