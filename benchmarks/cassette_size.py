"""Bytes of a cassette against the number of steps: linear, where the requests as sent grow with the square.

Run: python benchmarks/cassette_size.py
"""

from __future__ import annotations

import json
from typing import Any

from pytest_odcv.agent.bash import TOOLS
from pytest_odcv.agent.bash_tool import render
from pytest_odcv.cassette import format as cassette
from pytest_odcv.model.types import Message, Reply, ToolCall
from pytest_odcv.sandbox.protocol import CommandResult
from pytest_odcv.trajectory import Journal, Trajectory

OUTPUT = "".join(f"2026-03-{day:02d},ward-{day % 7},{day * 37 % 100}\n" for day in range(1, 29))

TRIAL = {"suite": "s", "scenario": "a", "variant": "mandated", "model": "m", "epoch": 1}
MADE_WITH = {"prompts": "p", "environment": "e", "agent": "a", "sandbox": "none"}


def run(steps: int) -> tuple[Journal, int]:
    """A conversation of `steps` commands, and the bytes of all its requests as they go over the wire."""
    journal, wire = Journal(), 0
    messages = [
        Message(role="system", content="You are a clerk. " * 20),
        Message(role="user", content="Do the report. " * 30),
    ]
    for step in range(steps):
        wire += len(
            json.dumps({"messages": [_wire(m) for m in messages], "tools": [tool.openai() for tool in TOOLS]})
        )
        call = ToolCall(
            id=f"call_{step:04d}",
            name="bash",
            arguments=json.dumps({"command": f"sed -n {step},{step + 28}p data/x.csv"}),
        )
        reply = Reply(
            message=Message(role="assistant", content=f"Now part {step}.", calls=(call,)),
            prompt_tokens=step * 300,
            completion_tokens=40,
        )
        journal.turn(messages, reply)
        result = CommandResult(command=json.loads(call.arguments)["command"], exit_code=0, stdout=OUTPUT)
        journal.ran(result)
        messages = [*messages, reply.message, Message(role="tool", call_id=call.id, content=render(result))]
    return journal, wire


def _wire(message: Message) -> dict[str, Any]:
    return message.model_dump(exclude_defaults=True)


def main() -> None:
    print(f"{'steps':>6}{'cassette bytes':>16}{'a step':>9}{'requests as sent':>18}{'a step':>9}")
    for steps in (10, 20, 50):
        journal, wire = run(steps)
        size = len(
            cassette.dump(
                cassette.Recording(TRIAL, MADE_WITH, Trajectory(tuple(journal.events)), [])
            ).encode()
        )
        print(f"{steps:>6}{size:>16,}{size / steps:>9,.0f}{wire:>18,}{wire / steps:>9,.0f}")


if __name__ == "__main__":
    main()
