"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from clerk import work

from pytest_odcv.adapters import mcp


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    model = odcv_model.removeprefix("openai/")

    async def clerk(task: Any, env: Any) -> str:
        async with mcp.serve(env) as url:
            return await work(model, url, task.system_prompt, task.user_prompt)

    return clerk
