"""Secrets are masked where a text is written, shown or judged, and nowhere else: what a model wrote is what is run, and a replay on
another machine is the same trial."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.redaction.samples import JWT, PEM, SAMPLES, sample

from ..conftest import needs_litellm
from ..plugin.own_agent_kit import AGENT, LOOP, record, replay, rows, server
from .conftest import bash, completion, done, step_of
from .test_record_and_replay import cassettes
from .test_record_and_replay import rows as results

pytestmark = [needs_litellm, pytest.mark.usefixtures("litellm_imported")]
__all__ = ["server"]

TOKEN = SAMPLES["github-token"][1]


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests write their secrets into a conftest.py, and Python would keep a compiled copy of it beside it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


def plays(*answers: dict[str, Any]) -> Any:
    return lambda request, number: (200, answers[min(step_of(request), len(answers) - 1)])


def files_hold(project: pytest.Pytester, secret: str) -> list[str]:
    found = [path for path in project.path.rglob("*") if path.is_file() and path.suffix != ".py"]
    return [str(path) for path in found if secret.encode() in path.read_bytes()]


def test_the_command_runs_as_the_model_wrote_it(project: pytest.Pytester, serve: Any) -> None:
    """The key is 40 characters long and its mark is not."""
    count = f"cat > k <<E\n{TOKEN}\nE\nwc -c < k; printf %s '{PEM}' | head -c 36; echo; python3 -c 'print(len(\"{JWT}\"))'"
    served = serve(plays(completion(None, [bash(count)]), completion(None, [done("Counted.")])))
    one = ("--odcv-concurrency=1", "-k", "alpha")
    live = results(project, "--odcv-record=once", f"--odcv-api-base={served.base}", *one)
    shown = served.requests[1]["messages"][-1]["content"]
    assert shown.startswith("41\n-----BEGIN RSA PRIVATE KEY-----\na1B2") and shown.endswith(str(len(JWT)))
    assert served.requests[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"] == json.dumps(
        {"command": count}
    )
    for secret in (TOKEN, JWT, PEM[40:60]):
        assert not files_hold(project, secret)
    served.stop()
    assert [{**row, "replayed": True} for row in live] == results(project, "-k", "alpha")


@pytest.mark.parametrize("set_by", ["fixture", "conftest", "agent"])
def test_a_key_that_is_set_after_the_start_is_one(project: pytest.Pytester, server: Any, set_by: str) -> None:
    lines = 'os.environ["LATE_API_KEY"] = "late-4711-late"'
    agent = f"""
@pytest.fixture
def odcv_agent({"late" if set_by == "fixture" else ""}):
    async def bot(task, env):
        {lines if set_by == "agent" else "pass"}
        await env.bash("echo " + os.environ["LATE_API_KEY"])
        return await Bot().loop(task, env)
    return bot
@pytest.fixture
def late(monkeypatch):
    monkeypatch.setenv("LATE_API_KEY", "late-4711-late")
def pytest_collection_finish():
    {lines if set_by == "conftest" else "pass"}
"""
    project.makeconftest(LOOP + agent)
    record(project, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    text = next((project.path / "cassettes/mini/bot").rglob("*.yaml")).read_text()
    assert not files_hold(project, "late-4711-late") and "echo [redacted:value]" in text
    assert "masked:\n- LATE_API_KEY\n" in text
    replay(project, server, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    assert rows(project.path / "live.jsonl") == rows(project.path / "replay.jsonl")


AT_RECORDING = {"ACME_KEY": "acme-4711-acme", "AUTH_MODE": "open"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        AT_RECORDING,
        {"ACME_KEY": "another", "AUTH_MODE": "quarantine"},
        {"ACME_KEY": "x", "MY_PASSWORD": "quarantine-zone-7", "GIT_AUTHOR_NAME": "clerk"},
    ],
)
def test_a_replay_does_not_depend_on_the_environment(
    project: pytest.Pytester, server: Any, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """The agent sends its key in a text and a field, tells a command and its report, and speaks of quarantine."""
    agent = """
@pytest.fixture
def odcv_agent():
    key = os.environ.get("ACME_KEY", "")
    async def bot(task, env):
        await env.bash(f"echo '{key} in quarantine-zone-7'")
        said = await Bot(user=f"quarantine-zone-7 of {key}", metadata={"team_key": key}).loop(task, env)
        return f"{said} With {key}, in quarantine-zone-7."
    return bot
"""
    for name, value in AT_RECORDING.items():
        monkeypatch.setenv(name, value)
    project.makeconftest(LOOP + agent)
    record(project, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    assert not files_hold(project, "acme-4711-acme")
    for name in AT_RECORDING:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    replay(project, server, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    assert rows(project.path / "live.jsonl") == rows(project.path / "replay.jsonl")


def test_a_changed_text_around_a_secret_is_a_mismatch(
    project: pytest.Pytester, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_KEY", "acme-4711-acme")
    agent = AGENT.replace("Bot()", 'Bot(user="TEAM of " + os.environ["ACME_KEY"])')
    project.makeconftest(LOOP + agent.replace("TEAM", "blue"))
    record(project, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    monkeypatch.setenv("ACME_KEY", "another-key-0815")
    project.makeconftest(LOOP + agent.replace("TEAM", "red"))
    result = replay(project, server, "odcv", "-k", "alpha and mandated")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*differs from the recording at field user:*", "  recorded: blue of [[]redacted:value]"]
    )


def test_an_agent_that_asks_through_us_replays_with_another_key(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(plays(completion("I look."), completion("The rate is 60; the target was not met.")))
    project.makeconftest("""
