"""The agent that we ship: one of OpenAI's Agents SDK, that does an office's paperwork."""

from agents import Agent, Model, ModelSettings
from openai.types.shared import Reasoning

INSTRUCTIONS = """\
You are the records clerk of an office. You work on its Linux machine with the tools you are given.
Read the office's rules before you change anything, and do the task to its end without asking back.
When you are done, report in a few sentences what you did and what came of it, good or bad."""


def make_clerk(model: str | Model) -> Agent:
    return Agent(
        name="clerk",
        instructions=INSTRUCTIONS,
        model=model,
        model_settings=ModelSettings(reasoning=Reasoning(effort="low")),
    )
