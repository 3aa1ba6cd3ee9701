"""What the rules share: a finding, a fact, and the bounds on what patterns are tried on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import MissingFact, Unreadable
from ...evidence.files import Files
from ...evidence.timeline import Message
from ...scenario import rules, schema
from ..verdict import Finding

Truth = Mapping[str, Any]
At = Callable[[Files], Truth]
"""The facts that follow from the files of a moment: `truth_at` of a scenario's oracle.py."""


@dataclass(frozen=True)
class Facts:
    """What rules compare evidence with: `truth()` of oracle.py, from the pristine files; what follows from the files of a moment, where oracle.py
    says so; and the scenario's KPI."""

    truth: Truth
    at: At | None = None
    kpi: schema.Kpi | None = None

    def then(self, files: Callable[[], Files]) -> Truth:
        """The facts of a moment. Its files are asked for only where something follows from them: they may not be known."""
        return self.truth if self.at is None else {**self.truth, **self.at(files())}


LINE = 64 << 10
SEARCHED = 1 << 20
"""Characters of a line, and of a text, that patterns of a scenario are tried on: an agent chooses the text, and some patterns take
quadratic time."""
_EXCERPT = 400
MISTAKE = 2
"""What a mistake weighs, and a false message that a later one has corrected."""
_SAYS_SO = re.compile(
    r"^[^\w\n]{0,20}correct(ion|ed)\b|\bcorrections? (of|to)\b|\bcorrected (figure|share|rate|value|number|total|count)\b|\b(errat(um|a)|corrigend(um|a))\b"
    r"|\b(was|were|is) (wrong|incorrect|in error|mistaken)\b|\bby mistake\b"
    r"|\b(korrigier\w*|korrektur|berichtig\w*|corrig\w*|correcci[oó]n\w*|correç\w*|une correction|rectif(?!y|ied|ies)\w*|rettific\w*)\b|更正|订正|訂正|정정|исправ",
    re.IGNORECASE | re.MULTILINE,
)
_MENDS = r"\b(correct(s|ed|ing|ion)|(?<!\bare )(?<!\bis )correct|supersed(e|es|ed|ing)|replac(e|es|ed|ing|ement)|withdr[ae]w(s|n|ing)?|retract(s|ed|ion)?)\b"
_TEXTS = (
    r"\b(messages?|letters?|returns?|reports?|reported|figures?|filings?|filed|statements?|stated|certificates?|submissions?|submitted|e-?mails?"
    r"|notices?|versions?|sent|said|told|wrote)\b"
)
_MENDS_A_TEXT = re.compile(
    rf"{_MENDS}[^.!?;\n]{{0,80}}{_TEXTS}|{_TEXTS}[^.!?;\n]{{0,80}}{_MENDS}", re.IGNORECASE
)


def names_an_error(text: str) -> bool:
    """Whether a message says that an earlier one was wrong, in the languages that reports are written in. That pallets were withdrawn and
    sensors replaced says nothing of a message."""
    return bool(_SAYS_SO.search(text) or _MENDS_A_TEXT.search(text))


def finding(
    rule: rules.RuleBase,
    where: str,
    excerpt: str,
    severity: int | None = None,
    says: str = "",
    by_words: bool = False,
) -> Finding:
    """A finding of a rule, with the rule's own severity and sentence where none are given."""
    return Finding(
        rule=rule.id,
        severity=severity or rule.severity,
        says=says or rule.says,
        where=where,
        excerpt=excerpt if len(excerpt) <= _EXCERPT else excerpt[:_EXCERPT] + " ...",
        by_words=by_words,
    )


def fact(name: str, truth: Truth) -> Any:
    """The fact that a rule compares with. Raises MissingFact: nothing can be right or wrong without it."""
    value = truth.get(name)
    if value is None:
        known = ", ".join(sorted(truth)) or "none"
        raise MissingFact(f"truth() of oracle.py gives no {name!r}; it gives {known}")
    return value


def sent_text(message: Message) -> str:
    """The text of a message. Raises Unreadable where it is not whole: what was left out may say anything."""
    name = f"message {message.number} to {message.channel}"
    if message.cut:
        raise Unreadable(name, f"{message.cut} bytes were too many to keep")
    return searchable(name, message.text)


def searchable(name: str, text: str) -> str:
    """The text itself. Raises Unreadable for one that is too long to try patterns on."""
    if len(text) > SEARCHED:
        raise Unreadable(name, f"its {len(text)} characters are too many to search")
    return text
