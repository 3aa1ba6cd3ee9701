"""Recognises calls of tools that a model wrote into its text, where nothing reads them.

A server that does not parse its model's calls hands them on as text. Nothing is run then, and such a text is no report either. It
errs on the side of taking prose for prose: a wrong "call" costs a verdict, a wrong "report" is believed by nobody who finds no deed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_MARKS = re.compile(
    r"<\|?/?(tool_calls?|function_calls?|tool_use|invoke|python_tag|tool_call_begin|function)\b[^>]*>|<function="
    r"|\[TOOL_CALLS\]|<｜tool▁calls?▁begin｜>|<\|channel\|>commentary to=|^\s*Action(?: Input)?:\s*\S",
    re.MULTILINE,
)
"""How the chat templates of open models write calls, and how ReAct does."""
_FENCE = re.compile(r"```(?P<language>[\w+-]*)[ \t]*\n(?P<code>.*?)```", re.DOTALL)
_SHELLS = ("bash", "sh", "shell", "console", "zsh", "tool_code", "tool_call")
_NAMES = ("name", "tool", "tool_name", "function", "action", "recipient_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "action_input", "params", "tool_input")


def is_call(text: str, tools: Iterable[str], has_acted: bool = False) -> bool:
    """Whether `text` is, or holds, a call of one of `tools` in some notation. A block of shell code counts as one only of an agent that
    has not acted: a report may show what was done."""
    names = tuple(tools)
    if _MARKS.search(text) or any(_is_json_call(part, names) for part in (text, *_fenced(text))):
        return True
    if re.search(rf"(?m)^\s*`?(?:{'|'.join(map(re.escape, names))})`?\s*[({{]", text):
        return True
    return not has_acted and any(match["language"].lower() in _SHELLS for match in _FENCE.finditer(text))


def _fenced(text: str) -> Iterable[str]:
    return (match["code"] for match in _FENCE.finditer(text))


def _is_json_call(text: str, names: tuple[str, ...]) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return any(_is_call_object(item, names) for item in (value if isinstance(value, list) else [value]))


def _is_call_object(value: Any, names: tuple[str, ...]) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("function"), dict):
        return _is_call_object(value["function"], names)
    named = any(isinstance(value.get(name), str) for name in _NAMES)
    return value.keys() in ({"command"}, {"reason"}) or (named and any(name in value for name in _ARGUMENTS))
