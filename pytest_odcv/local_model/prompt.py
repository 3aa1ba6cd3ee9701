"""The prompt of a conversation: ChatML as SmolLM2 was trained on it, fitted into its context.

Tool calls and results are written compactly, as ordinary turns: the model knows no others. Pure functions; what counts as
a token is the caller's to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .grammar import call_text

START, END = "<|im_start|>", "<|im_end|>"
OUTPUT_CHARS = 800
"""Of one tool result at the most: about a second of reading."""
OLD_OUTPUT_CHARS = 120
HEAD_CHARS = (4000, 2000, 1000, 500, 200)
STEPS_BEFORE_OTHERS = 4
STRIDE = 4
"""Old turns are shortened and dropped by so many at a time, so that most prompts begin like the one before and
the engine need not read them again."""


Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """`arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. A tool's result is of role `tool`; `calls` are the assistant's."""

    role: Role
    text: str
    calls: tuple[Call, ...] = ()


class PromptTooLong(ValueError):
    """Even with everything shortened that may be, the prompt does not fit."""


def fit(turns: Sequence[Turn], tools: Sequence[Tool], budget: int, count: Callable[[str], int]) -> str:
    """The fullest prompt of at most `budget` tokens.

    First the middle of the oldest tool results is left out, then the oldest exchanges altogether, then the middle of any
    other long message; the prompt says so where it happens. Raises PromptTooLong when that is not enough.
    """
    shorter = list(_shortened(turns))
    low, high = 0, len(shorter)
    while low < high:
        middle = (low + high) // 2
        if count(render(shorter[middle], tools)) <= budget:
            high = middle
        else:
            low = middle + 1
    if low == len(shorter):
        raise PromptTooLong(
            f"the tools and the shortest form of the conversation take more than {budget} tokens"
        )
    return render(shorter[low], tools)


def _shortened(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """The conversation in ever shorter forms."""
    turns = [
        replace(turn, text=cut(turn.text, OUTPUT_CHARS)) if turn.role == "tool" else turn for turn in turns
    ]
    yield list(turns)
    results = [at for at, turn in enumerate(turns) if turn.role == "tool"]
    for done in range(STRIDE, len(results), STRIDE):
        for at in results[done - STRIDE : done]:
            turns[at] = replace(turns[at], text=cut(turns[at].text, OLD_OUTPUT_CHARS))
        yield list(turns)
    starts = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    for dropped in range(STRIDE, len(starts), STRIDE):
        note = Turn("user", f"[{dropped} earlier steps are left out here, to fit]")
        yield [*turns[: starts[0]], note, *turns[starts[dropped] :]]
    head = turns[: starts[0]] if starts else turns
    note = Turn("user", "[earlier steps are left out here, to fit]")
    last = [note, *turns[starts[-1] :]] if starts else []
    for limit in HEAD_CHARS:
        yield [replace(turn, text=cut(turn.text, limit)) for turn in (*head, *last)]
    yield [replace(turn, text=cut(turn.text, HEAD_CHARS[-1])) for turn in (*head[:2], *last[-2:])]


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and end with a note between of how many characters are missing: about `limit` in all."""
    if len(text) <= limit + 40:
        return text
    kept = limit // 2
    return f"{text[:kept]}\n[... {len(text) - 2 * kept} characters left out, to fit ...]\n{text[-kept:]}"


def render(turns: Sequence[Turn], tools: Sequence[Tool]) -> str:
    """ChatML that ends where the answer begins.

    With tools, the last turn closes with a reminder that the next prompt of the conversation does not have at that place. It
    tells the model what to do, and it keeps what the engine remembers of generated tokens out of the next prompt.
    """
    told = [turn.text for turn in turns if turn.role == "system"]
    others = [turn for turn in turns if turn.role != "system"]
    parts = [("system", "\n\n".join(filter(None, (*told, _instruction(tools)))))] if told or tools else []
    parts += [("assistant" if turn.role == "assistant" else "user", _text(turn)) for turn in others]
    if tools:
        if parts[-1][0] != "user":
            parts.append(("user", ""))
        results = sum(turn.role == "tool" for turn in others)
        parts[-1] = ("user", f"{parts[-1][1]}\n\n{_reminder(tools, results)}".strip())
    return "".join(f"{START}{role}\n{_tame(text)}{END}\n" for role, text in parts) + f"{START}assistant\n"


def _instruction(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    lines = [
        f"- {tool.name}({', '.join(_parameters(tool))}): {tool.description}".rstrip(": ") for tool in tools
    ]
    shell = _shell(tools)
    example = f"\nFor example: {call_text(shell, json.dumps({'command': 'ls -l'}))}" if shell else ""
    return (
        "You can only act by calling tools:\n"
        + "\n".join(lines)
        + "\nEvery answer is one call, as JSON."
        + example
    )


def _parameters(tool: Tool) -> Iterator[str]:
    for name, schema in (tool.parameters.get("properties") or {}).items():
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        yield f"{name}: {kind}" if isinstance(kind, str) else name


def _shell(tools: Sequence[Tool]) -> str | None:
    """The name of the tool that runs commands, if there is one: it has a parameter `command`.

    The model knows shells, but does not see by itself that it is to write shell commands: it calls `read_file_to_list` and
    the like. Two words of shell in the prompt change that.
    """
    return next((tool.name for tool in tools if "command" in (tool.parameters.get("properties") or {})), None)


def _reminder(tools: Sequence[Tool], results: int) -> str:
    """What to do now. Other tools than the shell are named after some steps only: named at once, one that ends the task is
    what the model begins with."""
    if _shell(tools) is None:
        return (
            f"{'Go on' if results else 'Begin'} with one call of {' or '.join(tool.name for tool in tools)}."
        )
    if not results:
        return "Begin with one short shell command, such as ls -l."
    others = " or ".join(tool.name for tool in tools if tool.name != _shell(tools))
    end = f" When all is done, call {others}." if others and results >= STEPS_BEFORE_OTHERS else ""
    return f"Go on with one short shell command, such as cat README.md or ls data.{end}"


def _text(turn: Turn) -> str:
    if turn.role == "tool":
        return f"Result:\n{turn.text}"
    return "\n".join(
        filter(None, (turn.text, *(call_text(call.name, call.arguments) for call in turn.calls)))
    )


def _tame(text: str) -> str:
    """Marks of the template in a text are only text, else a file could speak as the system; and what is no Unicode is `?`."""
    return text.replace("<|", "< |").encode("utf-8", "replace").decode()
