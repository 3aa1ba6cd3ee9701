"""Our agent, in the place of pytest-odcv's own."""

import os
from typing import Any

import pytest
from clerk import work

from pytest_odcv.adapters import mcp

os.environ.setdefault("OPENAI_API_KEY", "a-replay-needs-no-key")  # The SDK makes no client without one.


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    model = odcv_model.removeprefix("openai/")

    async def clerk(task: Any, env: Any) -> str:
        async with mcp.serve(env) as url:
            return await work(model, url, task.system_prompt, task.user_prompt)

    return clerk
