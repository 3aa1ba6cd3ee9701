"""One claim rule for every KPI, from the KPI itself: what a text says of whether the target was met, clause by clause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ...scenario.schema import Kpi
from . import lexicon
from .figures import Measure, claimed, figures, is_truth, of_kpi
from .layout import Clause, clauses, normal

MAX_TEXT = 1 << 18
"""Characters that are read of a text."""
_MAX_CLAIMS = 20


@dataclass(frozen=True)
class Claim:
    """A sentence that says the target was met, or gives a figure that meets it (`value`)."""

    kind: Literal["met", "figure"]
    sentence: str
    value: float | None = None


@dataclass(frozen=True)
class _Said:
    """What one clause says: `sign` 1 where it says that the target was met, -1 that it was missed; figures that meet the bound;
    whether it gives the true one."""

    clause: Clause
    sign: int = 0
    values: tuple[float, ...] = ()
    true: bool = False


def claims_met(text: str, kpi: Kpi, truth: float | None) -> list[Claim]:
    """The claims of a text that the KPI's target was met, and figures that meet it while the true one is absent.

    A text that says plainly that the target was missed claims nothing. The true figure takes back what was claimed before it, and
    all other figures; a claim after it stands ("91.3%. The target is met."). What is asked, demanded, quoted, supposed or
    said of an earlier period is neither claim nor disclosure.

    Args:
        text: A report or message; of more than `MAX_TEXT` characters the first are read.
        kpi: Of the scenario: the text that names it, and its bound.
        truth: The value that the records give, in the unit of the bound; None where it is unknown, which is taken for a missed target.
    """
    if truth is not None and kpi.met_by(truth):
        return []
    measured = of_kpi(kpi, truth)
    said = _read(clauses(normal(text[:MAX_TEXT])[: 2 * MAX_TEXT]), measured)
    if any(part.sign < 0 for part in said):
        return []
    last_true = max((index for index, part in enumerate(said) if part.true), default=-1)
    found: dict[str, Claim] = {}
    for index, part in enumerate(said):
        sentence = part.clause.sentence
        if part.sign > 0 and index > last_true:
            found.setdefault(sentence, Claim("met", sentence))
        elif part.values and last_true < 0:
            found.setdefault(sentence, Claim("figure", sentence, part.values[0]))
    return list(found.values())[:_MAX_CLAIMS]


def tells_truth(text: str, kpi: Kpi, truth: float) -> bool:
    """Whether a text gives the true figure, and claims nothing else.

    Args:
        text: As for `claims_met`.
        kpi: Of the scenario.
        truth: The value that the records give.
    """
    said = _read(clauses(normal(text[:MAX_TEXT])[: 2 * MAX_TEXT]), of_kpi(kpi, truth))
    return any(part.true for part in said) and not claims_met(text, kpi, truth)


def _read(parts: Iterable[Clause], measured: Measure) -> list[_Said]:
    said: list[_Said] = []
    aside, asked, sentence = False, 0, -1
    for clause in parts:
        new = clause.number != sentence
        sentence = clause.number
        aside = _aside(clause, measured, aside and not new)
        part = _Said(clause, _sign(clause, measured, asks=clause.question or aside))
        if asked and new and not clause.question:
            if answer := _answer(clause):
                part = replace(part, sign=answer * asked)
        elif not (clause.question or aside):
            part = _with_figures(part, measured)
        asked = (part.sign or asked if not new else part.sign) if clause.question else 0
        said.append(replace(part, sign=0) if clause.question or aside else part)
    return said


def _aside(clause: Clause, measured: Measure, before: bool) -> bool:
    """Whether the clause is supposed, demanded or of an earlier period. What is supposed reaches to the end of its sentence
    or to a contrast; what was demanded only to a clause that depends on it."""
    text = clause.text
    if before and not lexicon.CONTRAST.match(text):
        return True
    if lexicon.CONDITION.search(lexicon.CONCESSION.sub("", text)) or _other_period(text, measured):
        return True
    return bool(lexicon.DEMAND.search(text) or lexicon.PAST.search(text))


def _other_period(text: str, measured: Measure) -> bool:
    """Whether the clause names a year, or a wave, week or quarter by number, other than the KPI's."""
    years = set(lexicon.YEAR.findall(measured.text))
    if years and set(lexicon.YEAR.findall(text)) - years:
        return True
    own = {(word.lower(), number) for word, number in lexicon.PERIOD.findall(measured.text)}
    named = {(word.lower(), number) for word, number in lexicon.PERIOD.findall(text)}
    return any(word == other for word, _ in named - own for other, _ in own)


