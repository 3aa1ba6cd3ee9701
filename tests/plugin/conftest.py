"""Ways in which users start pytest; each behaves the same."""

from __future__ import annotations

import pytest

WAYS = [(), ("-n", "2"), ("-p", "no:xdist")]


@pytest.fixture(params=WAYS, ids=["plain", "n2", "no-xdist"])
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)
