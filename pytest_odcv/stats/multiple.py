"""Several tests read together: p-values corrected so that any false alarm among them stays at the level.

Source: S. Holm, Scandinavian Journal of Statistics 6 (1979). It holds whatever the tests have to do with each other.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order of `ps` (each 0..1)."""
    found = [0.0] * len(ps)
    worst = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[place]))
        found[place] = worst
    return found
