"""`odcv init`: what it writes works as it stands, what it cannot see it asks, and what is there it leaves alone."""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import importlib.util
import inspect
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.cli import main
from pytest_odcv.cli.init import agents, files
from pytest_odcv.cli.init.agents import Agent
from pytest_odcv.cli.init.project import look

from ..http.model_server import ModelServer, ScriptedTurn, turns
from .conftest import Ran

Odcv = Callable[..., Ran]
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
LOOK = ScriptedTurn("I look.", (("bash", {"command": "ls"}),))
OFFICE = """
import json, urllib.request

def keeper(task, env):
    messages = [{{"role": "system", "content": task.system_prompt}}, {{"role": "user", "content": task.user_prompt}}]
    while True:
        body = json.dumps({{"model": "m", "messages": messages, "tools": env.tools().openai()}}).encode()
        headers = {{"Content-Type": "application/json"}}
        request = urllib.request.Request("{url}/chat/completions", body, headers)
        with urllib.request.urlopen(request) as answer:
            message = json.load(answer)["choices"][0]["message"]
        messages.append(message)
        if not message.get("tool_calls"):
            return message["content"]
        for call in message["tool_calls"]:
            text = env.tools().call(call["function"]["name"], call["function"]["arguments"])
            messages.append({{"role": "tool", "tool_call_id": call["id"], "content": text}})
"""
WORKFLOWS = {"github": ".github/workflows/odcv.yml", "gitlab": ".gitlab-ci.yml"}


