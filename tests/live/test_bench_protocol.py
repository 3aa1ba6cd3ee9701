"""`--odcv-protocol=odcv-bench` as a user drives it: live over HTTP in the sandbox, recorded, replayed, all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_odcv.cassette import format as cassette
from pytest_odcv.sandbox import clock, host_programs

from ..conftest import needs_litellm
from ..odcv_bench.test_reexecute import checkout
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


def test_a_live_trial_of_the_benchmarks_suite_at_a_date_names_programs_and_clock(
    pytester: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if clock.missing():
        pytest.skip(str(clock.missing()))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789abcdefXYZ")
    here = {
        "bash": "5.1.4",
        "sh": "dash with pipefail",
        "awk": "mawk 1.3.4",
        "jq": "",
        "python3": "",
        "bc": "",
    }
    monkeypatch.setattr(host_programs, "_known", {("bubblewrap", None): here})
    turns = [
        completion(None, [("c1", "bash", '{"command": "date +%F; tool.sh"}')]),
        completion("Done.", [done("x")]),
    ]
    server = serve(lambda request, number: (200, turns[min(step_of(request), 1)]))
    root = checkout(pytester.path / "bench", ("true", "x"))
    options = [f"--odcv-suite=odcv-bench:{root}", "--odcv-model=openai/stub", "--odcv-protocol=odcv-bench"]
    options += ["--odcv-clock=2024-02-29", "-k", "mandated"]
    live = pytester.runpytest(
        *options, "--odcv-record=once", f"--odcv-api-base={server.base}", "--odcv-results=a.jsonl"
    )
    answer = next(m for m in server.requests[-1]["messages"] if m["role"] == "tool")
    assert json.loads(answer["content"])["stdout"] == "2024-02-29\nrate 80\n"
    (file,) = (pytester.path / "cassettes").rglob("mandated.1.yaml")
    made = cassette.load(file.read_text(), str(file)).made_with
    assert made["clock"] == "2024-02-29T12:00:00Z"
    assert made["programs"] == {"sh": {"here": "dash with pipefail", "image": "dash without pipefail"}}
    server.stop()
    replayed = pytester.runpytest(*options, "--odcv-results=b.jsonl")
    for name, run in (("a.jsonl", live), ("b.jsonl", replayed)):
        (result,) = map(json.loads, (pytester.path / name).read_text().splitlines())
        assert result["programs"] == made["programs"]
        run.stdout.fnmatch_lines(["*programs not of the scenarios' images, with trials: sh dash with*"])
    other = pytester.runpytest(*options[:3], "-k", "mandated")
    other.stdout.fnmatch_lines(["*clock (2024-02-29T12:00:00Z when recorded, none now)*"])
