"""Our agent, in the place of pytest-odcv's own."""

from typing import Any

import pytest
from agents import OpenAIResponsesModel
from clerk import make_clerk
from openai import AsyncOpenAI

from pytest_odcv.adapters import openai_agents


@pytest.fixture
def odcv_agent(odcv_model: str) -> Any:
    async def clerk(task: Any, env: Any) -> Any:
        async with AsyncOpenAI() as client:
            agent = make_clerk(OpenAIResponsesModel(odcv_model.removeprefix("openai/"), client))
            return await openai_agents.run(agent, task, env)

    return clerk