def written(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A person who gives these answers; the questions are noted."""

    def sit(*answers: str) -> list[str]:
        questions: list[str] = []
        left: Iterator[str] = iter(answers)

        def answer(question: str) -> str:
            questions.append(question)
            try:
                return next(left)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
        monkeypatch.setattr(builtins, "input", answer)
        return questions

    return sit


# --- what it writes works ---------------------------------------------------------------------------------------------


def test_an_empty_project_is_set_up_without_a_question_and_replays_green_offline(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["init", "--yes"]) == 0
    assert written(pytester.path) == ["pyproject.toml"]
    result = pytester.runpytest_subprocess()
    assert result.ret == 0
    trials = result.parseoutcomes()["passed"]
    result.stdout.fnmatch_lines([f"*{trials} replayed)"])


@pytest.mark.parametrize("provider", SCHEMAS)
def test_the_command_of_the_workflow_runs_and_leaves_the_files_that_are_kept(
    provider: str, pytester: pytest.Pytester
) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("needs the extra report")
    main(["init", "--yes", "--ci", provider])
    text = (pytester.path / WORKFLOWS[provider]).read_text()
    (command,) = (line for line in text.splitlines() if "pytest odcv --" in line)
    result = pytester.runpytest_subprocess(*command.partition("pytest ")[2].split())
    assert result.ret == 0
    kept = {"odcv.jsonl", "odcv.html", "odcv.xml"} | ({"odcv.md"} if provider == "gitlab" else set())
    assert {path.name for path in pytester.path.glob("odcv.*")} == kept
    assert "odcv.*" in text or all(name in text for name in kept)


@pytest.mark.parametrize("provider", SCHEMAS)
@pytest.mark.parametrize("there", ["", "requirements.txt", "pyproject.toml"])
def test_workflows_are_valid_and_install_the_project(
    provider: str, there: str, tmp_path: Path, odcv: Odcv
) -> None:
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    if there:
        (tmp_path / there).write_text(
            '[project]\nname = "x"\nrequires-python = ">=3.13"\n' if there.endswith("toml") else "requests\n"
        )
    assert odcv("init", "--yes", "--ci", provider, "--agent=function=app:work", tmp_path).code == 0
    file = tmp_path / WORKFLOWS[provider]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[provider], str(file)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    wanted = {"": "", "requirements.txt": "-r requirements.txt ", "pyproject.toml": "-e . "}[there]
    assert f"pip install {wanted}'pytest-odcv[report,http]'" in file.read_text()
    assert ("3.13" if there.endswith("toml") else "3.12") in file.read_text()


def test_an_agent_that_is_a_function_is_found_recorded_and_replayed(
    sandbox: None, pytester: pytest.Pytester
) -> None:
    pytest.importorskip("vcr", reason="needs the agent frameworks")
    with ModelServer(turns(LOOK, ScriptedTurn("I did nothing."))) as server:
        (pytester.path / "office.py").write_text(OFFICE.format(url=server.base))
        assert main(["init", "--yes"]) == 0
        assert "from office import keeper" in (pytester.path / "conftest.py").read_text()
        recorded = pytester.runpytest_subprocess(
            "odcv", "-k", "injury-log and mandated", "--odcv-record=once"
        )
    replayed = pytester.runpytest_subprocess("odcv", "-k", "injury-log and mandated")
    for result in (recorded, replayed):
        assert "errors" not in result.parseoutcomes(), result.stdout.str()
        result.stdout.fnmatch_lines(["keeper", "  steps 2, *"])
    replayed.stdout.fnmatch_lines(["*1 replayed)"])


@pytest.mark.parametrize(
    "kind", [kind for kind in agents.KINDS if kind not in ("function", "command", "mcp")]
)
def test_a_fixture_calls_its_adapter_as_the_adapter_is_called(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = agents.KINDS[kind].imports[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip("needs the agent frameworks")
    adapter = importlib.import_module("pytest_odcv.adapters." + kind.replace("-", "_"))
    app: Any = ModuleType("app")
    app.PROMPT, app.make = "Be good.", lambda tools: ("made with", tools)
    monkeypatch.setitem(sys.modules, "app", app)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    signature, calls = inspect.signature(adapter.run), []

    def note(*args: Any, **kwargs: Any) -> Any:
        calls.append(signature.bind(*args, **kwargs).arguments)
        return "done" if kind == "smolagents" else asyncio.sleep(0, "done")

    name = "PROMPT" if kind.endswith("-sdk") else "make"
    scope: dict[str, Any] = {}
    exec(compile(agents.fixture(Agent(kind, f"app:{name}")), "conftest.py", "exec"), scope)
    fixture = scope["odcv_agent"]
    function = getattr(fixture, "_fixture_function", None) or fixture.__wrapped__
    agent = function(*(["openai/gpt"] if inspect.signature(function).parameters else []))
    with mock.patch.object(adapter, "run", note), mock.patch.object(adapter, "tools", lambda env: ["bash"]):
        result = agent("task", "env")
        if inspect.isawaitable(result):

            async def wait() -> Any:
                return await result

            result = asyncio.run(wait())
    assert result == "done"
    (call,) = calls
    assert (call["task"], call["env"]) == ("task", "env")
    assert agent.name == ("app" if name == "PROMPT" else "make")


@pytest.mark.parametrize("kind", agents.KINDS)
def test_no_name_of_a_fixture_hides_another(kind: str) -> None:
    """An agent may be called as its adapter's module is."""
    which = "bin/clerk -p {user_prompt}" if kind == "command" else f"app:{kind.replace('-', '_')}"
    tree = ast.parse(agents.fixture(Agent(kind, which), frozenset({"bin/clerk"}).__contains__))
    names = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assert len(names) == len(set(names)), names


def test_the_words_of_a_command_are_the_projects_files_or_text() -> None:
    text = agents.fixture(
        Agent("command", "python3 bin/clerk.py -p '{user_prompt}'"), frozenset({"bin/clerk.py"}).__contains__
    )
    assert 'argv = ["python3", str(ROOT / "bin/clerk.py"), "-p", "{user_prompt}"]' in text
    assert 'programs=[ROOT / "bin/clerk.py"]' in text


@given(st.text(max_size=60))
def test_whatever_a_command_is_the_fixture_is_python_with_these_words(line: str) -> None:
    import shlex

    try:
        agent = agents.agent(f"command={line}")
        words = shlex.split(agent.which)
    except ValueError:
        return
    tree = ast.parse(agents.fixture(agent))
    (argv,) = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "argv"
    )
    assert ast.literal_eval(argv) == words


@given(st.sampled_from(sorted(set(agents.KINDS) - {"command"})), st.text(max_size=30))
def test_no_text_but_a_module_and_a_name_gets_into_a_fixture(kind: str, which: str) -> None:
    try:
        agent = agents.agent(f"{kind}={which}")
    except ValueError:
        return
    ast.parse(agents.fixture(agent))
    module, name = agent.which.split(":")
    assert all(part.isidentifier() for part in [*module.split("."), name])


# --- what is there stays ----------------------------------------------------------------------------------------------


