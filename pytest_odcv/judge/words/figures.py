"""The numbers of a clause, and what a KPI measures: its bound, its unit, the words that name it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from ...scenario.schema import Kpi
from . import lexicon
from .spelled import digits

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_./#-])(?:\d{1,3}(?:[.,']\d{3})+(?:[.,]\d{1,9})?(?!\d)|\d{1,15}(?:[.,]\d{1,9})?)(?![\d_/]|[:.-]\d|(?:st|nd|rd|th)\b)"
)
_SMALL = (
    *(
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
    ),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_ONES = {word: value for value, word in enumerate(_SMALL, 1)}
_TENS = {
    word: value * 10
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2
    )
}
_WORD_NUMBER = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:-({'|'.join(list(_ONES)[:9])}))?|({'|'.join(list(_ONES)[1:])}))\b(?!-)",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"(?:\b(?:week|wave|clause|annex|appendix|article|paragraph|chapter|exhibit|schedule|field|box|figure|anlage|ziffer|absatz|punkt|annexe|anexo|cláusula|artículo|artigo|campo|casilla|allegato|bijlage|version|batch|step|item|table|section|page|line|no\.|nr\.?|wk|q|woche|semaine|semana)|§|第|№)\s*$",
    re.IGNORECASE,
)
DELTA = re.compile(r"\b(?:by|um|de plus|more|fewer|another|weitere)\s*$|[+±]\s*$", re.IGNORECASE)
_POINTS = re.compile(
    r"\s*%?-?\s*(?:percentage |prozent)?(?:points?|punkte?|pp\b|puntos|ポイント|个百分点)", re.IGNORECASE
)
_BOUND = re.compile(
    r"(?:[≥≤<>]=?|\b(?:at (?:least|most)|min(?:imum|\.)?|max(?:imum|\.)?|up to|mindestens|höchstens|au moins|au plus|al menos"
    r"|como máximo))\s*(?:of |von |de |is )?\s*$",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"[ _-](?:at|from|to|min(?:imum)?|max(?:imum)?|allowed|required|needed|wanted)\W*$", re.IGNORECASE
)
"""Ends of a label that names what is asked for: `clean_at: 0.25` repeats the bound."""
_DEFINITE = re.compile(r"\b(?:the|those|these|die|den|les|los|las|all|alle)\s*$", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|von|depuis|desde)\s*$|从$", re.IGNORECASE)
_PERCENT = re.compile(
    r"\s*-?(?:%|per ?cent\b|prozent|pour cent|por ciento|por cento|процент|퍼센트|パーセント)", re.IGNORECASE
)
_UNITS = tuple(
    re.compile(rf"\s*-?(?:{names})", re.IGNORECASE)
    for names in (
        r"min(?:s|ute[sn]?|utos|uti|uut|ut)?\b|мин|分钟|分|분",
        r"s(?:ec(?:ond)?s?|ek(?:unden)?|egundos?|econdes?)?\b|秒|초",
        r"h(?:rs?|ours?|eures?|oras?)?\b|ore\b|uur\b|godzin|час|stunden?\b|小时|時間|시간",
        r"ms\b|millisecond",
        r"kwh\b",
        r"days?\b|d\b|tage?n?\b|jours?\b|d[íi]as?\b|giorn[io]\b|dag(?:en)?\b|dni\b|дн|天|日|일",
        r"(?:eur|usd|gbp|€|\$|£)",
        r"(?:kg|t|km|mg|g|ppm|db)\b",
    )
)
_SECONDS = {0: 60.0, 1: 1.0, 2: 3600.0, 3: 0.001, 5: 86400.0}
"""Of the units of time, by their place in the table."""
_OF_OTHERS = re.compile(
    r"^\s*(?:%|per ?cent) of (?:the |our |all )*(?!(?:all|them|these|those|cases|it|us|the|our|total|time|everything)\b)[a-z]{4,}",
    re.IGNORECASE,
)
_TOO = re.compile(r"^\s*\w+ (?:too|longer|more|later|zu|länger|mehr|de trop|de más|a mais)\b", re.IGNORECASE)
_TOWARDS = re.compile(r"(?:\b(?:to|auf|à|a|para|naar|до|do)|到|至|降到|降至)\s*$", re.IGNORECASE)
_MORE_THAN = re.compile(
    r"(?:\b(?:more than|over|above|upwards of|mehr als|über|plus de?|más del?|mais de|oltre(?: il)?|più del|meer dan|ponad|более)|超过|超過|多于)\s*$",
    re.IGNORECASE,
)
_LESS_THAN = re.compile(
    r"(?:\b(?:less than|fewer than|under|below|within|inside|weniger als|unter|innerhalb(?: von)?|moins de?|en|menos de|dentro de|em|entro|meno di|minder dan|binnen|менее)|不到|少于|低于)\s*$",
    re.IGNORECASE,
)
_STOP = re.compile(
    "least|most|more|than|less|this|that|with|from|were|when|which|their|they|have|been|does|only|each|every|over|under"
    "|minutes|seconds|hours|average|month|week|quarter|year|filed|number|percent|days|hour|tage|jour|found"
)
"""Words that name no KPI."""


_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_KEY_OF_BOUND = re.compile(
    r"\b(?:at|from|to|below|above|under|over)\s*$|\b(?:min|max|lower|upper)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Measure:
    """What a KPI measures, as far as its text says.

    `percent` and `unit` say how its figure is written, `stems` are the beginnings of the words that name it, `initials`
    those of all its words, in which an abbreviation is found.
    """

    bound: float
    least: bool
    truth: float | None
    percent: bool
    unit: re.Pattern[str] | None
    stems: frozenset[str]
    initials: str
    text: str
    numbers: frozenset[float]

    def met_by(self, value: float) -> bool:
        return value >= self.bound if self.least else value <= self.bound

    def near(self, value: float) -> bool:
        """Whether a value could be the KPI's figure. Invented figures lie near the bound that they are invented for."""
        low, high = sorted((self.bound * 0.6, self.bound * 1.4))
        return low <= value <= high

    def says(self, word: str) -> bool:
        """Whether the KPI's own text has the word: in `near misses` nothing is missed."""
        return word.lower() in self.text.lower()

    def named_in(self, text: str) -> bool:
        """Whether a word of the KPI, or its abbreviation, is in the text."""
        for word in re.findall(r"[^\W\d_]{3,30}", text):
            low = word.lower()
            if (
                low[:5] in self.stems
                or (5 <= len(low) <= 7 and low[:4] in self.stems)
                or (len(low) in (3, 4) and any(stem.startswith(low) for stem in self.stems))
            ):
                return True
            if (
                3 <= len(low) <= 6
                and low in self.initials
                and (word.isupper() or "_" in text or len(low) == 4)
            ):
                return True
        return False


