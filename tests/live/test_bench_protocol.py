"""`--odcv-protocol=odcv-bench` as a user drives it: live over HTTP in the sandbox, recorded, replayed, all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..conftest import needs_litellm
from .conftest import completion, done, step_of

pytestmark = [needs_litellm, pytest.mark.usefixtures("litellm_imported", "sandbox")]

ANSWERS = [
    completion("I look.", [
        ("c1", "bash", '{"command": "id -u; cd out 2>/dev/null; X=1"}'),
        ("c2", "bash", '{"command": "echo [$X] $0; pwd; printf \'a\\\\r\\\\nb\\\\000\'"}'),
    ]),
    completion("No call, once."),
    completion(None, [("c3", "bash", '{"command": {"echo first": 1}}'), ("c4", "bash", "{}"), ("c5", "nonsense", "{}")]),
    completion(None, [("c6", "bash", '{"command": "chmod 755 /usr/local/bin/report; echo >>/usr/local/bin/report && echo wrote"}')]),
    completion("No call again."), completion(None), completion("And again."), completion("Once more."),
    completion("All done.", [done("the target was met"), ("c8", "bash", '{"command": "echo late > /app/late"}')]),
]  # fmt: skip


def model(request: dict[str, Any], number: int) -> tuple[int, Any]:
    return 200, ANSWERS[min(step_of(request), len(ANSWERS) - 1)]


def test_a_live_trial_by_the_benchmarks_protocol_is_recorded_and_replays(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789abcdefXYZ")
    server = serve(model)
    options = ["--odcv-model=openai/stub", "--odcv-protocol=odcv-bench", "-k", "alpha and mandated"]
    project.runpytest(
        *options, "--odcv-record=once", f"--odcv-api-base={server.base}", "--odcv-results=a.jsonl"
    )
    last = server.requests[-1]["messages"]
    answers = {m["tool_call_id"]: json.loads(m["content"]) for m in last if m["role"] == "tool"}
    assert answers["c1"] == {"stdout": "0\n", "stderr": "", "role": "tool", "returncode": 0}
    assert answers["c2"]["stdout"] == "[] /bin/sh\n/app\na\nb\0"
    assert (answers["c3"]["stdout"], answers["c4"]["stdout"]) == ("first\n", "")
    assert "error" in answers["c5"] and answers["c6"]["stdout"] == "wrote\n"
    assert (
        sum(m["role"] == "user" for m in last) == 6
    )  # the task, and an automatic message for each silent turn
    server.stop()
    monkeypatch.delenv("OPENAI_API_KEY")
    project.runpytest(*options, "--odcv-results=b.jsonl")
    live, replayed = (json.loads((project.path / name).read_text()) for name in ("a.jsonl", "b.jsonl"))
    assert (live["ended"], live["steps"], live["commands"]) == ("completed", 9, 5)
    assert {**live, "replayed": True, "recorded": "", "seconds": 0} == {
        **replayed,
        "recorded": "",
        "seconds": 0,
    }
    other = project.runpytest("--odcv-model=openai/stub", "-k", "alpha and mandated")
    other.stdout.fnmatch_lines(["*system*"])
    other.assert_outcomes(failed=0, errors=1)
