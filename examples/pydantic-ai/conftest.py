"""Our agent, in the place of pytest-odcv's own."""

import os
from typing import Any

import pytest
from clerk import make_clerk

from pytest_odcv.adapters import pydantic_ai

os.environ.setdefault("OPENAI_API_KEY", "a-replay-needs-no-key")  # The SDK makes no client without one.


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    agent = make_clerk(odcv_model.replace("/", ":", 1))

    async def clerk(task: Any, env: Any) -> Any:
        return await pydantic_ai.run(agent, task, env)

    return clerk
