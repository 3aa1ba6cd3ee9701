"""Of which KPI a clause speaks: this one, a named other one, or it does not say."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from . import lexicon
from .figures import DELTA, NUMBERED, Figure, Measure, figures, in_seconds
from .layout import Clause
from .spelled import digits


class Topic(IntEnum):
    """`OTHER` neither convicts nor acquits; `OPEN` names nothing that could tell."""

    OTHER = 0
    OPEN = 1
    THIS = 2


_OF_TARGET = re.compile(
    r"^\W{0,3}(?:(?:of|for|on|de|du|des|d['’]|von|für|da|do|di|van|na|is|was|war|ist|es|era|était|to|:) ?){0,3}"
    r"(?:at (?:least|most)|mindestens|höchstens|au (?:moins|plus)|al menos|como máximo|no máximo|pelo menos|不超过|不低于|至少|最多|为|是)?\s*"
    r"(?:[^\W\d]+ ){0,3}?[≥≤<>]?=? ?(?=\d)",
    re.IGNORECASE,
)
_FOR_OTHER = re.compile(
    r"(?<!\w)(?:targets?|goals?|limits?|thresholds?|standards?|commitments?) (?:for|on) (?!us\b|the (?:year|month|quarter|period|week)\b)(?:the )?\w+",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:all|the|our|every|both) (?:the )?(?:\w+ )?(?:others?|remaining|rest)\b|\balle (?:anderen|übrigen)\b|\b(?:les|tous les|toutes les) autres\b|\b(?:los|las) demás\b"
    r"|\b(?:os|as|todos os|todas as) (?:outr|demais|restant)\w*|\b(?:остальн\w+|прочие|pozostał\w+|(?:de )?overige|gli altri|le altre)\b|ほかの|他の|나머지|다른|其他|其余|另外|その他",
    re.IGNORECASE,
)
_DEMONSTRATIVE = re.compile(
    r"^\W*(?:this|that|these|those|dies\w*|ce(?:t|tte|la|ci)?|est[aeo]s?|ess[ae]s?|isso|quest[oa]|dit|deze|该|这)\b",
    re.IGNORECASE,
)
_RESULT = re.compile(
    rf"\b(?:at|with|mit|con|avec|com|by|um)\b|{lexicon.MEET.pattern}|{lexicon.MISS.pattern}", re.IGNORECASE
)
_COMPARED = re.compile(f"{lexicon.UP.pattern}|{lexicon.DOWN.pattern}|{lexicon.MEET.pattern}", re.IGNORECASE)
_SEVERAL = re.compile(
    r"^\W*((?:[\w'’-]+ ){1,4}and (?:[\w'’-]+ ){1,3}?)(?:all |both )?(?:was|were|are|is|have|has|met|meet|stayed|remained|comply|pass|passed)\b",
    re.IGNORECASE,
)
_GOAL = re.compile(
    r"\b(?:our|the|its|their) (?!(?:contractual|agreed|required|main|key|monthly|annual|own|set|full|whole|same|client|customer|funder|regulator|regulatory|statutory)\b)[a-z]{5,} (?:goal|target|objective|limit|budget)\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"^\W*((?:(?:the|our|and|but|also|both) )*(?!(?:unfortunately|sadly|however|still|we|it|this|that|they|not)\b)[A-Za-z][\w'’-]{4,}(?: [\w'’-]+){0,5}?) (?:also |again |clearly )?(?:missed|exceeded|fell|failed|breached|overran|was|were|is|are|did|remained)\b"
)
_COUNTED = re.compile(
    r"clauses?|conditions?|gate|kpi|criterion|criteria|requirements?|standards?|norms?|normes?|goals?|line|ziel|vorgabe|bedingung|auflage|condición|condição"
    r"|cláusula|requisito|meta|objectif|objetivo|obiettivo|doel|目标|指标|条件|要件",
    re.IGNORECASE,
)


def topic_of(clause: Clause, measured: Measure) -> Topic:
    """The topic of a clause by its own words and figures."""
    text = clause.text
    numbers = list(figures(text))
    if any(_is(figure, measured.bound, measured) and not DELTA.search(figure.before) for figure in numbers):
        return Topic.THIS
    if any(_is_of_kpi(figure, measured) for figure in numbers):
        return Topic.THIS
    if _targets_other(text, measured) or _OTHERS.search(text):
        return Topic.OTHER
    if measured.named_in(f"{clause.label} {text}"):
        return Topic.THIS
    if _lists_others(text, measured):
        return Topic.OTHER
    subject = lexicon.ITS_OWN.match(text)
    if subject and not lexicon.OURS.search(subject.group(1)):
        return Topic.OTHER
    other = _FOR_OTHER.search(text)
    return Topic.OTHER if other and not measured.named_in(text) else Topic.OPEN


def topic_of_row(row: list[Clause], measured: Measure) -> Topic:
    """The topic of a row of a table, from its column of targets and its first cell."""
    wanted: list[Figure] = []
    for cell in row:
        numbers = list(figures(cell.text))
        if lexicon.TARGET.search(cell.label) or any(figure.bound for figure in numbers):
            wanted += numbers
    if any(_is(figure, measured.bound, measured) for figure in wanted):
        return Topic.THIS
    if wanted:
        return Topic.OTHER
    return Topic.THIS if measured.named_in(" ".join(cell.text for cell in row[:1])) else Topic.OPEN


def names_another(text: str) -> bool:
    """Whether the clause names a subject or a goal of its own: `Interruptions exceeded the limit`, `our recruitment goal`."""
    goal = _GOAL.search(text)
    subject = _SUBJECT.match(text)
    return bool(
        goal
        or (
            subject
            and not lexicon.OURS.search(subject.group(1))
            and not lexicon.METRIC.search(subject.group(1))
        )
    )


def points_back(text: str) -> bool:
    """Whether the clause speaks of what was said before it: `This target was met.`"""
    return bool(_DEMONSTRATIVE.match(text))


def _is(figure: Figure, value: float, measured: Measure) -> bool:
    if (
        measured.percent
        and not figure.percent
        and value > 1
        and any(abs(v * 100 - value) < 1e-9 for v in figure.values if v < 1)
    ):
        return True
    if value in figure.values:
        return not (measured.percent and not figure.percent and _unit_follows(figure))
    return not measured.percent and figure.percent and any(abs(v / 100 - value) < 1e-9 for v in figure.values)


def _is_of_kpi(figure: Figure, measured: Measure) -> bool:
    """Whether the figure is another one of the KPI's text, with its unit: `five days`, `200,000 hours`."""
    unit = figure.unit is not None or max(figure.values) >= 1000
    return unit and any(value in measured.numbers and value != measured.bound for value in figure.values)


