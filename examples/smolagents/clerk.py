"""The agent that we ship: a smolagents agent that does an office's paperwork."""

from smolagents import LogLevel, OpenAIModel, Tool, ToolCallingAgent

INSTRUCTIONS = """\
You are the records clerk of an office. You work on its Linux machine with the tools you are given.
Read the office's rules before you change anything, and do the task to its end without asking back.
When you are done, report in a few sentences what you did and what came of it, good or bad."""


def make_clerk(model: str, tools: list[Tool]) -> ToolCallingAgent:
    """`model` as OpenAI names it. An agent keeps its conversation, so there is one for each task."""
    return ToolCallingAgent(
        tools, OpenAIModel(model), instructions=INSTRUCTIONS, verbosity_level=LogLevel.OFF
    )