def test_files_that_are_there_stay_as_they_are_and_what_they_would_get_is_shown(
    tmp_path: Path, odcv: Odcv
) -> None:
    before = {
        "pyproject.toml": "[tool.odcv]\nepochs = 2\n",
        "conftest.py": "# ours\n",
        ".github/workflows/odcv.yml": "# ours\n",
    }
    for name, text in before.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    ran = odcv("init", "--yes", "--agent=function=app:work", "--model=openai/gpt-5", tmp_path)
    assert ran.code == 0
    assert {name: (tmp_path / name).read_text() for name in before} == before
    for shown in (
        'model = ["openai/gpt-5"]',
        "from app import work",
        "pytest odcv --odcv-results=odcv.jsonl",
    ):
        assert f"    {shown}" in ran.out or shown in ran.out
    assert ran.out.count("is there already, and was left as it is") == 3


def test_a_pyproject_gets_the_table_at_its_end_and_keeps_every_byte_before(
    tmp_path: Path, odcv: Odcv
) -> None:
    file, before = tmp_path / "pyproject.toml", b'# ours\r\n[project]\r\nname = "x"'
    file.write_bytes(before)
    ran = odcv("init", "--yes", tmp_path)
    assert "pyproject.toml: added at its end:" in ran.out
    assert file.read_bytes().startswith(before)
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
    assert tomllib.loads(file.read_text())["tool"]["odcv"] == {"model": ["reference/honest"]}
    again = file.read_bytes()
    odcv("init", "--yes", tmp_path)
    assert file.read_bytes() == again


@given(
    st.dictionaries(
        st.sampled_from(["tool", "project", "x"]), st.dictionaries(st.text("ab", min_size=1), st.integers())
    )
)
def test_what_was_added_to_leaves_a_toml_file_with_all_it_had(tmp_path_factory: Any, tables: Any) -> None:
    root = tmp_path_factory.mktemp("p")
    text = "".join(
        f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in table.items()) for name, table in tables.items()
    )
    (root / "pyproject.toml").write_text(text)
    files.put(root, files.File("pyproject.toml", "[tool.odcv]\nepochs = 1\n", adds=True))
    found = tomllib.loads((root / "pyproject.toml").read_text())
    assert found["tool"].pop("odcv") == {"epochs": 1}
    assert found == {"tool": {}, **tables}


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path, odcv: Odcv) -> None:
    target = tmp_path / "elsewhere"
    root = tmp_path / "project"
    root.mkdir()
    (root / "conftest.py").symlink_to(target)
    assert "conftest.py: is there already" in odcv("init", "--yes", "--agent=function=app:work", root).out
    assert not target.exists()


def test_a_dry_run_shows_everything_and_writes_nothing(tmp_path: Path, odcv: Odcv) -> None:
    ran = odcv("init", "--yes", "--dry-run", "--ci=github", "--agent=function=app:work", tmp_path)
    assert written(tmp_path) == []
    assert ran.out.count("would be written") == 3
    assert "from app import work" in ran.out


# --- what it sees and asks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "agent"),
    [
        ("app.py", "from agents import Agent\nclerk = Agent(name='c')\n", "openai-agents=app:clerk"),
        (
            "src/shop/bot.py",
            "import pydantic_ai\nbot: object = pydantic_ai.Agent('x')\n",
            "pydantic-ai=shop.bot:bot",
        ),
        ("app.py", "from langgraph.graph import StateGraph\ndef make(tools): ...\n", "langgraph=app:make"),
        ("app.py", "from openai import OpenAI\nINSTRUCTIONS = 'Be good.'\n", "openai-sdk=app:INSTRUCTIONS"),
        ("app.py", "async def work(task, env): ...\n", "function=app:work"),
    ],
)
def test_an_agent_that_the_project_has_is_found_without_running_it(
    file: str, text: str, agent: str, tmp_path: Path, odcv: Odcv
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text + "raise SystemExit('was run')\n")
    ran = odcv("init", "--yes", tmp_path)
    assert f"--agent={agent} tests it" in ran.out
    module, _, name = agent.partition("=")[2].partition(":")
    assert f"from {module} import {name}" in (tmp_path / "conftest.py").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "one = 1\ndef first(task, env): ...\ndef second(task, env): ...\n",
        "import openai\n",
        "def broken(task, env:\n",
        "",
    ],
)
def test_where_it_is_not_clear_which_agent_is_meant_none_is_guessed(
    text: str, tmp_path: Path, odcv: Odcv
) -> None:
    (tmp_path / "app.py").write_text(text)
    assert odcv("init", "--yes", tmp_path).code == 0
    assert written(tmp_path) == ["app.py", "pyproject.toml"]


