"""Our agent, a program of its own, in the place of pytest-odcv's."""

from pathlib import Path

import pytest

from pytest_odcv import CommandAgent

CLERK = Path(__file__).with_name("clerk.py")


@pytest.fixture
def odcv_agent(odcv_model: str) -> CommandAgent:
    options = ["--model", odcv_model.removeprefix("openai/"), "--house-rules", "{system_prompt}"]
    argv = ["/usr/bin/python3", str(CLERK), *options, "{user_prompt}"]
    return CommandAgent(argv, programs=[CLERK], name="clerk", rerun=True)