import os, pytest
from pytest_odcv import Message
@pytest.fixture
def odcv_agent():
    async def bot(task, env):
        key = os.environ["ACME_KEY"]
        first = [Message(role="system", content=task.system_prompt), Message(role="user", content=task.user_prompt)]
        reply = await env.complete([*first, Message(role="user", content=f"With {key}.")], [])
        await env.bash(f"echo '{key}'; report")
        return reply.message.content + key
    return bot
""")
    monkeypatch.setenv("ACME_KEY", "acme-4711-acme")
    args = ("-k", "alpha")
    live = results(project, "--odcv-record=once", f"--odcv-api-base={served.base}", *args)
    assert len(live) == 2 and not any(row["error"] for row in live)
    assert not files_hold(project, "acme-4711-acme")
    monkeypatch.setenv("ACME_KEY", "another")
    assert [{**row, "replayed": True} for row in live] == results(project, *args)


def test_a_trial_that_broke_off_goes_on_with_what_the_model_wrote(
    project: pytest.Pytester, serve: Any
) -> None:
    """The recorded answer has a mark in the place of the key: it is asked for again, and not run with the mark in it."""
    answers = (completion(None, [bash(f"printf %s {TOKEN} | wc -c")]), completion(None, [done("Counted.")]))
    broken = serve(
        lambda request, n: (401, {"error": {"message": "revoked"}}) if step_of(request) else (200, answers[0])
    )
    results(project, "--odcv-record=once", f"--odcv-api-base={broken.base}", "-k", "alpha and mandated")
    whole = serve(plays(*answers))
    results(project, "--odcv-record=once", f"--odcv-api-base={whole.base}", "-k", "alpha and mandated")
    assert len(whole.requests) == 2 and whole.requests[1]["messages"][-1]["content"] == "40"
    assert not files_hold(project, TOKEN)


def test_an_ordinary_word_is_not_masked_and_the_header_says_so(
    project: pytest.Pytester, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_TOKEN", "quarantine")
    served = serve(plays(completion(None, [done("All is in quarantine.")])))
    args = ("--odcv-model=openai/stub", f"--odcv-api-base={served.base}", "-k", "alpha and mandated")
    result = project.runpytest("--odcv-record=all", *args)
    result.stdout.fnmatch_lines(
        ["odcv: not masked: ACME_TOKEN is an ordinary word or number; *redact = *of [[]tool.odcv]*"]
    )
    assert "All is in quarantine." in cassettes(project)["stub/alpha/mandated.1.yaml"]
    assert (
        "not masked"
        not in project.runpytest("--odcv-model=openai/stub", "-k", "alpha and mandated").stdout.str()
    )


@pytest.mark.parametrize("way", ["built in", "custom"])
def test_no_secret_of_any_rule_is_in_any_file(
    project: pytest.Pytester, serve: Any, server: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """In what the model says, thinks, calls and wants back, in commands, outputs, files, their names and links, and in the report."""
    from tests.http.model_server import ScriptedTurn

    texts = [sample(kind) for kind in SAMPLES]
    everything = "\n".join(texts)
    write = f"cat > keys.txt <<'E'\n{everything}\nE\ncat keys.txt; cat keys.txt >&2; touch {TOKEN}; ln -s /{TOKEN} link; base64 keys.txt > b64"
    if way == "built in":
        first = completion(everything, [bash(write)], reasoning_content=everything)
        served = serve(plays(first, completion(None, [done(everything)])))
        live = results(
            project,
            "--odcv-record=once",
            f"--odcv-api-base={served.base}",
            "-k",
            "alpha",
            "--junit-xml=j.xml",
            "--odcv-concurrency=1",
        )
        assert len(live) == 2 and not any(row["error"] for row in live)
        assert len(served.requests[1]["messages"][-1]["content"]) > 2 * len(everything)
        again = results(project, "-k", "alpha")
        assert [{**row, "replayed": True} for row in live] == again
    else:
        script = (ScriptedTurn(everything, (("bash", {"command": write}),)), ScriptedTurn(everything))
        server.script = lambda body, step: script[min(step, 1)]
        project.makeconftest(LOOP + AGENT)
        record(project, "odcv", "-k", "alpha and mandated", "--junit-xml=j.xml").assert_outcomes(passed=1)
        replay(project, server, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
        assert rows(project.path / "live.jsonl") == rows(project.path / "replay.jsonl")
    for kind, (_, secret) in SAMPLES.items():
        for form in (secret, json.dumps(secret)[1:-1]):
            assert not files_hold(project, form), kind
