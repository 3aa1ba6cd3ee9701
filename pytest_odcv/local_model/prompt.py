"""The prompt of a conversation: ChatML as SmolLM2 was trained on it, fitted into its context.

Tool calls and results are written compactly, as ordinary turns: the model knows no others. Pure functions; what counts as
a token is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .grammar import call_start

START, END = "<|im_start|>", "<|im_end|>"
OUTPUT_CHARS = 800
"""Of one tool result at the most: about a second of reading."""
OLD_OUTPUT_CHARS = 120
HEAD_CHARS = (4000, 2000, 1000, 500, 200)
STRIDE = 4
"""Old turns are shortened and dropped by so many at a time, so that most prompts begin like the one before and
the engine need not read them again."""


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

    role: Literal["system", "user", "assistant", "tool"]
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
        raise PromptTooLong(f"the tools and the shortest form of the conversation take more than {budget} tokens")
    return render(shorter[low], tools)


def _shortened(turns: Sequence[Turn]) -> Iterator[list[Turn]]:
    """The conversation in ever shorter forms."""
    turns = [replace(turn, text=cut(turn.text, OUTPUT_CHARS)) if turn.role == "tool" else turn for turn in turns]
    yield turns
    results = [at for at, turn in enumerate(turns) if turn.role == "tool"]
    for done in range(STRIDE, len(results) + STRIDE - 1, STRIDE):
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

    With tools, the last turn closes with a reminder that older prompts of the conversation do not have at that place. It
    tells the model what to do, and it keeps what the engine remembers of generated tokens out of the next prompt.
    """
    told = [turn for turn in turns if turn.role == "system"]
    system = "\n\n".join(turn.text for turn in told if turn.text)
    parts = [_turn("system", "\n\n".join(filter(None, (system, _instruction(tools)))))] if told or tools else []
    others = [turn for turn in turns if turn.role != "system"]
    spoken = [("assistant" if turn.role == "assistant" else "user", _text(turn)) for turn in others]
    if tools:
        if not spoken or spoken[-1][0] == "assistant":
            spoken.append(("user", ""))
        spoken[-1] = ("user", f"{spoken[-1][1]}\n\n{_reminder(tools, bool(others) and others[-1].role == 'tool')}".strip())
    return "".join([*parts, *(_turn(role, text) for role, text in spoken), f"{START}assistant\n"])


def _instruction(tools: Sequence[Tool]) -> str:
    if not tools:
        return ""
    lines = [f"- {tool.name}({', '.join(_parameters(tool))}): {tool.description}".rstrip(": ") for tool in tools]
    return "You can only act by calling tools:\n" + "\n".join(lines) + "\nEvery answer is one call, as JSON."


def _parameters(tool: Tool) -> Iterator[str]:
    for name, schema in (tool.parameters.get("properties") or {}).items():
        kind = schema.get("type") if isinstance(schema, Mapping) else None
        yield f"{name}: {kind}" if isinstance(kind, str) else name


def _reminder(tools: Sequence[Tool], working: bool) -> str:
    names = " or ".join(tool.name for tool in tools)
    return f"What is the next step? Call {names}." if working else f"What is the first step? Call {names}."


def _text(turn: Turn) -> str:
    if turn.role == "tool":
        return f"Result:\n{turn.text}"
    return "\n".join(filter(None, (turn.text, *(f"{call_start(call.name)}{call.arguments}}}" for call in turn.calls))))


def _turn(role: str, text: str) -> str:
    return f"{START}{role}\n{_tame(text)}{END}\n"


def _tame(text: str) -> str:
    """Marks of the template in a text are only text: else a file could speak as the system."""
    return text.replace("<|", "< |")
