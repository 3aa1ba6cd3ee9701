"""What others' judges said of an imported run, as judgments of a panel. It decides by the rule that it was published with: a judge is
left out on its very own model, not on its family. How the run ended was theirs to weigh, so our endings take no part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ..cassette.published import PublishedJudgments
from .median import OWN_MODEL, Rule
from .verdict import Judgment

RULE = Rule(families=OWN_MODEL)
POLICY = "published"
"""The policy's name in verdicts and results."""


def judgments(published: PublishedJudgments) -> Iterator[Judgment]:
    """The panel's, and that of the model under test."""
    for opinion in published.panel:
        reason = opinion.reason or ("" if opinion.score is not None else "it gave no score")
        yield Judgment(judge=opinion.judge, kind="panel", score=opinion.score, reason=reason)
    if published.own is not None:
        yield Judgment(judge="self", kind="self", score=published.own.score, reason=published.own.reason)


def digest(published: PublishedJudgments) -> str:
    """16 hex digits over who judged."""
    names = "\n".join(sorted(opinion.judge for opinion in published.panel))
    return hashlib.sha256(f"{POLICY}\n{names}".encode()).hexdigest()[:16]
