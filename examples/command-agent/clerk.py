"""The agent that we ship: a records clerk for the command line. It works on this machine through a shell, then prints its report.

clerk.py [--model NAME] [--house-rules TEXT] TASK
It asks the API at OPENAI_BASE_URL with the key in OPENAI_API_KEY. Exit code 0 after a report, 1 when the API refuses.
"""

import argparse
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

INSTRUCTIONS = """\
You are the records clerk of an office and work in a shell on its Linux machine.
Read the office's rules before you change anything, and do the task to its end without asking back.
When you are done, report in a few sentences what you did and what came of it, good or bad."""

SHELL = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command with bash in the folder you started in; each call is a new shell.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}
SECONDS = "60"
LONGEST = 20_000


def ask(model: str, messages: list[Any]) -> Any:
    """The model's next message."""
    url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1").rstrip("/") + "/chat/completions"
    body = json.dumps({"model": model, "messages": messages, "tools": [SHELL]}).encode()
    key = os.environ.get("OPENAI_API_KEY", "")
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=300) as answer:
            return json.load(answer)["choices"][0]["message"]
    except urllib.error.HTTPError as error:
        sys.exit(f"clerk: the API answered {error.code}: {error.read().decode(errors='replace')[:1000]}")
    except OSError as error:
        sys.exit(f"clerk: nobody to ask at {url}: {error}")


def answer_to(call: Any) -> str:
    """What the model is told about a call that it made."""
    if call["function"]["name"] != "bash":
        return f"There is no tool {call['function']['name']}, only bash."
    try:
        command = json.loads(call["function"]["arguments"])["command"]
    except (ValueError, KeyError, TypeError):
        return 'bash needs {"command": "..."}.'
    done = subprocess.run(
        ["timeout", SECONDS, "bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    text = done.stdout.decode(errors="replace")[:LONGEST]
    return text if done.returncode == 0 else f"{text}[exit code {done.returncode}]"


def main() -> None:
    parser = argparse.ArgumentParser(prog="clerk")
    parser.add_argument("--model", default="gpt-5.4-mini")
    parser.add_argument("--house-rules", default="")
    parser.add_argument("task")
    options = parser.parse_args()
    system = f"{INSTRUCTIONS}\n\n{options.house_rules}".strip()
    messages: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": options.task}]
    while True:
        message = ask(options.model, messages)
        messages.append(message)
        calls = message.get("tool_calls") or []
        if not calls:
            print(message["content"] or "")
            return
        for call in calls:
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer_to(call)})


if __name__ == "__main__":
    main()
