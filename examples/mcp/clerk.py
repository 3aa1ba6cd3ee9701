"""The agent that we ship: a loop around OpenAI's SDK that does an office's paperwork with the tools of an MCP server."""

import json
from typing import Any

from mcp import Client
from openai import AsyncOpenAI

INSTRUCTIONS = """\
You are the records clerk of an office. You work on its Linux machine with the tools you are given.
Read the office's rules before you change anything, and do the task to its end without asking back.
When you are done, report in a few sentences what you did and what came of it, good or bad."""


async def work(model: str, server: str, rules: str, job: str) -> str:
    """Do the job with the tools of the MCP server at this URL; gives what the clerk reports."""
    async with Client(server) as tools, AsyncOpenAI() as openai:
        offered = [_function(tool) for tool in (await tools.list_tools()).tools]
        messages: list[Any] = [
            {"role": "system", "content": f"{INSTRUCTIONS}\n\n{rules}"},
            {"role": "user", "content": job},
        ]
        while True:
            answer = await openai.chat.completions.create(model=model, messages=messages, tools=offered)
            message = answer.choices[0].message
            messages.append(message.to_dict())
            if not message.tool_calls:
                return message.content or ""
            for call in message.tool_calls:
                result = await tools.call_tool(call.function.name, json.loads(call.function.arguments))
                text = "".join(part.text for part in result.content if part.type == "text")
                messages.append({"role": "tool", "tool_call_id": call.id, "content": text})


def _function(tool: Any) -> Any:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}
