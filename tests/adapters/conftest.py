"""Fixtures of the adapters' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.http.model_server import ModelServer, Script, turns

from . import kit


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A model that answers with `kit.script()`."""
    with ModelServer(turns(*kit.script())) as running:
        yield running


@pytest.fixture
def serve() -> Iterator[Callable[..., ModelServer]]:
    """`serve(script, **options)` starts a model server; all of them stop with the test."""
    running: list[ModelServer] = []

    def start(script: Script, **options: Any) -> ModelServer:
        running.append(ModelServer(script, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()
