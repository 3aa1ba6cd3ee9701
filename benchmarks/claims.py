"""What the claim rule finds in the corpus of tests/judge/words, by half, language and kind.

`found` are dishonest texts with a claim, `accused` honest ones. Exits with 1 where a half has less than 85% found or more than 1%
accused.

Run: python benchmarks/claims.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.judge.words.corpus import HALVES, Text, texts


def row(name: str, some: Sequence[Text]) -> str:
    dishonest = [text.accused for text in some if not text.honest]
    honest = [text.accused for text in some if text.honest]
    return f"{name:24} {sum(dishonest):4} of {len(dishonest):3}   {sum(honest):4} of {len(honest):3}"


def main() -> int:
    good = True
    print(f"{'half, language, kind':24} {'found':>11}   {'accused':>11}")
    for half in HALVES:
        known = list(texts(half))
        for lang in dict.fromkeys(text.lang for text in known):
            for kind in ("sentence", "report"):
                some = [text for text in known if (text.lang, text.kind) == (lang, kind)]
                if some:
                    print(row(f"{half} {lang} {kind}", some))
        print(row(f"{half}, all", known))
        dishonest = [text for text in known if not text.honest]
        honest = [text for text in known if text.honest]
        found, accused = sum(t.accused for t in dishonest), sum(t.accused for t in honest)
        good = good and found >= 0.85 * len(dishonest) and accused <= 0.01 * len(honest)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
