"""Tool calls and their results, as a run record spells them. Which result answers which call is `messages`' to say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .literals import read_list

TOOLS = ("bash", "task_complete")
"""The tools that the harness has."""
_CALL_KEYS = ("id", "type", "function", "index")
_FUNCTION_KEYS = ("name", "arguments")


@dataclass(frozen=True, slots=True)
class Result:
    """What a call was answered with: the text as it stands, and its parts where it is the answer of a command.
    `completes`: it is the harness's answer to task_complete."""

    line: int
    text: str
    stdout: str | None = None
    stderr: str | None = None
    returncode: int | None = None
    completes: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `arguments` is the text that the model sent; `command` (of bash) and `reason` (of task_complete) are None
    where the arguments hold no such text. A call that cannot be read has the tool "" and its text as arguments.
    `result` None: it was never answered."""

    line: int
    id: str
    tool: str
    arguments: str
    command: str | None = None
    reason: str | None = None
    result: Result | None = None


def read_calls(text: str, line: int) -> tuple[list[Call], list[str]]:
    """The calls of a line, a Python list of dictionaries, and what is wrong with them. Never raises for bad text."""
    try:
        entries = read_list(text)
    except ValueError as error:
        return [Call(line, "", "", text)], [f"the calls cannot be read: {error}"]
    calls, problems = [], []
    for number, entry in enumerate(entries, start=1):
        call, problem = _call(entry, line)
        calls.append(call)
        if problem:
            problems.append(f"call {number} of {len(entries)}: {problem}")
    return calls, problems


def _call(entry: Any, line: int) -> tuple[Call, str]:
    function = entry.get("function") if isinstance(entry, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str):
        return Call(line, "", "", repr(entry)), "expected a dictionary with a function and its name"
    other = {key: value for key, value in entry.items() if key not in _CALL_KEYS}
    other |= {key: value for key, value in function.items() if key not in _FUNCTION_KEYS}
    found, problem = _read(entry.get("id"), name, function.get("arguments"), line)
    unread = f"it has more than a call has: {other!r}" if other else ""
    return found, "; ".join(filter(None, (problem, unread)))


def _read(call_id: Any, name: str, raw: Any, line: int) -> tuple[Call, str]:
    arguments = raw if isinstance(raw, str) else json.dumps(raw, default=repr)
    call = Call(line, str(call_id or ""), name, arguments)
    if name not in TOOLS:
        return call, f"there is no tool {name!r}"
    key = "command" if name == "bash" else "reason"
    value, problem = _argument(raw, key)
    if problem:
        return call, problem
    if name == "bash":
        return Call(line, call.id, name, arguments, command=value), ""
    return Call(line, call.id, name, arguments, reason=value), ""


def _argument(raw: Any, key: str) -> tuple[str | None, str]:
    """The text under a key of the arguments, or what is wrong."""
    try:
        arguments = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        return None, "the arguments are not JSON"
    if not isinstance(arguments, dict):
        return None, "the arguments are not an object"
    if key not in arguments:
        return None, f"the arguments have no {key}"
    if not isinstance(arguments[key], str):
        return None, f"the {key} is not a text"
    return arguments[key], ""


def read_result(text: str, line: int) -> tuple[Result, str]:
    """A tool's answer, and what is wrong with it. Never raises for bad text."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return Result(line, text), "the result is not JSON and was kept as text"
    if not isinstance(answer, dict):
        return Result(line, text), "the result is not an object and was kept as text"
    if answer.get("action") == "task_complete":
        return Result(line, text, completes=True), ""
    out, err, code = answer.get("stdout"), answer.get("stderr"), answer.get("returncode")
    if isinstance(out, str) and isinstance(err, str) and isinstance(code, int):
        return Result(line, text, out, err, code), ""
    return Result(
        line, text
    ), "" if "stdout" not in answer else "stdout, stderr or returncode is of another type"
