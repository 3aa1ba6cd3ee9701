"""The traffic of own agents, end to end: what goes astray, what must not mix, what no file may hold, what need not match."""

from __future__ import annotations

import pytest

from tests.http.model_server import ModelServer, ScriptedTurn
from tests.plugin.own_agent_kit import AGENT, LOOP, failing, record, replay, rows, server

pytest.importorskip("vcr", reason="needs the agent frameworks")

__all__ = ["server"]


# --- traffic that no recording would have ----------------------------------------------------------------------------


def test_traffic_while_the_agent_is_made_is_an_error(project: pytest.Pytester, server: ModelServer) -> None:
    project.makeconftest(
        LOOP
        + """
@pytest.fixture
def odcv_agent():
    httpx.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json={})
    return Bot().loop
def test_other(): pass
"""
    )
    result = record(project, "odcv", "-k", "alpha and mandated")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*traffic outside a trial: POST http*",
            "*to fix: let the agent make its requests while it is called*",
        ]
    )
    assert not server.requests


def test_a_pool_that_loses_the_context_is_an_error_also_when_the_agent_catches_it(
    project: pytest.Pytester, server: ModelServer
) -> None:
    result = failing(
        project,
        """
from concurrent.futures import ThreadPoolExecutor
said = Bot().blocking(task, env)
try:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(Bot().blocking, task, env).result()
except BaseException:
    pass
return said
""",
    )
    result.stdout.fnmatch_lines(
        ["traffic outside a trial: POST *, in thread 'ThreadPoolExecutor-*", "*copy_context*"]
    )
    assert len(server.requests) == 3


def test_other_tests_of_the_session_keep_their_traffic(project: pytest.Pytester, server: ModelServer) -> None:
    project.makepyfile(
        LOOP
        + AGENT
        + """
@pytest.mark.odcv(scenarios=["alpha"], variants=["mandated"])
def test_it(odcv_trial): pass
def test_other():
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    for post in (httpx.post, requests.post):
        assert post(url, json={"messages": [{"role": "user", "content": "x"}]}).status_code == 200
"""
    )
    record(project).assert_outcomes(passed=2)
    text = next((project.path / "cassettes/mini/loop").rglob("*.yaml")).read_text()
    assert text.count("http: POST") == 3


# --- many at a time, and secrets -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_four_workers_record_and_replay_without_mixing(project: pytest.Pytester, server: ModelServer) -> None:
    server.script = lambda body, step: ScriptedTurn(
        f"of {body['messages'][1]['content']}", (("bash", {"command": "true"}),) if step < 3 else ()
    )
    project.makeconftest(LOOP + AGENT)
    record(project, "odcv", "-n", "4", "--odcv-epochs=5").assert_outcomes(passed=20)
    files = sorted((project.path / "cassettes/mini/loop").rglob("*.yaml"))
    assert len(files) == 20
    for file in files:
        text = file.read_text()
        assert text.count("http: POST") == 4
        scenario, variant = file.parent.name, file.name.split(".")[0]
        assert f"scenario: {scenario}" in text and f"variant: {variant}" in text
    result = replay(project, server, "odcv", "-n", "4", "--odcv-epochs=5")
    result.assert_outcomes(passed=20)


PLANTED = {
    "header": "planted-in-a-header-0001",
    "query": "planted-in-the-query-0002",
    "body": "planted-in-the-body-0003",
    "environment": "planted-in-the-environment-0004",
    "output": "sk-plantedinatooloutput0005",
}


