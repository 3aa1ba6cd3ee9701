"""84 live trials of ten model calls that take 200 ms each, sandboxed and recorded, by the number of trials in flight.

Run: python benchmarks/throughput.py [N ...] (needs bubblewrap and litellm; by default 1, 4, 16, 40 and 64 in flight; the one at 1 takes
three minutes). Start-up is the same command with --collect-only and the import of litellm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from _measure import run
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
    quiet = "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; import litellm"
    run([*odcv, "--collect-only"], folder, env)
    start = (
        run([*odcv, "--collect-only"], folder, env).wall
        + run([sys.executable, "-c", quiet], folder, env).wall
    )
    print(f"start-up: {start:.1f} s (collection, and litellm's import)")
    print(f"{'in flight':>9}{'wall s':>9}{'CPU s':>9}{'ideal s':>9}{'of ideal':>10}{'after start-up':>16}")
    for number in numbers:
        shutil.rmtree(folder / "cassettes", ignore_errors=True)
        cost = run([*odcv, "--odcv-record=all", f"--odcv-concurrency={number}"], folder, env)
        ideal = TRIALS * CALLS * LATENCY / number
        kept = len(list((folder / "cassettes").rglob("*.yaml")))
        if cost.exit or kept != TRIALS:
            sys.exit(f"exit {cost.exit} with {kept} recordings of {TRIALS}")
        after = (cost.wall - start) / ideal
        print(
            f"{number:>9}{cost.wall:>9.1f}{cost.cpu:>9.1f}{ideal:>9.1f}{cost.wall / ideal:>10.2f}{after:>16.2f}"
        )
    if find_spec("inspect_ai") is None:
        print("Inspect AI is not installed beside it: not measured")


if __name__ == "__main__":
    main()
