"""Bytes of an HTTP cassette for a 50-step trial, beside the file that plain vcrpy writes of the same agent and the same traffic.

An answer of the model has about 150 tokens (some words and a command), a command prints 600 characters. The traffic is real HTTP
to a scripted server on the loopback; the trial is a real one but for its sandbox, which prints prepared output. Plain vcrpy is
its own `use_cassette`, matching on method, path and body. Prints a table and the growth; exits with 1 when a target is missed.

Run: python benchmarks/http_cassette.py (needs vcrpy and httpx, no key and no sandbox).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import vcr

from pytest_odcv.agent.env import TrialEnv
from pytest_odcv.agent.protocol import Env, Task
from pytest_odcv.agent.tools import SPECS
from pytest_odcv.cassette.store import Store
from pytest_odcv.http.patch import patched
from pytest_odcv.model.types import ModelClient, Reply
from pytest_odcv.redaction.redactor import Redactor
from pytest_odcv.sandbox.protocol import CommandResult, SandboxSpec, Tree
from pytest_odcv.scenario.case import Case
from pytest_odcv.scenario.suite import packaged_suite
from pytest_odcv.trial.context import TrialContext
from pytest_odcv.trial.run import run_trial
from tests.http.model_server import ModelServer, ScriptedTurn

STEPS = 50
GROWTH = (10, 25, STEPS)
SMALLER = 8
"""The target: how many times smaller than vcrpy's file ours is, at least."""
STEADY = 1.5
"""The other target: how many times more bytes a step may take at the end than in the first ten steps, at most."""
SHAPES = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
SCENARIO = packaged_suite()["injury-log"]
_WORDS = (
    "the rate of this quarter stands at hours case report log review office physician worker total count line file table figure "
    "open closed before after between under limit treatment restricted days away recordable contractor client payroll"
)


# --- the traffic -----------------------------------------------------------------------------------------------------


def words(seed: str, characters: int) -> str:
    """Prose of about this length, always the same for a seed and hardly alike for two."""
    chosen, text, known = random.Random(seed), "", _WORDS.split()
    while len(text) < characters:
        text += f"{chosen.choice(known)} {chosen.randrange(10_000) if chosen.random() < 0.2 else chosen.choice(known)} "
    return text[:characters].strip()


def answer(step: int, last: bool) -> ScriptedTurn:
    """150 tokens, about: 300 characters of text and a command of 300."""
    text = words(f"said {step}", 300)
    command = f"grep -n '{words(f'command {step}', 240)}' data/*.csv | sort | head -{step + 1}"
    return ScriptedTurn(text, () if last else (("bash", {"command": command}),))


def output(command: str) -> str:
    lines = words(f"output of {command}", 588)
    return "\n".join(lines[at : at + 49] for at in range(0, len(lines), 49)) + "\n"


def serve(steps: int, gzip: bool = False) -> ModelServer:
    return ModelServer(lambda body, step: answer(step, step + 1 >= steps), gzip=gzip, usage=(4000, 150))


@dataclass(frozen=True)
class Agent:
    """A plain tool loop over one of the three APIs, by httpx."""

    root: str
    shape: str
    stream: bool

    @property
    def name(self) -> str:
        return f"{self.shape}-streamed" if self.stream else self.shape

    async def run(self, task: Task, env: Env) -> None:
        history: list[Any] = [{"role": "user", "content": task.user_prompt}]
        headers = {"authorization": "Bearer none"}
        async with httpx.AsyncClient(base_url=self.root, headers=headers, timeout=60) as client:
            while True:
                sent = await client.post(SHAPES[self.shape], json=self.body(task, env, history))
                items = _streamed(sent.text) if self.stream else sent.json()
                added, calls = getattr(self, f"_{self.shape}")(items)
                history += added
                if not calls:
                    return
                for identity, name, arguments in calls:
                    text = await env.tools().call(name, arguments)
                    history.append(self._result(identity, text))

    def body(self, task: Task, env: Env, history: list[Any]) -> dict[str, Any]:
        tools = env.tools()
        body: dict[str, Any] = {"model": "model-of-the-benchmark", "stream": self.stream}
        if self.shape == "responses":
            return body | {
                "instructions": task.system_prompt,
                "input": history,
                "tools": tools.openai_responses(),
            }
        if self.shape == "messages":
            return body | {
                "system": task.system_prompt,
                "messages": history,
                "tools": tools.anthropic(),
                "max_tokens": 1000,
            }
        system = {"role": "system", "content": task.system_prompt}
        return body | {"messages": [system, *history], "tools": tools.openai()}

    def _result(self, identity: str, text: str) -> dict[str, Any]:
        if self.shape == "responses":
            return {"type": "function_call_output", "call_id": identity, "output": text}
        if self.shape == "messages":
            block = {"type": "tool_result", "tool_use_id": identity, "content": text}
            return {"role": "user", "content": [block]}
        return {"role": "tool", "tool_call_id": identity, "content": text}

    @staticmethod
    def _chat(answer: Any) -> tuple[list[Any], list[tuple[str, str, str]]]:
        message = _joined_chat(answer) if isinstance(answer, list) else answer["choices"][0]["message"]
        calls = message.get("tool_calls") or []
        sent = {name: message[name] for name in ("role", "content", "tool_calls") if message.get(name)}
        return [sent], [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls]

    @staticmethod
    def _responses(answer: Any) -> tuple[list[Any], list[tuple[str, str, str]]]:
        items = (answer[-1]["response"] if isinstance(answer, list) else answer)["output"]
        calls = [item for item in items if item["type"] == "function_call"]
        return items, [(item["call_id"], item["name"], item["arguments"]) for item in calls]

    @staticmethod
    def _messages(answer: Any) -> tuple[list[Any], list[tuple[str, str, Any]]]:
        blocks = _joined_blocks(answer) if isinstance(answer, list) else answer["content"]
        calls = [block for block in blocks if block["type"] == "tool_use"]
        return [{"role": "assistant", "content": blocks}], [(c["id"], c["name"], c["input"]) for c in calls]


