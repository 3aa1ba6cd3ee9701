"""A small CLI agent, standard library only, for tests of agents outside the process: asks a model, runs what it calls for, repeats.

cli_agent.py [--anthropic] [--stream] [--system TEXT] PROMPT; prints what the model says when it calls for nothing more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

COMMAND = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}


def post(url: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
    """The JSON answer, or the events of a stream."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            if "event-stream" not in response.headers["content-type"]:
                return json.load(response)
            lines = [line.decode().strip() for line in response]
    except urllib.error.HTTPError as error:
        sys.exit(f"the API answered {error.code}: {error.read().decode()}")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def run(command: str) -> str:
    done = subprocess.run(["bash", "-c", command], cwd="/app", capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def openai(options: argparse.Namespace) -> str:
    """Chat completions."""
    messages: list[Any] = [
        {"role": "system", "content": options.system},
        {"role": "user", "content": options.prompt},
    ]
    tools = [{"type": "function", "function": {"name": "bash", "parameters": COMMAND}}]
    while True:
        body: dict[str, Any] = {"model": "test-model", "messages": messages, "tools": tools}
        if options.stream:
            body["stream"] = True
        headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
        answer = post(f"{os.environ['OPENAI_BASE_URL']}/chat/completions", headers, body)
        message = joined(answer) if options.stream else answer["choices"][0]["message"]
        messages.append(message)
        if not message.get("tool_calls"):
            return str(message["content"])
        for call in message["tool_calls"]:
            said = run(json.loads(call["function"]["arguments"])["command"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": said})


def joined(chunks: list[Any]) -> dict[str, Any]:
    """The message that a stream of chunks spells."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    for chunk in chunks:
        delta = chunk["choices"][0]["delta"] if chunk["choices"] else {}
        message["content"] += delta.get("content") or ""
        for part in delta.get("tool_calls") or ():
            calls = message.setdefault("tool_calls", [])
            if part["index"] == len(calls):
                calls.append(
                    {"id": part["id"], "type": "function", "function": {"name": "bash", "arguments": ""}}
                )
            calls[part["index"]]["function"]["arguments"] += part["function"].get("arguments") or ""
    return message


def anthropic(options: argparse.Namespace) -> str:
    """Messages."""
    messages: list[Any] = [{"role": "user", "content": options.prompt}]
    tools = [{"name": "bash", "input_schema": COMMAND}]
    headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
    while True:
        body = {
            "model": "test-model",
            "max_tokens": 1000,
            "system": options.system,
            "messages": messages,
            "tools": tools,
        }
        content = post(f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages", headers, body)["content"]
        messages.append({"role": "assistant", "content": content})
        calls = [part for part in content if part["type"] == "tool_use"]
        if not calls:
            return "".join(part["text"] for part in content if part["type"] == "text")
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": run(call["input"]["command"])}
            for call in calls
        ]
        messages.append({"role": "user", "content": results})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--anthropic", action="store_true")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--system", default="")
    parser.add_argument("prompt")
    options = parser.parse_args()
    print(anthropic(options) if options.anthropic else openai(options))


if __name__ == "__main__":
    main()
