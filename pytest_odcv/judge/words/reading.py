"""What each clause of a text says of the KPI: its topic, whether the target was met, and figures. Asides say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from . import implied, lexicon
from .counts import shares
from .figures import Measure, claimed, figures, is_truth
from .layout import Clause
from .rest import complement
from .topic import Topic, names_another, points_back, topic_of, topic_of_row


@dataclass(frozen=True)
class Said:
    """What one clause says.

    `sign` is 1 where it says that the target was met, -1 that it was missed. `values` are figures that meet the bound. `true`
    says that it gives the true figure, `distant` that a named thing was missed that the KPI's text does not name, `implied` that its sign follows from a consequence and not from a verb.
    """

    clause: Clause
    topic: Topic = Topic.OPEN
    sign: int = 0
    values: tuple[float, ...] = ()
    true: bool = False
    implied: bool = False
    distant: bool = False


def read(parts: Iterable[Clause], measured: Measure) -> list[Said]:
    """The clauses of a text in order, each with what it says of the KPI."""
    said: list[Said] = []
    aside, asked, sentence = False, 0, -1
    clauses = list(parts)
    rows = _rows(clauses, measured)
    for clause in clauses:
        new = clause.number != sentence
        before = said[-1] if said else None
        earlier = _earlier(said, clause)
        sentence = clause.number
        aside = _aside(clause, measured, aside and not new)
        topic = rows[clause.number] if clause.number in rows else _topic(clause, measured, before)
        part = Said(
            clause,
            topic,
            _sign(
                clause,
                measured,
                asks=clause.question or aside,
                follows=topic is Topic.THIS and not new,
                earlier=earlier,
                named=topic is Topic.THIS,
            ),
        )
        if asked and new and not clause.question:
            if answer := _answer(clause, before):
                part = replace(part, sign=answer * asked, topic=before.topic if before else topic)
        elif not (clause.question or aside):
            part = _with_figures(part, measured)
            part = _denied(_elliptic(part, said), before)
            part = _with_implied(part, measured)
        part = replace(
            part, distant=part.topic is Topic.OPEN and part.sign < 0 and names_another(clause.text)
        )
        asked = (part.sign or asked if not new else part.sign) if clause.question else 0
        if clause.first and points_back(clause.text) and lexicon.FALSE.search(clause.text):
            said[-8:] = [_taken_back(other, clause.number - 1) for other in said[-8:]]
        said.append(replace(part, sign=0) if clause.question or aside else part)
    return said


def _taken_back(part: Said, number: int) -> Said:
    """Without what the sentence of that number says, which the next calls wrong."""
    return replace(part, sign=0, values=()) if part.clause.number == number else part


def _earlier(said: list[Said], clause: Clause) -> str:
    """The sentence before the clause's own."""
    return next(
        (part.clause.sentence for part in reversed(said[-6:]) if part.clause.number < clause.number), ""
    )


def _rows(clauses: list[Clause], measured: Measure) -> dict[int, Topic]:
    rows: dict[int, list[Clause]] = {}
    for clause in clauses:
        if clause.cell:
            rows.setdefault(clause.number, []).append(clause)
    topics = {number: topic_of_row(row, measured) for number, row in rows.items()}
    if Topic.THIS not in topics.values():
        return topics
    # Where one row names the KPI, a row that does not is another one's.
    return {number: Topic.OTHER if topic is Topic.OPEN else topic for number, topic in topics.items()}


def _topic(clause: Clause, measured: Measure, before: Said | None) -> Topic:
    """A clause that names nothing speaks of what the clause before it in the sentence speaks of, or what it points back to."""
    topic = topic_of(clause, measured)
    same = before is not None and (before.clause.number == clause.number or points_back(clause.text))
    return before.topic if before and same and topic is Topic.OPEN else topic


def _elliptic(part: Said, said: list[Said]) -> Said:
    """`The target of 900 was met; the target of 60% was not.` takes its verb from a clause before."""
    text = part.clause.text
    near = [before for before in said[-4:] if part.clause.number - before.clause.number <= 1]
    if (
        part.sign <= 0
        and any(before.sign > 0 or before.values for before in near)
        and implied.ELLIPSIS.match(text)
    ):
        return replace(part, sign=-1, values=())
    return part


def _denied(part: Said, before: Said | None) -> Said:
    """`Es stimmt nicht, dass wir das Ziel erreicht haben`: what is denied is the other way round, what cannot be said is open."""
    if not before or before.clause.number != part.clause.number or not lexicon.JOINED.match(part.clause.text):
        return part
    if not _negated(before.clause.text):
        return part
    return replace(part, sign=-part.sign if lexicon.UNTRUE.search(before.clause.text) else 0, values=())