def _streamed(text: str) -> list[Any]:
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _joined_chat(chunks: list[Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    for delta in (choice["delta"] for chunk in chunks for choice in chunk["choices"]):
        message["content"] += delta.get("content") or ""
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                message["tool_calls"].append({name: call[name] for name in ("id", "type", "function")})
            else:
                message["tool_calls"][-1]["function"]["arguments"] += call["function"]["arguments"]
    return message


def _joined_blocks(events: list[Any]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append(event["content_block"])
            partial = ""
        elif event["type"] == "content_block_delta" and "text" in event["delta"]:
            blocks[-1]["text"] += event["delta"]["text"]
        elif event["type"] == "content_block_delta":
            partial += event["delta"]["partial_json"]
            blocks[-1]["input"] = json.loads(partial) if partial.endswith("}") else {}
    return blocks


# --- the trial -------------------------------------------------------------------------------------------------------


class PreparedBox:
    """A sandbox where every command prints 600 characters, and no file changes."""

    name = "prepared"

    def missing(self) -> str | None:
        return None

    async def open(self, spec: SandboxSpec) -> PreparedBox:
        return self

    async def run(self, command: str, timeout: float | None = None) -> CommandResult:
        return CommandResult(command=command, exit_code=0, stdout=output(command))

    async def snapshot(self) -> Tree:
        return dict(SCENARIO.before)

    async def listen(self, port: int) -> Any:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class PlainDesk:
    """The same environment outside a trial, for the run that vcrpy records."""

    async def bash(self, command: str, timeout: float | None) -> CommandResult:
        return await PreparedBox().run(command)

    async def complete(self, messages: Any, tools: Any) -> Reply:
        raise NotImplementedError

    def say(self, text: str) -> None:
        pass


def context_of(folder: Path, mode: Any = "all") -> TrialContext:
    def client(case: Case) -> ModelClient:
        raise NotImplementedError

    return TrialContext(mode, Store(folder), client, PreparedBox, Redactor(environ={}))


def ours(folder: Path, shape: str, stream: bool, steps: int) -> int:
    """Bytes of the cassette of a trial with this many answers, checked by replaying it without the server."""
    with serve(steps) as server, patched():
        agent = Agent(server.root, shape, stream)
        case = Case(SCENARIO, "mandated", "").of_agent(agent.name)
        trial = asyncio.run(run_trial(case, agent, context_of(folder)))
        server.stop()
        again = asyncio.run(run_trial(case, agent, context_of(folder, "none")))
    made = trial.trajectory
    if (made.steps, len(made.commands)) != (steps, steps - 1) or again.trajectory.events != made.events:
        sys.exit(f"{agent.name}: {made.steps} answers, {len(made.commands)} commands, or the replay differs")
    return (folder / case.cassette).stat().st_size


def plain_vcrpy(folder: Path, shape: str, stream: bool, gzip: bool) -> int:
    """Bytes of vcrpy's file."""
    file = folder / f"{shape}-{stream}-{gzip}.yaml"
    limits = SCENARIO.limits()
    prompts = SCENARIO.spec.system_prompt, SCENARIO.user_prompt("mandated")
    task = Task(*prompts, STEPS, limits.command_seconds, limits.total_seconds, SPECS)
    with (
        serve(STEPS, gzip) as server,
        vcr.use_cassette(str(file), match_on=["method", "path", "body"]) as cassette,
    ):
        asyncio.run(Agent(server.root, shape, stream).run(task, TrialEnv(PlainDesk())))
        if len(cassette) != STEPS:
            sys.exit(f"vcrpy recorded {len(cassette)} of {STEPS} requests")
    return file.stat().st_size


def main() -> int:
    failed = []
    print(f"{STEPS} answers of about 150 tokens, {STEPS - 1} commands that print 600 characters; bytes")
    print(f"{'':<20}{'ours':>10}{'vcrpy':>12}{'times':>8}{'vcrpy, gzip':>14}{'times':>8}", end="")
    print("".join(f"{f'at {steps}':>9}" for steps in GROWTH) + "  ours, bytes a step")
    with tempfile.TemporaryDirectory() as name:
        for shape in SHAPES:
            for stream in (False, True):
                sizes = {steps: ours(Path(name), shape, stream, steps) for steps in GROWTH}
                theirs, packed = (plain_vcrpy(Path(name), shape, stream, gzip) for gzip in (False, True))
                size = sizes[STEPS]
                title = f"{shape}, streamed" if stream else shape
                print(f"{title:<20}{size:>10,}{theirs:>12,}{theirs / size:>8.1f}", end="")
                print(f"{packed:>14,}{packed / size:>8.1f}", end="")
                print("".join(f"{size / steps:>9,.0f}" for steps, size in sizes.items()), flush=True)
                if theirs < SMALLER * size:
                    failed.append(f"{title}: {theirs / size:.1f} times smaller; target {SMALLER}")
                added = (sizes[STEPS] - sizes[GROWTH[-2]]) / (STEPS - GROWTH[-2])
                if added > STEADY * sizes[GROWTH[0]] / GROWTH[0]:
                    failed.append(
                        f"{title}: grows faster than its steps, {added:,.0f} bytes for each of the last"
                    )
    print("missed:\n" + "\n".join(failed) if failed else f"all at least {SMALLER} times smaller, and linear")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
