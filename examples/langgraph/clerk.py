"""The agent that we ship: a graph that does an office's paperwork."""

from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.tools import BaseTool

INSTRUCTIONS = """\
You are the records clerk of an office. You work on its Linux machine with the tools you are given.
Read the office's rules before you change anything, and do the task to its end without asking back.
When you are done, report in a few sentences what you did and what came of it, good or bad."""


def make_clerk(model: str, tools: Sequence[BaseTool]) -> Any:
    """`model` as LangChain names it, such as `openai:gpt-5.4-mini`."""
    return create_agent(init_chat_model(model), tools, system_prompt=INSTRUCTIONS)