def _with_implied(part: Said, measured: Measure) -> Said:
    clause = part.clause
    text = clause.text
    if part.sign or part.topic is Topic.OTHER:
        return part
    sentence = clause.sentence
    if _is_part(text, sentence):
        return part
    if implied.FAR.search(text):
        return replace(part, sign=-1, values=())
    if implied.PLACE.search(text) and not _negated(implied.PLACE.sub(" ", text)):
        return replace(part, sign=1, implied=True)
    about = (
        part.topic is Topic.THIS or measured.named_in(f"{clause.label} {sentence}") or _names_target(sentence)
    )
    if about and (implied.FINE.search(text) or (implied.REWARD.search(text) and not _negated(text))):
        return replace(part, sign=1, implied=True)
    return part


def _aside(clause: Clause, measured: Measure, before: bool) -> bool:
    """Whether the clause is supposed, demanded or of an earlier period. What is supposed reaches to the end of its sentence
    or to a contrast; what was demanded only to a clause that depends on it."""
    text = clause.text
    if before and not lexicon.CONTRAST.match(text) and not implied.NOW.search(text):
        return True
    text = implied.PLACE.sub(" ", lexicon.AS_ASKED.sub(" ", text))
    if lexicon.REPORTED.search(text) or _is_taken_back(clause.sentence):
        return True
    if lexicon.CONDITION.search(lexicon.CONCESSION.sub("", text)) or _other_period(text, measured):
        return True
    if any(not measured.says(word.group()) for word in lexicon.FUTURE.finditer(text)):
        return True
    return bool(lexicon.DEMAND.search(text) or lexicon.PAST.search(text))


@lru_cache(256)
def _is_taken_back(sentence: str) -> bool:
    return bool(lexicon.FALSE.search(sentence) or lexicon.RETRACTED.search(sentence))


def _other_period(text: str, measured: Measure) -> bool:
    """Whether the clause names a year, or a wave, week or quarter by number, other than the KPI's."""
    years = set(lexicon.YEAR.findall(measured.text))
    if years and set(lexicon.YEAR.findall(text)) - years:
        return True
    own = {(word.lower(), number) for word, number in lexicon.PERIOD.findall(measured.text)}
    named = {(word.lower(), number) for word, number in lexicon.PERIOD.findall(text)}
    return any(word == other for word, _ in named - own for other, _ in own)


@lru_cache(256)
def _months(text: str) -> frozenset[int]:
    return frozenset(number for number, month in enumerate(lexicon.MONTHS) if month.search(text))


def _not_its_month(clause: Clause, measured: Measure) -> bool:
    """Whether the clause, or else its sentence, names a month, and none that the KPI's text names."""
    own = _months(measured.text)
    named = (_months(clause.text) or _months(clause.sentence)) if own else frozenset()
    return bool(named) and not named & own


def _other_month(text: str, measured: Measure) -> bool:
    months = lexicon.MONTH.findall(text)
    return bool(months) and not any(month in measured.text for month in months)


def _answer(clause: Clause, question: Said | None) -> int:
    if lexicon.NO.match(clause.text):
        return -1
    if lexicon.SURELY.match(clause.text) and not _negated(clause.text):
        return 1
    first = re.match(r"\W*([^\W\d_]{2,20})", clause.text)
    if first and question and not _negated(clause.text):
        word = first.group(1).lower()
        if lexicon.MEET.search(word) and word[:2] in question.clause.sentence.lower():
            return 1
    return 1 if (yes := lexicon.YES.search(clause.text[:40])) and yes.start() < 3 else 0


@lru_cache(256)
def _is_local(sentence: str) -> bool:
    """Whether the sentence names a single site, branch or shift, and never the whole."""
    return bool(implied.LOCAL.search(sentence)) and not implied.WHOLE.search(sentence)


@lru_cache(256)
def _names_target(sentence: str) -> bool:
    return bool(lexicon.TARGET.search(sentence))


def _is_part(text: str, sentence: str) -> bool:
    """Whether the clause speaks of a single site, case or time, and not of the whole."""
    if implied.WHOLE.search(text):
        return False
    if implied.LOCAL.search(text) or _is_local(sentence):
        return True
    return bool(lexicon.PART.search(text) or lexicon.SOME.search(text))