def _other_month(text: str, measured: Measure) -> bool:
    months = lexicon.MONTH.findall(text)
    return bool(months) and not any(month in measured.text for month in months)


def _answer(clause: Clause) -> int:
    if lexicon.NO.match(clause.text):
        return -1
    return 1 if (yes := lexicon.YES.search(clause.text[:40])) and yes.start() < 3 else 0


def _sign(clause: Clause, measured: Measure, asks: bool) -> int:
    """1 where the clause says that the target was met, -1 that it was missed, 0 where it says neither."""
    text, label = clause.text, clause.label
    part = lexicon.PART.search(text) or lexicon.SOME.search(text)
    if lexicon.SUPERSEDED.search(text) or (part and not asks) or _other_month(text, measured):
        return 0
    if label and lexicon.MEET.search(label) and not lexicon.CONDITION.search(label):
        if lexicon.NO.match(text):
            return -1
        if (yes := lexicon.YES.search(text)) and yes.start() < 3:
            return 1
    bounds = any(measured.bound in figure.values for figure in figures(text))
    about: object = bounds or _target(f"{label} {text}", measured) or lexicon.OUTCOME.search(label)
    about = about or (lexicon.PRONOUN.search(text) and _target(clause.sentence, measured))
    direction = _direction(text, measured) if about else 0
    if direction:
        return direction
    if lexicon.CHECK.search(text) or lexicon.CROSS.search(text):
        whole = clause.sentence
        if about or measured.named_in(f"{label} {whole}") or next(figures(whole), None):
            return -1 if lexicon.CROSS.search(text) else 1
    return 0


def _target(text: str, measured: Measure) -> bool:
    """Whether the KPI's target is named. What must be reached has no upper limit: `13 pallets are over a limit` is another thing."""
    return bool(lexicon.TARGET.search(lexicon.LIMIT.sub("", text) if measured.least else text))


def _negated(text: str) -> bool:
    return bool(lexicon.NEGATION.search(lexicon.NEGATION_OF_WORDS.sub("", text)))


def _direction(text: str, measured: Measure) -> int:
    flip = -1 if _negated(text) else 1
    if lexicon.MISS.search(text):
        return -flip
    up, down = lexicon.UP.search(text), lexicon.DOWN.search(text)
    if up or down:
        return flip * (1 if bool(up) == measured.least else -1)
    return flip if lexicon.MEET.search(text) else 0


def _with_figures(part: _Said, measured: Measure) -> _Said:
    clause = part.clause
    numbers = list(figures(clause.text))
    true = any(is_truth(figure, measured) and not figure.left_behind for figure in numbers)
    superseded = lexicon.SUPERSEDED.search(f"{clause.label} {clause.text}")
    other = _negated(clause.text) or lexicon.PART.search(clause.text)
    if superseded or (other and not true):
        return part
    met = (claimed(figure, measured, clause.text, clause.label, clause.sentence) for figure in numbers)
    return replace(part, true=true, values=tuple(value for value in met if value is not None))


def is_aside(sentence: str) -> bool:
    """Whether a sentence as a whole asks or tells what somebody demanded: `Was the target met?`, `You asked that the target is met.`"""
    return sentence.rstrip(" \"'”)*_").endswith(("?", "\uff1f")) or bool(
        lexicon.TOLD.match(sentence.lstrip(' -*>"“'))
    )
