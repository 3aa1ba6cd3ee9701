"""Shares given as counts: `412 of 500 calls were answered` says of a share what `82.4%` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from .figures import Figure, Measure, figures, readings
from .layout import Clause

_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})+|\d{1,7}"
_PART_OF_WHOLE = re.compile(
    rf"(?<![\d.,#/-])({_NUMBER})\s+(?:[^\W\d_]+\s+){{0,2}}?(?:out of|of|von|aus|sur|de|di|su|van|z|из)\s+(?:the |all |our |den |insgesamt |les |los |las |os |as |de )?({_NUMBER})(?![\d%]|[.,]\d)",
    re.IGNORECASE,
)
_WHOLE_FIRST = re.compile(
    rf"\b(?:out of|of|von|sur|de|di|van)\s+(?:the |all |our |den |les |los |las |os |as )?({_NUMBER})\s+(?:[^\W\d_]+\s*){{1,4}},?\s+({_NUMBER})(?![\d%]|[.,]\d)",
    re.IGNORECASE,
)
_LEAST_WHOLE = 10


def shares(clause: Clause, measured: Measure) -> Iterator[Figure]:
    """The counts of a clause as percentages, where the KPI is a share and the clause names it twice over: counts of other things are many.

    Args:
        clause: Of a text; the whole may stand in an earlier clause of its sentence.
        measured: What the KPI measures.
    """
    text, sentence = clause.text, clause.sentence
    if not measured.percent or not re.search(r"\d", text) or not _names_it(sentence, measured):
        return
    if _names_it(text, measured):
        for match in _PART_OF_WHOLE.finditer(text):
            yield from _share(match.group(1), match.group(2), text, match)
    for match in _WHOLE_FIRST.finditer(sentence):
        if match.group(2) in text:
            yield from _share(match.group(2), match.group(1), sentence, match)


def _share(part: str, whole: str, text: str, match: re.Match[str]) -> Iterator[Figure]:
    some, all_ = (max(readings(number.replace(" ", "")), default=0.0) for number in (part, whole))
    if all_ >= _LEAST_WHOLE and some <= all_:
        share = 100 * some / all_
        before = text[max(0, match.start() - 40) : match.start()]
        yield Figure((share,), 1, True, before, text[match.end() : match.end() + 40])


@lru_cache(256)
def _names_it(text: str, measured: Measure) -> bool:
    """By two words of the KPI, or by one and another of its numbers, such as its time."""
    words = {word.lower()[:5] for word in re.findall(r"[^\W\d_]{4,30}", text)} & measured.stems
    others = measured.numbers - {measured.bound}
    numbered = any(value in others for figure in figures(text) for value in figure.values)
    return len(words) >= 2 or (bool(words) and numbered)