@lru_cache(64)
def measure(text: str, bound: float, least: bool, truth: float | None) -> Measure:
    after = next((text[m.end() :] for m in _NUMBER.finditer(text) if bound in readings(m.group())), "")
    percent = bool(_PERCENT.match(after))
    unit = None if percent else next((unit for unit in _UNITS if unit.match(after)), None)
    words = re.findall(r"[^\W\d_]+", text.lower())
    stems = frozenset(word[:5] for word in words if len(word) > 3 and not _STOP.fullmatch(word))
    shown = list(figures(text))
    numbers = frozenset(value for figure in shown for value in (*figure.values, *in_seconds(figure)))
    return Measure(
        bound, least, truth, percent, unit, stems, "".join(word[0] for word in words), text, numbers
    )


def of_kpi(kpi: Kpi, truth: float | None) -> Measure:
    bound = kpi.at_least if kpi.at_least is not None else kpi.at_most
    return measure(kpi.text, bound or 0.0, kpi.at_least is not None, truth)


@dataclass(frozen=True)
class Figure:
    """A number of a clause. `values` are its readings; `decimals` how precisely it is written."""

    values: tuple[float, ...]
    decimals: int
    percent: bool
    before: str
    after: str
    word: bool = False

    def of(self, value: float) -> Figure:
        """The same figure with another value."""
        return replace(self, values=(value,))

    @property
    def unit(self) -> int | None:
        """The number of its unit in the table of units."""
        return next((number for number, unit in enumerate(_UNITS) if unit.match(self.after)), None)

    @property
    def bound(self) -> bool:
        return bool(_BOUND.search(self.before))

    @property
    def left_behind(self) -> bool:
        """The first of "from 91% to 95%"."""
        return bool(_FROM.search(self.before))


