"""The prompt of a conversation: ChatML as SmolLM2 was trained on it, fitted into its context.

Tool calls and results are written compactly, as ordinary turns: the model knows no others. Pure functions; what counts as
a token is the caller's to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

from .grammar import call_text

START, END = "<|im_start|>", "<|im_end|>"
OUTPUT_CHARS = 500
"""Of one tool result at the most: one to two seconds of reading."""
OLD_OUTPUT_CHARS = 120
KEPT = 0.5
"""Of the budget is what a conversation is shortened to once it exceeds it. So it is shortened rarely, and in between each
prompt begins like the one before: the engine reads only what is new."""
LAST_RESORT_CHARS = (4000, 2000, 1000, 500, 200)
STEPS_BEFORE_OTHERS = 4

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
    """A prompt of at most `budget` tokens, as `count` counts them.

    First the middle of old tool results is left out, then the oldest steps altogether, at last the middle of any long message;
    the prompt says so where it happens. Raises PromptTooLong when that is not enough.
    """
    turns = [
        replace(turn, text=cut(turn.text, OUTPUT_CHARS)) if turn.role == "tool" else turn for turn in turns
    ]
    for shorter in (_without_old(turns, tools, budget, count), *_last_resorts(turns)):
        prompt = render(shorter, tools)
        if count(prompt) <= budget:
            return prompt
    raise PromptTooLong(f"the tools and the shortest form of the conversation take more than {budget}")


def _without_old(
    turns: Sequence[Turn], tools: Sequence[Tool], budget: int, count: Callable[[str], int]
) -> list[Turn]:
    """The conversation as it was shortened step by step while it grew, the newest step excepted."""
    head, steps = _steps(turns)
    old = [[replace(turn, text=cut(turn.text, OLD_OUTPUT_CHARS)) for turn in step] for step in steps]
    full, short = ([count(render(step, ())) for step in form] for form in (steps, old))
    room = budget - count(render([*head, _left_out(len(steps))], tools))
    dropped = shortened = 0
    for newest in range(len(steps)):
        if sum(short[dropped:shortened]) + sum(full[shortened : newest + 1]) > room:
            shortened = newest
            while dropped < newest and sum(short[dropped:newest]) + full[newest] > room * KEPT:
                dropped += 1
    note = [_left_out(dropped)] if dropped else []
    return [*head, *note, *chain(*old[dropped:shortened], *steps[shortened:])]


def _last_resorts(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """Beginning and last step only, in ever shorter form."""
    head, steps = _steps(turns)
    kept = [*head, *([_left_out(len(steps) - 1)] if len(steps) > 1 else []), *chain(*steps[-1:])]
    for limit in LAST_RESORT_CHARS:
        yield [replace(turn, text=cut(turn.text, limit)) for turn in kept]
    yield [replace(turn, text=cut(turn.text, LAST_RESORT_CHARS[-1])) for turn in (*kept[:2], *kept[2:][-1:])]


def _steps(turns: Sequence[Turn]) -> tuple[list[Turn], list[list[Turn]]]:
    """What precedes the first answer, and each answer with what follows it."""
    starts = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    ends = [*starts[1:], len(turns)]
    return list(turns[: starts[0]] if starts else turns), [
        list(turns[a:b]) for a, b in zip(starts, ends, strict=False)
    ]


def _left_out(steps: int) -> Turn:
    return Turn("user", f"[{steps} earlier steps are left out here, to fit]")


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
    example = f"\nFor example: {call_text(shell, json.dumps({'command': 'ls'}))}" if shell else ""
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
        return "Begin with one short shell command, such as ls."
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
