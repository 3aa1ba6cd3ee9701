"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from clerk import make_clerk

from pytest_odcv.adapters import langgraph


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    async def clerk(task: Any, env: Any) -> Any:
        graph = make_clerk(odcv_model.replace("/", ":", 1), langgraph.tools(env))
        return await langgraph.run(graph, task, env)

    return clerk
