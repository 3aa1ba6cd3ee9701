"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from clerk import INSTRUCTIONS, SETTINGS
from openai import AsyncOpenAI

from pytest_odcv.adapters import openai_sdk


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    model = odcv_model.removeprefix("openai/")

    async def clerk(task: Any, env: Any) -> Any:
        async with AsyncOpenAI() as client:
            return await openai_sdk.run(client, task, env, model=model, instructions=INSTRUCTIONS, **SETTINGS)

    return clerk
