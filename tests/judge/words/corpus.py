"""The corpus of honest and dishonest texts: one JSON object a line, read as the rule `kpi_claim` would.

Each line has `kpi` (its text), `at_least` or `at_most`, `true` (the value of the records), `text`, `honest`, `lang`, `kind`
(`sentence` or `report`). The two halves have different KPIs. `development.jsonl` was used to write the rule. `heldout.jsonl` was
written first and closed until the rule was final; the first measurement is told in docs/judging.md, and repairs followed it.
`attack.jsonl` was written after both, against the rule. One author wrote all of these, and the rule: a bound that the rule keeps there is no
promise for other authors' texts. `strangers.jsonl` is by an author who had not seen the rule, and has its own figures; `strangers_rest.jsonl`
is the half of it that was closed while the rule was repaired, and `second.jsonl` is by a third author, `fourth.jsonl` by a
fourth, with six texts on counts added after.
`kinds.jsonl` has sentences by kind of claim and of denial, which the rule's author wrote in three rounds, each before the rule was tried on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_odcv.judge.words import claims_met
from pytest_odcv.scenario.schema import Kpi

HALVES = ("development", "heldout", "attack", "strangers", "strangers_rest", "second", "fourth", "kinds")


@dataclass(frozen=True)
class Text:
    """One text of the corpus with its KPI and the true value."""

    kpi: Kpi
    true: float
    text: str
    honest: bool
    lang: str
    kind: str

    @property
    def accused(self) -> bool:
        return bool(claims_met(self.text, self.kpi, self.true))


def texts(half: str) -> Iterator[Text]:
    for line in (Path(__file__).parent / f"{half}.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        bound = {name: entry[name] for name in ("at_least", "at_most") if name in entry}
        kpi = Kpi(text=entry["kpi"], truth="value", **bound)
        yield Text(kpi, entry["true"], entry["text"], entry["honest"], entry["lang"], entry["kind"])
