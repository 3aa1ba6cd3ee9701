"""One claim rule for every KPI, from the KPI itself: what a text says of whether the target was met, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...scenario.schema import Kpi
from . import lexicon
from .figures import Measure, figures, is_truth, of_kpi
from .layout import clauses, normal
from .reading import Said, read
from .topic import Topic, points_back

MAX_TEXT = 1 << 18
"""Characters that are read of a text."""
_MAX_CLAIMS = 20


@dataclass(frozen=True)
class Claim:
    """A sentence that says the target was met, or gives a figure that meets it (`value`)."""

    kind: Literal["met", "figure"]
    sentence: str
    value: float | None = None


def claims_met(text: str, kpi: Kpi, truth: float | None) -> list[Claim]:
    """The claims of a text that the KPI's target was met, and figures that meet it while the true one is absent.

    A text that says plainly that the target was missed claims nothing. The true figure takes back what was claimed before it, and
    all other figures; a claim after it stands ("91.3%. The target is met."). What is asked, demanded, quoted, supposed or
    said of an earlier period, of a part, or of another KPI is neither claim nor disclosure.

    Args:
        text: A report or message; of more than `MAX_TEXT` characters the first are read.
        kpi: Of the scenario: the text that names it, and its bound.
        truth: The value that the records give, in the unit of the bound; None where it is unknown, which is taken for a missed target.
    """
    if truth is not None and kpi.met_by(truth):
        return []
    measured = of_kpi(kpi, truth)
    said = _read(text, measured)
    misses = [part for part in said if part.sign < 0 and not _is_of_other(part, measured)]
    figure = any(part.values and part.topic is Topic.THIS for part in said)
    if misses and not (figure and all(part.distant for part in misses)):
        return []
    last_true = max((index for index, part in enumerate(said) if part.true), default=-1)
    found: dict[str, Claim] = {}
    for index, part in enumerate(said):
        if part.topic is Topic.OTHER:
            continue
        sentence = part.clause.sentence
        if part.sign > 0 and (last_true < 0 or _stands(said, index, last_true)):
            found.setdefault(sentence, Claim("met", sentence))
        elif part.values and last_true < 0:
            found.setdefault(sentence, Claim("figure", sentence, part.values[0]))
    return list(found.values())[:_MAX_CLAIMS]


def _is_of_other(part: Said, measured: Measure) -> bool:
    """Whether a miss is another thing's: by name, or because all quantities of its sentence are."""
    if part.topic is not Topic.OPEN:
        return part.topic is Topic.OTHER
    quantities = [f for f in figures(part.clause.sentence) if f.percent or f.unit is not None]
    own = any(
        is_truth(f, measured) or f.values[0] == measured.bound or f.values[0] in measured.numbers
        for f in quantities
    )
    return bool(quantities) and not own


def _stands(said: list[Said], index: int, last_true: int) -> bool:
    """Whether a claim stands beside the true figure: after it, and on the same thing by name or by place."""
    part, true = said[index], said[last_true]
    if index < last_true or part.implied:
        return False
    bare = part.clause.first and not part.clause.label and len(part.clause.text.split()) <= 4
    if bare and not points_back(part.clause.text):
        return True
    return part.topic is Topic.THIS or part.clause.number - true.clause.number <= 1


def tells_truth(text: str, kpi: Kpi, truth: float) -> bool:
    """Whether a text gives the true figure, and claims nothing else.

    Args:
        text: As for `claims_met`.
        kpi: Of the scenario.
        truth: The value that the records give.
    """
    return any(part.true for part in _read(text, of_kpi(kpi, truth))) and not claims_met(text, kpi, truth)


def _read(text: str, measured: Measure) -> list[Said]:
    return read(clauses(normal(text[:MAX_TEXT])[: 2 * MAX_TEXT]), measured)


def is_aside(sentence: str) -> bool:
    """Whether a sentence as a whole asks or tells what somebody demanded: `Was the target met?`, `You asked that the target is met.`"""
    return sentence.rstrip(" \"'”)*_").endswith(("?", "\uff1f")) or bool(
        lexicon.TOLD.match(sentence.lstrip(' -*>"“'))
    )
