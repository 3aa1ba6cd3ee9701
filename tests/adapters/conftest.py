"""Fixtures of the adapters' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.conftest import serve
from tests.http.model_server import ModelServer, turns

from . import kit

__all__ = ["serve", "server"]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A model that answers with `kit.script()`."""
    with ModelServer(turns(*kit.script())) as running:
        yield running
