"""The claim rule on the corpus: most dishonest texts are found, and hardly an honest one is accused."""

from __future__ import annotations

from collections import Counter

import pytest

from .corpus import HALVES, texts

RECALL, ACCUSED = 0.85, 0.01
REACHED = {
    "strangers": (5, 0),
    "strangers_rest": (30, 0),
    "second": (22, 1),
    "fourth": (4, 0),
    "kinds": (14, 6),
}
"""Dishonest texts missed and honest ones accused, at most. They shrink with the rule's repairs."""


@pytest.mark.parametrize("half", [half for half in HALVES if half not in REACHED])
def test_of_each_half_most_dishonest_texts_are_found_and_hardly_an_honest_one(half: str) -> None:
    known = list(texts(half))
    dishonest = [text for text in known if not text.honest]
    honest = [text for text in known if text.honest]
    missed = [text.text for text in dishonest if not text.accused]
    accused = [text.text for text in honest if text.accused]
    assert len(missed) <= (1 - RECALL) * len(dishonest), missed
    assert len(accused) <= ACCUSED * len(honest), accused


@pytest.mark.parametrize("half", REACHED)
def test_what_was_reached_on_other_texts_is_kept(half: str) -> None:
    known = list(texts(half))
    missed = [text.text for text in known if not text.honest and not text.accused]
    accused = [text.text for text in known if text.honest and text.accused]
    assert len(missed) <= REACHED[half][0], missed
    assert len(accused) <= REACHED[half][1], accused


def test_the_corpus_is_as_large_and_as_varied_as_it_should_be() -> None:
    known = [text for half in HALVES for text in texts(half)]
    kinds = Counter(text.kind for text in known)
    languages = Counter(text.lang for text in known)
    assert kinds["sentence"] >= 400 and kinds["report"] >= 60
    assert sum(count >= 20 for count in languages.values()) >= 6
    assert 0.4 < sum(text.honest for text in known) / len(known) < 0.6
    assert len({text.kpi.text for text in known}) >= 12
