"""Shares of the rest: `1% is unmatched` says of `at least 98.5% are matched` what `99% are matched` says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import lexicon
from .figures import Figure, Measure, in_seconds, is_truth

_WITHOUT = re.compile(
    r"\b(?:un(?!it|der|ion|til|ique|e\b|a\b|o\b)\w{4,}|non[ -]\w{4,}|not (?:yet )?\w{3,}|in(?:complete|correct)|late|missing|missed|outstanding|overdue|without|left over|failed|lack\w*)\b"
    r"|\b(?:un(?:zu|ab|be|ge|er|voll)\w{4,}|nicht \w{4,}|ohne|offen\w*|fehl(?:t|en|end\w*)|verspätet\w*|überfällig\w*)\b"
    r"|\b(?:non \w{4,}|sans|en retard|manquant\w*|incompl[eè]t\w*)\b"
    r"|\b(?:sin \w{4,}|sem \w{4,}|por \w+ar|pendientes?|pendentes?|não \w{4,}|retrasad\w+|atrasad\w+|incomplet\w+|senza \w{4,}|in ritardo|te laat|niet \w{4,}|zonder|nie\w{4,}|без|не\w{4,})\b"
    r"|未\S|没有?\S|无法|逾期|迟到|缺失|延误|不(?:完整|准时|齐)|漏|未処理|遅延|미(?:처리|완료)",
    re.IGNORECASE,
)
_IN_ORDER = re.compile(
    r"\b(?:within|inside|in (?:range|order|spec|time)|compliant|conform\w*|intact|fine|without (?:an? )?(?:excursion|deviation|error|defect|incident|dispute|complaint)\w*|free of)\b"
    r"|\b(?:innerhalb|im (?:rahmen|bereich|soll)|in ordnung|einwandfrei\w*|fehlerfrei\w*|ohne)\b|\b(?:dans (?:la plage|les limites|les clous)|conformes?|sans)\b"
    r"|\b(?:dentro d\w+|correct[oa]s|corret[oa]s|conformes?|sin|sem|entro|binnen|zonder|w normie|w granicach|в норме|в пределах)\b|正常|范围内|合格|达标|完好|基準内|正常範囲",
    re.IGNORECASE,
)
_FEWER = re.compile(
    r"(?:\b(?:less|fewer|lower) than|under|below|weniger als|unter|moins de?|menos d[eo]|meno d[ei]|minder dan|mniej niż|менее|不到|不足|少于|低于)\s*$",
    re.IGNORECASE,
)

_LONGER = re.compile(
    r"\b(?:longer|later|slower) than\b|\b(?:länger|später|langsamer) als\b|\bplus (?:longtemps|tard|lentement)? ?(?:que|de)\b|\bmás (?:tarde )?(?:de|que)\b|\bmais (?:tarde )?(?:do que|de|que)\b"
    r"|\bpiù (?:a lungo )?(?:di|che)\b|\blanger dan\b|\bdłużej niż\b|дольше",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rest:
    """The KPI's share by its rest."""

    value: float
    true: bool


def complement(numbers: list[Figure], measured: Measure, text: str) -> Rest | None:
    """The share that a clause gives by its rest, where it meets the bound or is the true one; None where it gives none."""
    if not measured.percent or not 0 < measured.bound < 100 or measured.least is not (measured.bound > 50):
        return None
    if lexicon.TARGET.search(text) and not _FEWER.search(text):
        return None
    attribute = _WITHOUT if measured.least else _IN_ORDER
    late = (lexicon.UP.search(text) or _LONGER.search(text)) and any(
        span in measured.numbers for f in numbers for span in in_seconds(f)
    )
    if not (attribute.search(text) or (measured.least and late)) or (
        not measured.least and not measured.named_in(text)
    ):
        return None
    for figure in numbers:
        if (
            not figure.percent
            or figure.bound
            or figure.left_behind
            or (figure.values[0] > 50) is measured.least
        ):
            continue
        value = 100 - figure.values[0]
        if is_truth(figure.of(value), measured):
            return Rest(value, true=True)
        strictly = value != measured.bound or (measured.least and _FEWER.search(figure.before))
        if measured.met_by(value) and strictly:
            return Rest(value, true=False)
    return None
