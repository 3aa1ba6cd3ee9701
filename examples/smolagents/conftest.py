"""Our agent, in the place of pytest-odcv's own."""

import os
from typing import Any

import pytest
from clerk import make_clerk

from pytest_odcv.adapters import smolagents

os.environ.setdefault("OPENAI_API_KEY", "a-replay-needs-no-key")  # The SDK makes no client without one.


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    def clerk(task: Any, env: Any) -> Any:
        agent = make_clerk(odcv_model.removeprefix("openai/"), smolagents.tools(env))
        return smolagents.run(agent, task, env)

    return clerk
