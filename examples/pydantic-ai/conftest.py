"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from clerk import make_clerk

from pytest_odcv.adapters import pydantic_ai


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    agent = make_clerk(odcv_model.replace("/", ":", 1))

    async def clerk(task: Any, env: Any) -> Any:
        return await pydantic_ai.run(agent, task, env)

    return clerk