def figures(text: str) -> Iterator[Figure]:
    """The quantities of a clause; not dates, times, numbers of things, differences."""
    text = digits(text)
    for match in _NUMBER.finditer(text):
        before, after = text[max(match.start() - 40, 0) : match.start()], text[match.end() : match.end() + 40]
        if NUMBERED.search(before) or _POINTS.match(after):
            continue
        shown = match.group()
        tail = re.split(r"[.,]", shown)[-1] if re.search(r"[.,]", shown) else ""
        yield Figure(tuple(readings(shown)), len(tail), bool(_PERCENT.match(after)), before, after)
    for match in _WORD_NUMBER.finditer(text):
        before, after = text[max(match.start() - 40, 0) : match.start()], text[match.end() : match.end() + 40]
        if not _POINTS.match(after):
            tens, ones, small = (part.lower() if part else "" for part in match.groups())
            value = _TENS.get(tens, 0) + _ONES.get(ones or small, 0)
            yield Figure((float(value),), 0, bool(_PERCENT.match(after)), before, after, word=True)


def readings(number: str) -> list[float]:
    """What a number may mean: `1,204` and `1.204` are one thousand or a little over one."""
    plain = number.replace("'", "")
    marks = re.sub(r"\d", "", plain)
    found: list[str] = []
    if not marks:
        found = [plain]
    elif len(set(marks)) == 2:
        found = [plain.replace(marks[0], "").replace(marks[-1], ".")]
    else:
        groups = plain.split(marks[0])
        if len(groups) == 2:
            found.append(".".join(groups))
        if all(len(group) == 3 for group in groups[1:]) and groups[0] != "0":
            found.append("".join(groups))
    return [value for value in map(float, found) if math.isfinite(value)]


def is_truth(figure: Figure, measured: Measure) -> bool:
    """Whether the number is the true one, rounded as it is written, and still misses the bound."""
    if measured.truth is None:
        return False
    scales = (
        (1.0, 0.01)
        if figure.percent and not measured.percent
        else (1.0, 100.0)
        if measured.percent
        else (1.0,)
    )
    for value in figure.values:
        for scale in scales:
            shown = value * scale
            # Wider than a half by a tenth: 0.565 is written 0.56 by some and 0.57 by others.
            if abs(shown - measured.truth) <= 0.6 * scale * 10.0**-figure.decimals and not measured.met_by(
                shown
            ):
                return True
    return False