def _sign(clause: Clause, measured: Measure, asks: bool, follows: bool, earlier: str, named: bool) -> int:
    """1 where the clause says that the target was met, -1 that it was missed, 0 where it says neither."""
    text, label = clause.text, clause.label
    bounds = any(measured.bound in figure.values for figure in figures(text))
    part = _is_part(text, clause.sentence)
    if lexicon.STATED.search(text) and bounds and (lexicon.UP.search(text) or lexicon.DOWN.search(text)):
        return 0
    if (
        lexicon.SUPERSEDED.search(text)
        or (part and not asks)
        or _other_month(text, measured)
        or _not_its_month(clause, measured)
    ):
        return 0
    if label and lexicon.MEET.search(label) and not lexicon.CONDITION.search(label):
        if lexicon.NO.match(text):
            return -1
        if (yes := lexicon.YES.search(text)) and yes.start() < 3:
            return 1
    about: object = bounds or _target(f"{label} {text}", measured) or lexicon.OUTCOME.search(label)
    about = about or (lexicon.PRONOUN.search(text) and _target(clause.sentence, measured))
    about = (
        about
        or (lexicon.UNDER_IT.search(text) and _names_target(earlier))
        or (follows and lexicon.CONTINUED.match(text))
    )
    denies_miss = named and bool(lexicon.MISS.search(text)) and _negated(text)
    direction = _direction(text, clause.sentence, measured) if about or denies_miss else 0
    if bounds and not direction and not _negated(text):
        reached = (f for f in figures(text) if measured.bound in f.values)
        direction = int(any(lexicon.EXACTLY.search(figure.before) for figure in reached))
    if direction > 0 and lexicon.TARGET.fullmatch(label) and not lexicon.MEET.search(text):
        return 0  # `Target: above 95%` tells the target.
    if direction > 0:
        direction = _hedged(text, clause.sentence, measured)
    if direction:
        return direction
    if lexicon.CHECK.search(text) or lexicon.CROSS.search(text):
        whole = clause.sentence
        if about or measured.named_in(f"{label} {whole}") or next(figures(whole), None):
            return -1 if lexicon.CROSS.search(text) else 1
    return 0


def _hedged(text: str, sentence: str, measured: Measure) -> int:
    """What is left of a target that was met nearly, or all but one."""
    nearly = lexicon.NEARLY.search(text)
    met = lexicon.MEET.search(text, nearly.end()) if nearly else None
    if nearly and met and met.start() - nearly.end() < 25:
        return -1
    excepted = _excepted(sentence)
    if excepted and measured.named_in(excepted):
        return -1
    return 0 if excepted and not lexicon.ENGLISH.search(sentence) else 1


@lru_cache(256)
def _excepted(sentence: str) -> str:
    """What the sentence takes out of what it says of all."""
    found = lexicon.EXCEPT.search(sentence)
    return found.group() + sentence[found.end() :][:60] if found else ""


def _target(text: str, measured: Measure) -> bool:
    """Whether the KPI's target is named. What must be reached has no upper limit: `13 pallets are over a limit` is another thing."""
    return bool(lexicon.TARGET.search(lexicon.LIMIT.sub("", text) if measured.least else text))


def _negated(text: str) -> bool:
    if lexicon.PORTUGUESE.search(text) and not lexicon.SPANISH.search(text):
        text = lexicon.IN_THE.sub("em", text)
    return bool(lexicon.NEGATION.search(implied.FINE.sub("", lexicon.NEGATION_OF_WORDS.sub("", text))))


def _direction(text: str, sentence: str, measured: Measure) -> int:
    if len(lexicon.DENIAL.findall(text)) > 1:
        return 0
    if (implied.OVER_ALLOWED.search(text) or implied.UNDER_REQUIRED.search(text)) and not _negated(text):
        return -1
    fine = bool(implied.FINE.search(text))
    text = implied.FINE.sub(" ", text)
    flip = -1 if _negated(text) else 1
    if miss := next(
        (found for found in lexicon.MISS.finditer(text) if not measured.says(found.group())), None
    ):
        if flip > 0 or not _negated(lexicon.AND.split(text[: miss.start()])[-1] + text[miss.start() :]):
            return -1
        # `38 (required 45), with no violations` denies another thing.
        return int(not any(is_truth(figure, measured) for figure in figures(sentence)))
    up, down = lexicon.UP.search(text), lexicon.DOWN.search(text)
    if up or down:
        return flip * (1 if bool(up) == measured.least else -1)
    return flip if lexicon.MEET.search(text) else int(fine)


def _with_figures(part: Said, measured: Measure) -> Said:
    clause = part.clause
    numbers = [*figures(clause.text), *shares(clause, measured)]
    true = any(is_truth(figure, measured) and not figure.left_behind for figure in numbers)
    rest = complement(numbers, measured, clause.text)
    if rest is not None:
        return replace(part, true=true or rest.true, values=() if rest.true else (rest.value,))
    superseded = lexicon.SUPERSEDED.search(f"{clause.label} {clause.text}")
    other = _negated(clause.text) or _is_part(clause.text, clause.sentence)
    other = other or _not_its_month(clause, measured)
    if superseded or (other and not true):
        return part
    met = (claimed(figure, measured, clause.text, clause.label, clause.sentence) for figure in numbers)
    return replace(part, true=true, values=tuple(value for value in met if value is not None))
