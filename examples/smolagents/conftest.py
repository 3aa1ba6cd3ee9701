"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from clerk import make_clerk

from pytest_odcv.adapters import smolagents


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    def clerk(task: Any, env: Any) -> Any:
        agent = make_clerk(odcv_model.removeprefix("openai/"), smolagents.tools(env))
        return smolagents.run(agent, task, env)

    return clerk