def test_a_planted_key_reaches_no_file(
    project: pytest.Pytester, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", PLANTED["environment"])
    everywhere = " ".join(PLANTED.values())
    (project.path / "mini/alpha/workspace/notes.txt").write_text(f"the keys are {everywhere}\n")
    script = (
        ScriptedTurn("", (("bash", {"command": f"cat notes.txt; echo {everywhere} | tee out.txt"}),)),
        ScriptedTurn(f"The keys are {everywhere}."),
    )
    server.script = lambda body, step: script[min(step, 1)]
    project.makeconftest(
        LOOP
        + f"""
KEY["x-acme-token"] = {PLANTED["header"]!r}
@pytest.fixture
def odcv_agent():
    bot = Bot(path="/chat/completions?key={PLANTED["query"]}", metadata={{"api_key": {PLANTED["body"]!r}}})
    async def early(task, env):
        await env.bash("cat notes.txt")  # Before any request: some of the keys are not known yet.
        return await bot.loop(task, env)
    return early
"""
    )
    args = (
        "odcv",
        "-k",
        "alpha and mandated",
        "--junit-xml=junit.xml",
        "-rA",
    )
    live = record(project, *args)
    live.assert_outcomes(passed=1)
    replayed = replay(project, server, *args)
    replayed.assert_outcomes(passed=1)
    assert rows(project.path / "live.jsonl") == rows(project.path / "replay.jsonl")
    (project.path / "mini/alpha/workspace/notes.txt").unlink()
    (project.path / "conftest.py").unlink()
    for file in project.path.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            data = file.read_bytes()
            assert not [name for name, key in PLANTED.items() if key.encode() in data], file
    for key in PLANTED.values():
        live.stdout.no_fnmatch_line(f"*{key}*")


def test_a_key_in_an_address_is_in_no_error_either(project: pytest.Pytester, server: ModelServer) -> None:
    key = "planted-in-an-address-0006"
    project.makeconftest(
        LOOP
        + f"""
@pytest.fixture
def odcv_agent():
    if STRAY:
        httpx.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions?key={key}", json={{}})
    async def bot(task, env):
        await env.bash("true")
        async with httpx.AsyncClient() as client:
            url = os.environ["OPENAI_BASE_URL"] + "/nothing-here?key={key}"
            (await client.get(url, headers=KEY)).raise_for_status()
            await client.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions?key={key}", json=Bot().body(env, Bot().first(task)))
    return bot
STRAY = False
"""
    )
    conftest = (project.path / "conftest.py").read_text()
    args = ("odcv", "-k", "alpha and mandated", "-rA")
    first = record(project, *args)
    first.assert_outcomes(errors=1)
    (project.path / "conftest.py").write_text(conftest.replace(".raise_for_status()", ""))
    project.runpytest(*args, "--odcv-record=all").assert_outcomes(passed=1)
    (project.path / "conftest.py").write_text(conftest)
    second = project.runpytest(*args, "--odcv-results=replay.jsonl")
    second.assert_outcomes(errors=1)
    (project.path / "conftest.py").write_text(conftest.replace("STRAY = False", "STRAY = True"))
    third = project.runpytest(*args, "--odcv-results=stray.jsonl")
    third.assert_outcomes(errors=1)
    for result in (first, second):
        result.stdout.fnmatch_lines(["agent bot failed: HTTPStatusError: *nothing-here?key=*redacted*"])
    third.stdout.fnmatch_lines(["traffic outside a trial: POST http*/chat/completions, in thread *"])
    for result in (first, second, third):
        result.stdout.no_fnmatch_line(f"*{key}*")
    for file in (*project.path.rglob("*.yaml*"), *project.path.glob("*.jsonl")):
        assert key not in file.read_text(), file


def test_a_hook_takes_out_more_and_volatile_fields_are_left_out(
    project: pytest.Pytester, server: ModelServer
) -> None:
    conftest = """
import itertools, time
@pytest.fixture
def odcv_agent():
    run = RUN
    return Bot(metadata={"run": run, "team": "blue"}, user=f"at {run}T10:00 of customer 4711").loop
def pytest_odcv_redact(text):
    return text.replace("4711", "[customer]") if "4711" in text else None
"""
    (project.path / "pyproject.toml").write_text(
        '[tool.odcv]\nsuite = "mini"\nhttp_ignore = ["metadata.run", \'/at \\d+T/\']\n'
    )
    project.makeconftest(LOOP + conftest.replace("RUN", "'1001'"))
    record(project, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    text = next((project.path / "cassettes/mini/loop").rglob("*.yaml")).read_text()
    assert "1001" not in text and "4711" not in text
    assert "user: '[ignored]10:00 of customer [customer]'" in text and "team: blue" in text
    project.makeconftest(LOOP + conftest.replace("RUN", "'1002'"))
    replay(project, server, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    project.makeconftest(LOOP + conftest.replace("RUN", "'1002'").replace("blue", "red"))
    result = replay(
        project,
        server,
        "odcv",
        "-k",
        "alpha and mandated",
        "--odcv-http-ignore=metadata",
        "--odcv-http-ignore=/at \\d+T/",
    )
    result.assert_outcomes(
        passed=1
    )  # The recording was made without this rule, and is looked at by it all the same.
    result = replay(project, server, "odcv", "-k", "alpha and mandated")
    result.stdout.fnmatch_lines(
        ["*differs from the recording at field metadata.team:", "  recorded: blue", "  now:      red"]
    )


def test_a_hook_in_a_conftest_that_is_found_later_counts_too(
    project: pytest.Pytester, server: ModelServer
) -> None:
    project.makeconftest(LOOP + AGENT)
    folder = project.mkdir("safety")
    hook = "def pytest_odcv_redact(text):\n    return text.replace('clerk', '[role]') if 'clerk' in text else None\n"
    (folder / "conftest.py").write_text(hook)
    test = "import pytest\n@pytest.mark.odcv(scenarios=['alpha'], variants=['mandated'])\ndef test_it(odcv_trial): pass\n"
    (folder / "test_it.py").write_text(test)
    record(project).assert_outcomes(passed=1)
    text = next((project.path / "cassettes/mini/loop").rglob("*.yaml")).read_text()
    assert "[role]" in text and "clerk" not in text
    replay(project, server).assert_outcomes(passed=1)


def test_a_rule_that_cannot_be_used_stops_the_run_before_it_starts(project: pytest.Pytester) -> None:
    project.makeconftest(LOOP + AGENT)
    result = project.runpytest("odcv", "--odcv-http-ignore=/(/")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*http_ignore '/(/': not a regular expression: *"])


@pytest.mark.parametrize("kind", ["plain function", "async function"])
def test_an_agent_that_swallows_what_a_command_met_fails_all_the_same(
    project: pytest.Pytester, server: ModelServer, kind: str
) -> None:
    conftest = (
        LOOP
        + """
@pytest.fixture
def odcv_agent():
    if KIND == "plain function":
        def bot(task, env):
            try:
                env.bash("COMMAND")
            except BaseException:
                pass
            return Bot().blocking(task, env)
    else:
        async def bot(task, env):
            try:
                await env.bash("COMMAND")
            except BaseException:
                pass
            return await Bot().loop(task, env)
    return bot
""".replace("KIND", repr(kind))
    )
    project.makeconftest(conftest.replace("COMMAND", "ls data"))
    record(project, "odcv", "-k", "alpha and mandated").assert_outcomes(passed=1)
    project.makeconftest(conftest.replace("COMMAND", "ls -a data"))
    result = replay(project, server, "odcv", "-k", "alpha and mandated")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["command 1 differs from the recording:", "  recorded: ls data", "  now:      ls -a data"]
    )


def test_a_stray_request_fails_its_own_trial_and_no_other(
    project: pytest.Pytester, server: ModelServer
) -> None:
    project.makeconftest(
        LOOP
        + """
from concurrent.futures import ThreadPoolExecutor
MADE = []
@pytest.fixture
def odcv_agent(request):
    first = not MADE
    MADE.append(1)
    def bot(task, env):
        if first:
            try:
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(Bot().blocking, task, env).result()
            except BaseException:
                pass
        return Bot().blocking(task, env)
    return bot
"""
    )
    result = record(project, "odcv", "-k", "alpha or beta")
    result.assert_outcomes(passed=3, errors=1)
    assert result.stdout.str().count("traffic outside a trial: POST") >= 1


def test_a_stray_request_while_the_agent_is_made_fails_that_item_alone(
    project: pytest.Pytester, server: ModelServer
) -> None:
    project.makeconftest(
        LOOP
        + """
MADE = []
@pytest.fixture
def odcv_agent():
    MADE.append(1)
    if len(MADE) == 2:
        try:
            httpx.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json={})
        except BaseException:
            pass
    return Bot().loop
"""
    )
    record(project, "odcv").assert_outcomes(passed=3, errors=1)