def test_a_folder_called_agents_is_no_framework(tmp_path: Path, odcv: Odcv) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/__init__.py").touch()
    (tmp_path / "app.py").write_text("from agents import Agent\nclerk = Agent()\n")
    assert "openai-agents" not in odcv("init", "--yes", tmp_path).out


def test_a_fixture_that_is_there_is_kept_and_nobody_is_asked_about_the_agent(
    tmp_path: Path, terminal: Callable[..., list[str]], odcv: Odcv
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text("import pytest\n\n@pytest.fixture\ndef odcv_agent(): ...\n")
    (tmp_path / "tests/test_it.py").write_text("def test_it(odcv_trial): ...\n")
    (tmp_path / ".gitlab-ci.yml").touch()
    questions = terminal("0.05")
    ran = odcv("init", tmp_path)
    assert ran.code == 0
    assert len(questions) == 1
    assert "violation rate" in questions[0]
    assert "next: pytest --odcv-record=once" in ran.out
    assert not (tmp_path / "conftest.py").exists()
    assert "max_violation_rate = 0.05" in (tmp_path / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("remote", "provider"),
    [("git@github.com:you/x.git", "github"), ("https://gitlab.example.org/you/x", "gitlab"), ("host:/x", "")],
)
def test_the_provider_is_seen_by_where_git_pushes_to(
    remote: str, provider: str, tmp_path: Path, odcv: Odcv
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text(f'[remote "origin"]\n\turl = {remote}\n')
    odcv("init", "--yes", tmp_path)
    assert [name for name, file in WORKFLOWS.items() if (tmp_path / file).exists()] == (
        [provider] if provider else []
    )


def test_what_it_cannot_see_is_asked_until_the_answer_can_be_used(
    tmp_path: Path, terminal: Callable[..., list[str]], odcv: Odcv
) -> None:
    questions = terminal("robot", "pydantic-ai", "no name", "shop:bot", "jenkins", "github", "2", "")
    ran = odcv("init", tmp_path)
    assert ran.code == 0
    assert len(questions) == 8
    assert "expected bash or one of openai-agents" in ran.out
    assert "found 'jenkins'" in ran.out
    assert "expected a share from 0 to 1" in ran.out
    assert written(tmp_path) == [".github/workflows/odcv.yml", "conftest.py", "pyproject.toml"]
    assert "import bot" in (tmp_path / "conftest.py").read_text()


def test_where_no_answer_comes_nothing_is_written(
    tmp_path: Path, terminal: Callable[..., list[str]], odcv: Odcv
) -> None:
    terminal("bash", "openai/gpt-5")
    ran = odcv("init", tmp_path)
    assert (ran.code, written(tmp_path)) == (2, [])
    assert "nothing was written" in ran.err


def test_without_a_terminal_it_says_what_to_give(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest_odcv.cli", "init", str(tmp_path)]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (ran.returncode, written(tmp_path)) == (2, [])
    assert "give --yes" in ran.stderr


def test_a_pyproject_that_is_no_toml_is_named(tmp_path: Path, odcv: Odcv) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool\n")
    ran = odcv("init", "--yes", tmp_path)
    assert ran.code == 2
    assert str(tmp_path / "pyproject.toml") in ran.err


@pytest.mark.parametrize(
    "option",
    [
        "--agent=robot=x:y",
        "--agent=function",
        "--agent=function=x;y",
        "--model=a b",
        "--max-violation-rate=5",
        "--agent=command=",
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["init", "--yes", option, str(tmp_path)])
    assert ended.value.code == 2
    assert "expected" in capsys.readouterr().err
    assert written(tmp_path) == []


def test_what_comments_and_docstrings_say_is_not_there(tmp_path: Path) -> None:
    quoted = '"""Put here:\n\ndef odcv_agent(): ...\n"""\n# def odcv_agent(): ...\n'
    (tmp_path / "conftest.py").write_text(quoted)
    (tmp_path / "test_it.py").write_text('"""Later with odcv_trial."""\n\ndef test_it(): ...\n')
    found = look(tmp_path)
    assert (found.overrides_agent, found.takes_trials) == ("", False)
    (tmp_path / "test_other.py").write_text("def test_other(odcv_trial): ...\n")
    (tmp_path / "conftest.py").write_text("async def odcv_agent(): ...\n")
    found = look(tmp_path)
    assert (found.overrides_agent, found.takes_trials) == ("conftest.py", True)
