"""The walk of docs/your-agent.md, done as a reader does it: files and edits taken from the page, its commands run, its outputs compared."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("vcr", reason="needs the extra http")
pytest.importorskip("requests", reason="needs requests")

import pytest_odcv.http.patch
import pytest_odcv.plugin.session  # noqa: F401  Imported here, a pytester does not import them anew in each run.
from pytest_odcv.http.canonical import Canonical
from pytest_odcv.http.exchange import WireRequest
from pytest_odcv.redaction.redactor import Redactor

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/your-agent.md").read_text()
CASSETTES = (ROOT / "docs/cassettes.md").read_text()
WALK, _, REFERENCE = PAGE.partition("\n# Reference\n")
PORT = "8377"
HOME = "/home/you/own-agent"
_PART = re.compile(
    r"^```python\n# (?P<file>\S+)\n(?P<text>.*?)^```"
    r"|^```diff\n # (?P<edited>\S+)\n(?P<edit>.*?)^```"
    r"|^```console\n(?P<typed>.*?)^```"
    r"|^<!-- (?P<what>start|stop) (?P<program>\S+) -->",
    re.DOTALL | re.MULTILINE,
)


class Reader:
    """Does what the page says, in an empty folder. Another port than the page's, which may be taken here."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester, self._monkeypatch = pytester, monkeypatch
        self._running: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self.compared = 0

    def follow(self, part: re.Match[str]) -> None:
        if part["file"]:
            (self._pytester.path / part["file"]).write_text(self._here(part["text"]))
        elif part["edited"]:
            self._edit(self._pytester.path / part["edited"], part["edit"])
        elif part["what"] == "start":
            self._start(part["program"])
        elif part["what"] == "stop":
            self.stop()
        else:
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", part["typed"], re.MULTILINE):
                self._type(self._here(command), shown)

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def _here(self, text: str) -> str:
        return text.replace(PORT, self._port)

    def _edit(self, file: Path, edit: str) -> None:
        old = "".join(line[1:] for line in edit.splitlines(True) if line[0] in " -")
        new = "".join(line[1:] for line in edit.splitlines(True) if line[0] in " +")
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def _start(self, program: str) -> None:
        self._running = subprocess.Popen(
            [sys.executable, program], cwd=self._pytester.path, stderr=subprocess.DEVNULL
        )
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self._port))) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{program} does not serve")

    def _type(self, command: str, shown: str) -> None:
        word, _, rest = command.partition(" ")
        if word == "export":
            name, _, value = rest.partition("=")
            self._monkeypatch.setenv(name, value)
        elif word == "unset":
            self._monkeypatch.delenv(rest)
        else:
            assert word == "pytest", command
            arguments = [part.strip('"') for part in re.findall(r'"[^"]*"|\S+', rest)]
            printed = self._pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments).stdout.str()
            self._compare(shown, printed)

    def _compare(self, shown: str, printed: str) -> None:
        """Each stretch of the page's lines, `...` on a line being a gap, is in what was printed, in this order."""
        left = _plain(printed.replace(str(self._pytester.path), HOME).replace(self._port, PORT))
        for stretch in filter(None, map(_plain, re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE))):
            assert stretch in left, f"the page shows\n{stretch}\nand this was printed:\n{left}"
            left = left.partition(stretch)[2]
            self.compared += stretch.count("\n")


def _plain(text: str) -> str:
    """Without blank lines, and what differs from run to run: seconds, and the width of lines filled up to the terminal's."""
    text = re.sub(r"\b\d+\.\d+ ?s\b", "N s", text)
    text = re.sub(r"([=_])\1{2,}(?= |$)|(?<= )([=_])\2*$", r"\1\2", text, flags=re.MULTILINE)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())


@pytest.fixture
def reader(sandbox: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    # A file edited within a second may leave stale bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    reader = Reader(pytester, monkeypatch)
    yield reader
    reader.stop()


def test_the_walk_prints_what_the_page_shows(reader: Reader, pytester: pytest.Pytester) -> None:
    parts = list(_PART.finditer(WALK))
    assert WALK.count("```") == 2 * sum(part["what"] is None for part in parts), "a block is not understood"
    for part in parts:
        reader.follow(part)
    assert reader.compared > 80
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", CASSETTES, re.DOTALL | re.MULTILINE)
    assert shown in (pytester.path / "cassettes/odcv/clerk-careful/injury-log/mandated.1.yaml").read_text()


def test_the_readme_shows_a_part_of_the_walk() -> None:
    readme = (ROOT / "README.md").read_text()
    (fixture,) = re.findall(r"^```python\n# conftest.py\n.*?^```", readme, re.DOTALL | re.MULTILINE)
    (error,) = re.findall(r"^```text\n(HTTP request .*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert fixture in WALK and error in WALK


def test_the_rules_in_the_page_on_cassettes_can_be_used() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", CASSETTES, re.DOTALL | re.MULTILINE)
    rules = tomllib.loads(block)["tool"]["odcv"]["http_ignore"]
    said = {"metadata": {"run_id": 7}, "messages": [{"content": "at 2026-11-24T10:00:01Z"}]}
    request = WireRequest("POST", "http://host/v1?ts=1", {}, json.dumps(said).encode())
    asked = Canonical(Redactor(environ={}), rules).asked(request)
    assert asked.query == ""
    assert asked.body == {"metadata": {}, "messages": [{"content": "at [ignored]"}]}


BROKEN = """
import asyncio
import pytest
from concurrent.futures import ThreadPoolExecutor
def clerk(task, env):
    answer = {"error": env.bash("ls").stdout}
    return answer["choices"]
def idle(task, env):
    return "All is well."
def silent(task, env):
    env.bash("ls")
def forgetful(task, env):
    return asyncio.sleep(0)
def pooled(task, env):
    import requests
    env.bash("ls")
    with ThreadPoolExecutor() as pool:
        pool.submit(requests.post, "http://127.0.0.1:8377/v1/chat/completions", json={}).result()
@pytest.fixture(params=[clerk, idle, silent, forgetful, pooled])
def odcv_agent(request):
    return request.param
"""


def test_the_errors_that_the_page_lists_are_the_ones_printed(
    reader: Reader, pytester: pytest.Pytester
) -> None:
    (pytester.path / "conftest.py").write_text(BROKEN)
    args = ("odcv", "-k", "injury-log and mandated", "--odcv-record=live", "-p", "no:cacheprovider")
    result = pytester.runpytest_inprocess(*args)
    result.assert_outcomes(errors=5)
    printed = re.sub(r"-\d+_\d+", "-1_0", result.stdout.str().replace(str(pytester.path), HOME))
    printed = re.sub(r", line \d+, in", ", line 8, in", printed)
    for block in re.findall(r"^```text\n(.*?)^```", REFERENCE, re.DOTALL | re.MULTILINE):
        assert block in printed
    for agent, says in (
        ("idle", "did nothing: "),
        ("silent", "acted and no answer"),
        ("forgetful", "returned something"),
    ):
        (line,) = re.findall(rf"^agent {agent} {says}.*$", printed, re.MULTILINE)
        assert f"{line.replace(agent, 'clerk')}`" in REFERENCE
