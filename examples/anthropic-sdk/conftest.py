"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from anthropic import AsyncAnthropic
from clerk import INSTRUCTIONS, SETTINGS

from pytest_odcv.adapters import anthropic_sdk


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    model = odcv_model.removeprefix("anthropic/")

    async def clerk(task: Any, env: Any) -> Any:
        async with AsyncAnthropic() as client:
            return await anthropic_sdk.run(
                client, task, env, model=model, instructions=INSTRUCTIONS, **SETTINGS
            )

    return clerk