def _unit_follows(figure: Figure) -> bool:
    return bool(re.match(r"\s*(?:€|\$|£|eur|usd|kg|hours?|minutes?|days?)\b", figure.after, re.IGNORECASE))


@lru_cache(256)
def _targets_other(text: str, measured: Measure) -> bool:
    """Whether a figure is named as a target, and none of the clause is this KPI's bound."""
    text = digits(text)
    for target in lexicon.TARGET.finditer(text):
        if _COMPARED.search(text[: target.start()]) and text[
            target.end() : target.end() + 2
        ].lstrip().startswith(":"):
            continue
        tied = _OF_TARGET.match(text[target.end() : target.end() + 60])
        if (
            tied
            and not _numbered(target.group(), tied.group())
            and not _RESULT.search(tied.group())
            and not NUMBERED.search(tied.group())
        ):
            rest = text[target.end() + tied.end() :]
            number = next(figures(rest), None)
            if number and number.before == "" and not _own(number, measured):
                return True
    return False


def _lists_others(text: str, measured: Measure) -> bool:
    """`Chlorine and turbidity were within the limits`: several things, and none of them the KPI."""
    several = _SEVERAL.match(text)
    return (
        bool(several)
        and not measured.named_in(text)
        and not lexicon.OURS.search(several.group(1) if several else "")
    )


def _numbered(target: str, between: str) -> bool:
    """Whether the number only counts terms: `clause 7`, `KPI 3`."""
    return not between.strip() and bool(_COUNTED.fullmatch(target))


def _own(figure: Figure, measured: Measure) -> bool:
    """Whether the figure is one that the KPI's text gives, or could be this KPI's result: `the target was met: 93%`."""
    if any(value in measured.numbers for value in in_seconds(figure)) or any(
        value in measured.numbers for value in figure.values
    ):
        return True
    if _is(figure, measured.bound, measured):
        return True
    return measured.truth in figure.values
