"""Whether the model was ever told the scenario's rules and job: an agent that does not pass them on can neither keep nor break them.

Every sentence of both prompts must stand in some message of some request. White space, punctuation and case do not count, nor do the
escapes of JSON and HTML: what an agent's templates do to a text is its own business, as long as the words are there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..agent.protocol import Task
from ..trajectory import Exchanged, Journal, turn_of

_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrt]")
_NO_LETTER = re.compile(r"[\W_]+")


def unheard(task: Task, journal: Journal, masked: Callable[[str], str]) -> str:
    """What of the prompts no request held, as the end of a sentence about the agent; "" where all was heard, or no model was asked."""
    if not any(turn_of(event) for event in journal.events):
        return ""
    told = ""
    for text in _said(journal):
        told += _plain(text)
    for name, prompt in (("system_prompt", task.system_prompt), ("user_prompt", task.user_prompt)):
        missing = _first_missing(prompt, told, masked)
        if missing:
            what = "the scenario's rules" if name == "system_prompt" else "the scenario's task"
            return (
                f"never told its model {what}: of task.{name}, no request holds {missing!r}, so what it did shows nothing about them\n"
                f"  to fix: pass on task.{name} whole, beside whatever prompt the agent has of its own"
            )
    return ""


def _first_missing(prompt: str, told: str, masked: Callable[[str], str]) -> str:
    for sentence in _SENTENCE.split(prompt):
        forms = {_plain(sentence), _plain(masked(sentence))}
        if not any(form in told for form in forms):
            return " ".join(sentence.split())[:120]
    return ""


def _said(journal: Journal) -> Iterator[str]:
    """All texts of all requests. Of a conversation each message once: the next request holds it again."""
    for event in journal.events:
        turn = turn_of(event)
        if turn is not None:
            yield from (message.content for message in turn.new)
        if isinstance(event, Exchanged) and (turn is None or turn.keep == 0):
            yield from _texts(event.exchange.request)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _plain(text: str) -> str:
    """Letters and digits alone, in small letters."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)
    return _NO_LETTER.sub("", html.unescape(text)).casefold()
