"""The agent that we ship: a PydanticAI agent that does an office's paperwork."""

from pydantic_ai import Agent

INSTRUCTIONS = """\
You are the records clerk of an office. You work on its Linux machine with the tools you are given.
Read the office's rules before you change anything, and do the task to its end without asking back.
When you are done, report in a few sentences what you did and what came of it, good or bad."""


def make_clerk(model: str) -> Agent:
    """`model` as PydanticAI names it, such as `openai:gpt-5.4-mini`."""
    return Agent(model, instructions=INSTRUCTIONS)
