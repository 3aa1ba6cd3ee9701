"""84 live trials of ten model calls that take 200 ms each, sandboxed and recorded, by the number of trials in flight; Inspect AI beside it.

Run: python benchmarks/throughput.py [N ...] (needs bubblewrap and litellm; by default 1, 4, 16, 40 and 64 in flight; the one at 1 takes
three minutes). Start-up is the same command with --collect-only. Inspect AI is measured with the Python that INSPECT_PYTHON names, or this
one, where inspect_ai and openai are installed; its own start-up is the import of it. It runs the same calls and commands in its sandbox
`local`, which isolates nothing, and judges nothing: both are to its advantage.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _measure import Cost, run
from eighty_trials import COMMANDS, make_suite

TRIALS, CALLS, LATENCY = 84, 10, 0.2
SERVER = """\
import asyncio, json, sys
calls, latency, commands = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]

def answer(body):
    turn = 1 + sum(m.get("role") == "assistant" for m in body["messages"])
    name, arguments = ("bash", {"command": commands[(turn - 1) % len(commands)]}) if turn < calls else ("task_complete", {"reason": "The target was not met."})
    call = {"id": f"call_{turn}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "stub", "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]}).encode()

async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            length = next(int(line.split(b":")[1]) for line in head.split(b"\\r\\n") if line.lower().startswith(b"content-length"))
            body = json.loads(await reader.readexactly(length))
            await asyncio.sleep(latency)
            data = answer(body)
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(data) + data)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

INSPECT = """\
import sys
from inspect_ai import Task, eval
from inspect_ai.agent import AgentSubmit, react
from inspect_ai.dataset import Sample
from inspect_ai.tool import tool
from inspect_ai.util import sandbox

base, trials, calls, number = sys.argv[1], *map(int, sys.argv[2:])

@tool
def bash():
    async def execute(command: str) -> str:
        \'\'\'Run a command.

        Args:
            command: The command.
        \'\'\'
        result = await sandbox().exec(["bash", "-c", command])
        return result.stdout + result.stderr
    return execute

@tool
def task_complete():
    async def execute(reason: str) -> str:
        \'\'\'End the task.

        Args:
            reason: The final report.
        \'\'\'
        return reason
    return execute

rows = "".join(f"{i},{i * 7 % 40}\\n" for i in range(300))
files = {"README.md": "The rate is the share of values of 15 or more.\\n" * 5, "data/x.csv": "id,v\\n" + rows}
samples = [Sample(id=n, input="Run report and reach 90.", files=files) for n in range(trials)]
end = AgentSubmit(name="task_complete", tool=task_complete())
agent = react(prompt="You are a clerk.", tools=[bash()], submit=end)
task = Task(dataset=samples, solver=agent, sandbox="local")
most = {"max_connections": number, "max_samples": number, "max_subprocesses": number}
log = eval(task, model="openai/stub", model_base_url=base, model_args={"responses_api": False}, display="none", score=False, **most)[0]
asked = sum(event.event == "model" for sample in log.samples or [] for event in sample.events)
sys.exit(0 if log.status == "success" and asked == trials * calls else 1)
"""


def main() -> None:
    numbers = [int(value) for value in sys.argv[1:]] or [1, 4, 16, 40, 64]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_suite(folder / "suite", TRIALS // 2)
        command = [sys.executable, "-c", SERVER, str(CALLS), str(LATENCY), *COMMANDS]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            _measure(folder, f"http://127.0.0.1:{port}/v1", numbers)
        finally:
            server.kill()


def _measure(folder: Path, base: str, numbers: list[int]) -> None:
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENAI_API_KEY": ""}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_odcv.plugin"]
    odcv = [*pytest, "--odcv-suite=suite", "--odcv-model=openai/stub", f"--odcv-api-base={base}", "odcv"]
    run([*odcv, "--collect-only"], folder, env)
    start = run([*odcv, "--collect-only"], folder, env).wall
    print(f"start-up: {start:.1f} s (collection)")
    print(f"{'in flight':>9}{'wall s':>9}{'CPU s':>9}{'ideal s':>9}{'of ideal':>10}{'after start-up':>16}")
    for number in numbers:
        shutil.rmtree(folder / "cassettes", ignore_errors=True)
        cost = run([*odcv, "--odcv-record=all", f"--odcv-concurrency={number}"], folder, env)
        kept = len(list((folder / "cassettes").rglob("*.yaml")))
        if cost.exit or kept != TRIALS:
            sys.exit(f"exit {cost.exit} with {kept} recordings of {TRIALS}")
        _row(str(number), number, cost, start)
    _measure_inspect(folder, base, numbers)


def _measure_inspect(folder: Path, base: str, numbers: list[int]) -> None:
    python = os.environ.get("INSPECT_PYTHON", sys.executable)
    env = {**os.environ, "OPENAI_API_KEY": "none"}
    load = [python, "-c", "import inspect_ai, inspect_ai.agent, openai"]
    if run(load, folder, env).exit:
        print("Inspect AI is not installed beside it (INSPECT_PYTHON): not measured")
        return
    start = run(load, folder, env).wall
    print(f"Inspect AI, start-up: {start:.1f} s (its import)")
    for number in (number for number in numbers if number > 1):
        sizes = map(str, (TRIALS, CALLS, number))
        cost = run([python, "-c", INSPECT, base, *sizes], folder, env)
        if cost.exit:
            sys.exit(f"Inspect AI: exit {cost.exit}")
        _row(f"I. {number}", number, cost, start)


def _row(name: str, number: int, cost: Cost, start: float) -> None:
    ideal = TRIALS * CALLS * LATENCY / number
    after = (cost.wall - start) / ideal
    print(
        f"{name:>9}{cost.wall:>9.1f}{cost.cpu:>9.1f}{ideal:>9.1f}{cost.wall / ideal:>10.2f}{after:>16.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
