"""Where two conversations differ, in a text for the person who has to find the change."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

from .types import Message


def first_difference(recorded: Sequence[Message], now: Sequence[Message]) -> str:
    """Where two conversations part, at message level: the message's number, role, and the first lines that differ."""
    for number, (old, new) in enumerate(zip(recorded, now, strict=False), 1):
        if old is new or old == new:
            continue
        if old.role != new.role:
            return f"message {number}: recorded a {old.role} message, now a {new.role} message"
        return f"message {number} ({old.role}):\n{_lines(_shown(old), _shown(new))}"
    if len(recorded) != len(now):
        longer, which = (
            (recorded, "missing now") if len(recorded) > len(now) else (now, "not in the recording")
        )
        number = min(len(recorded), len(now)) + 1
        return f"message {number} ({longer[number - 1].role}), which is {which}: {one_line(longer[number - 1].content)}"
    return ""


def _shown(message: Message) -> str:
    calls = "".join(f"\n{call.id} {call.name} {json.dumps(call.arguments)}" for call in message.calls)
    answers = f" (answers {message.call_id})" if message.call_id else ""
    return f"{message.content}{calls}{answers}"


def _lines(old: str, new: str) -> str:
    diff = [
        line
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), "", "", lineterm="", n=0)
        if line[:3] not in ("---", "+++", "@@ ")
    ]
    shown = [f"  {'recorded:' if line[0] == '-' else 'now:     '} {one_line(line[1:])}" for line in diff[:4]]
    return "\n".join(shown) + (f"\n  ... and {len(diff) - 4} more lines" if len(diff) > 4 else "")


def one_line(text: str, limit: int = 160) -> str:
    line = text.strip().replace("\n", "\\n")
    return line if len(line) <= limit else line[: limit - 3] + "..."