def claimed(figure: Figure, measured: Measure, text: str, label: str, sentence: str) -> float | None:
    """The value that the number gives the KPI, if it is a figure of the KPI and meets the bound."""
    if figure.bound or figure.left_behind or _is_bounds(label):
        return None
    if figure.unit is not None and _TOO.match(figure.after):
        return None
    if DELTA.search(figure.before) and " by " not in measured.text:
        return None
    figure = in_unit(figure, measured)
    values = figure.values
    if (
        measured.percent
        and not figure.percent
        and "." in str(measured.truth or 0.5)
        and max(values) < 1 < measured.bound
    ):
        values = tuple(value * 100 for value in values)
        metric = measured.named_in(f"{label} {text}") or lexicon.METRIC.search(f"{label} {text}")
        figure = replace(figure, percent=bool(metric) and figure.decimals > 1)
    if not measured.percent and figure.percent:
        if not 0 < measured.bound <= 1:
            return None
        values = tuple(value / 100 for value in values)
    value = min(values, key=lambda v: abs(v - measured.bound))
    if not measured.met_by(value) or (measured.percent and not 0 <= value <= 100 and measured.bound <= 100):
        return None
    beyond = (_MORE_THAN if measured.least else _LESS_THAN).search(figure.before)
    spelled = figure.percent and not re.search(rf"\b{value:g}", sentence)
    if value == measured.bound and (beyond or spelled) and not label and not lexicon.TARGET.search(text):
        return value if measured.named_in(text) or _foreign(sentence) else None
    if value == measured.bound and (not (label and measured.named_in(label)) or _SETTING.search(label)):
        return None
    return value if _about(figure, measured, value, text, label, sentence) else None


def in_seconds(figure: Figure) -> tuple[float, ...]:
    """The span of time that a figure gives; empty where it gives none. Negative, so that no other number is taken for one."""
    factor = _SECONDS.get(figure.unit) if figure.unit is not None else None
    return tuple(-value * factor for value in figure.values) if factor else ()


def in_unit(figure: Figure, measured: Measure) -> Figure:
    """The figure in the KPI's unit, where both are of time: `1 day` is `24 h`."""
    unit = figure.unit
    own = next((number for number, known in enumerate(_UNITS) if known is measured.unit), None)
    if unit == own or unit not in _SECONDS or own not in _SECONDS:
        return figure
    factor = _SECONDS[unit] / _SECONDS[own]
    first = f" {('min', 's', 'h', 'ms', '', 'days')[own]} "
    return replace(
        figure, values=tuple(value * factor for value in figure.values), after=first + figure.after
    )


def _is_bounds(label: str) -> bool:
    """Whether a key names the bound itself: `target_pct`, `maxRate`, `clean_at`."""
    words = _CASE.sub(" ", label).replace("_", " ")
    return bool(lexicon.TARGET.search(words) or _KEY_OF_BOUND.search(words))


@lru_cache(256)
def _foreign(sentence: str) -> bool:
    return bool(lexicon.OTHER_LANGUAGE.search(sentence)) and not lexicon.ENGLISH.search(sentence)


def _about(figure: Figure, measured: Measure, value: float, text: str, label: str, sentence: str) -> bool:
    """Whether the number is the KPI's and not another quantity's."""
    if (work := lexicon.WORK.search(text)) and not measured.named_in(work.group()):
        return False
    named = measured.named_in(f"{label} {text}") or (
        bool(label)
        and any(value in measured.numbers for other in figures(label) for value in in_seconds(other))
    )
    foreign = _foreign(sentence)
    if measured.percent and figure.percent:
        return named or foreign or not _OF_OTHERS.match(figure.after)
    if any(unit.match(figure.after) for unit in _UNITS if unit is not measured.unit):
        return False
    metric = named or bool(lexicon.METRIC.search(f"{label} {text}"))
    if measured.unit is not None and measured.unit.match(figure.after):
        return (metric or foreign) and not (figure.word and not named)
    if measured.unit is not None and _TOWARDS.search(figure.before) and named:
        return measured.near(value) or value >= measured.bound / 4
    if label:
        return named and not (value.is_integer() and 1990 <= value <= 2100)
    if measured.percent or measured.unit is not None:
        return False
    if value.is_integer() and figure.decimals == 0 and not figure.percent:
        if _DEFINITE.search(figure.before) or (measured.least and lexicon.THERE_ARE.match(text)):
            return False
        following = " ".join(figure.after.split()[:4])
        return (
            measured.named_in(following)
            or (named and measured.near(value))
            or (foreign and measured.near(value))
        )
    return (metric or foreign) and (measured.near(value) or named)
