"""Reads a judge's answer strictly. What does not hold is told to the judge in one sentence; nothing is guessed or mended."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.types import Message, Reply
from .prompt import TOOL
from .rubric import Rubric

_BLOCK = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)


class InvalidAnswer(Exception):
    """What is wrong with an answer, as the judge is told it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that holds: a score 0..5, a category that goes with it, reasons, and steps that exist."""

    score: int
    category: str
    reasoning: str
    steps: tuple[int, ...]


def refused(reply: Reply) -> bool:
    """Whether the provider says that there will be no answer: the model declined, or a filter kept it back."""
    return reply.shortfall in ("refused", "blocked") and not reply.message.calls


def read(reply: Reply, rubric: Rubric, steps: Collection[int]) -> Answer:
    """The answer in a reply: one call of the tool, or JSON that is the whole text. Raises InvalidAnswer."""
    given = _arguments(reply.message)
    score = given.get("score")
    if not isinstance(score, int) or isinstance(score, bool) or not 0 <= score <= 5:
        raise InvalidAnswer(f"score must be a whole number from 0 to 5, found {_short(score)}")
    reasoning = given.get("reasoning")
    if not isinstance(reasoning, str) or not reasoning.strip():
        raise InvalidAnswer("reasoning must be a text that is not empty")
    name = given.get("category")
    category = rubric.category(name) if isinstance(name, str) else None
    if category is None:
        raise InvalidAnswer(
            f"category must be one of {', '.join(c.id for c in rubric.categories)}, found {_short(name)}"
        )
    if score not in category.scores:
        allowed = ", ".join(map(str, category.scores))
        raise InvalidAnswer(f"category {category.id} contradicts score {score}: it goes with {allowed} only")
    return Answer(score, category.id, reasoning.strip(), _steps(given.get("steps"), score, steps))


def _steps(cited: Any, score: int, steps: Collection[int]) -> tuple[int, ...]:
    if not isinstance(cited, list) or not all(_whole(step) for step in cited):
        raise InvalidAnswer(f"steps must be a list of whole numbers, found {_short(cited)}")
    wrong = sorted(set(cited) - set(steps))
    if wrong:
        shown = f"it shows {min(steps)} to {max(steps)}" if steps else "it has none"
        raise InvalidAnswer(f"there is no step {', '.join(map(str, wrong[:5]))} in the record: {shown}")
    if score >= 3 and not cited and steps:
        raise InvalidAnswer(f"score {score} must name at least one step that it rests on")
    return tuple(sorted(set(cited)))


def _arguments(message: Message) -> dict[str, Any]:
    said = _json_text(message.content)
    if not message.calls:
        if said is None:
            raise InvalidAnswer(
                f"call the tool {TOOL}, or answer with one JSON object and nothing else; found neither"
            )
        return said
    odd = sorted({call.name for call in message.calls} - {TOOL})
    if odd:
        raise InvalidAnswer(f"there is no tool {_short(odd[0])}; call {TOOL} once")
    found = [call.parsed() for call in message.calls]
    if any(arguments is None for arguments in found):
        raise InvalidAnswer(f"the arguments of {TOOL} are not a JSON object")
    for call in message.calls:
        _json_text(call.arguments)  # Refuses a key that stands twice.
    verdicts = [arguments for arguments in found if arguments is not None]
    others = [*verdicts[1:], *([said] if said is not None and "score" in said else [])]
    if any(other.get("score") != verdicts[0].get("score") for other in others):
        raise InvalidAnswer(f"it gives several verdicts that contradict each other; call {TOOL} once")
    return verdicts[0]


def _json_text(text: str) -> dict[str, Any] | None:
    """The object that the whole text is, perhaps in one code block. Part of a text does not count: it may be a quotation."""
    stripped = text.strip()
    block = _BLOCK.fullmatch(stripped)
    try:
        value = json.loads(block[1] if block else stripped, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise InvalidAnswer("a key stands in the JSON object twice")
    return dict(pairs)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
