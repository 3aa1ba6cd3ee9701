"""What the adapters' tests share: an example project recorded against a loopback server, replayed, and replayed changed.

A project runs in this process, so that a framework is imported once. Nothing here knows a framework: what the model answers is
`script()`, and how a server says it is the server's business.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import pytest_odcv.http.patch
import pytest_odcv.plugin.session  # noqa: F401  A pytester forgets what was imported in its test; half of a package would be there twice.
from pytest_odcv.scenario.suite import packaged_suite
from tests.http.model_server import ModelServer, ScriptedTurn

if TYPE_CHECKING:
    from pytest_odcv.trajectory import Trajectory
    from pytest_odcv.trial.trial import Trial

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = "key-of-the-recording-1f8e"
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
ADDRESSES = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
"""Environment variables of the SDKs that say where a provider is, with an address where nobody listens."""
NOTE = "Four of the thirteen waiting reports are recordable.\n"
REASON = "needs the agent frameworks"
SMALL_MODEL = ("--odcv-model=openai/smollm2-135m", "--odcv-step-limit=8")
"""Options that the recordings of a real model in examples/openai-sdk were made with."""
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins. Hypothesis would be imported anew, and its asserts rewritten, at the end of every run in this process: 3 s each."""


@dataclass
class Outcome:
    """A finished run: what pytest printed and counted, its trials, and its results without what a replay may change."""

    result: pytest.RunResult
    trials: list[Trial] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.result.stdout.str() + self.result.stderr.str()

    @property
    def trajectories(self) -> list[Trajectory]:
        return [trial.trajectory for trial in self.trials]


_libraries: dict[str, ModuleType] = {}
"""What runs have imported, but for the projects' own modules. A pytester forgets it; to import it anew takes seconds a run."""


class _Catcher:
    """Keeps the trials of a run in this process, and what it imported."""

    def __init__(self, folder: Path) -> None:
        self.trials: list[Trial] = []
        self._folder = str(folder)

    def pytest_unconfigure(self) -> None:
        _libraries.update(
            (name, module)
            for name, module in list(sys.modules.items())
            if not (getattr(module, "__file__", None) or "").startswith(self._folder)
        )

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        trial = getattr(item, "funcargs", {}).get("odcv_trial")
        if trial is not None:
            self.trials.append(trial)


def script(playbook: str = "honest") -> tuple[ScriptedTurn, ...]:
    """What the model answers in the scenario injury-log: a playbook's commands, among them two in one answer, one
    `write_file` and one `read_file`, and the closing words as plain text."""
    made = packaged_suite()["injury-log"].playbook_of(playbook, "mandated").turns
    return (
        *(
            ScriptedTurn(turn.say or "", tuple(("bash", {"command": c}) for c in turn.commands))
            for turn in made[:-1]
        ),
        ScriptedTurn("A note for the file.", (("write_file", {"path": "out/note.txt", "content": NOTE}),)),
        ScriptedTurn("", (("read_file", {"path": "/app/out/note.txt"}),)),
        ScriptedTurn((made[-1].complete or "").strip()),
    )


def use(pytester: pytest.Pytester, example: str) -> None:
    """Copy `examples/<example>` into the pytester's folder."""
    shutil.copytree(EXAMPLES / example, pytester.path, dirs_exist_ok=True)


Edit = tuple[str, str, str]
"""A file of a project, a text in it, and what takes its place."""


def record(
    pytester: pytest.Pytester, example: str, server: ModelServer, *args: str, edits: Iterable[Edit] = ()
) -> Outcome:
    """Copy the example, edit it, record it against the server, one variant, in the real sandbox, and stop the server."""
    use(pytester, example)
    for made in edits:
        edit(pytester, *made)
    found = {"OPENAI_BASE_URL": server.base, "ANTHROPIC_BASE_URL": server.root}
    with _environment(found | dict.fromkeys(KEYS, KEY)):
        outcome = _run(pytester, "--odcv-record=once", *args)
    server.stop()
    return outcome


def replay(pytester: pytest.Pytester, *args: str) -> Outcome:
    """Run the project again with no record mode, without a key, and with nobody at the providers' addresses."""
    with _environment(ADDRESSES):
        return _run(pytester, *args)


def edit(pytester: pytest.Pytester, file: str, old: str, new: str) -> None:
    """Put `new` in the place of `old` in a file of the project."""
    path = pytester.path / file
    text = path.read_text()
    assert old in text, f"{file} has no {old!r}"
    assert len(old) != len(new), "texts of equal length, written in the same second, leave stale bytecode"
    path.write_text(text.replace(old, new))


def changed_prompt(pytester: pytest.Pytester, file: str, old: str, new: str, *args: str) -> Outcome:
    """Edit a prompt in a file of the project, and replay."""
    edit(pytester, file, old, new)
    return replay(pytester, *args)


def assert_mismatch(outcome: Outcome, message: str, recorded: str, now: str) -> None:
    """The run is red, the error names the message, as in `message 1 (system)`, shows both texts and says how to record again."""
    outcome.result.assert_outcomes(errors=1)
    for part in (message, recorded, now, "--odcv-record=all"):
        assert part in outcome.text, f"{part!r} is not in:\n{outcome.text}"


def assert_same(recorded: Outcome, replayed: Outcome, ret: int = 0) -> None:
    """Both passed, or ended with `ret`, and verdict, trajectory and evidence are the same."""
    assert recorded.result.ret == ret, recorded.text
    assert replayed.result.ret == ret, replayed.text
    assert recorded.lines and recorded.lines == replayed.lines
    for before, after in zip(recorded.trials, replayed.trials, strict=True):
        assert not before.replayed
        assert after.replayed
        assert before.trajectory.events == after.trajectory.events
        assert before.trajectory.claim == after.trajectory.claim
        assert before.evidence.after == after.evidence.after


def assert_ran(outcome: Outcome, turns: tuple[ScriptedTurn, ...]) -> None:
    """The one trial did what `turns` say, in their order, and nothing else; its last words are the claim."""
    assert outcome.result.ret == 0, outcome.text
    (trial,) = outcome.trials
    calls = [arguments for turn in turns for _, arguments in turn.calls]
    commands = [arguments["command"] for arguments in calls if "command" in arguments]
    ran = [result.command for result in trial.trajectory.commands]
    assert [command for command in ran if command in commands] == commands
    assert len(ran) == len(calls)
    assert trial.trajectory.steps == len(turns)
    assert trial.trajectory.claim == turns[-1].text
    assert trial.trajectory.ended == "completed"
    note = trial.evidence.after.get("/app/out/note.txt")
    assert note is not None, (sorted(trial.evidence.after), trial.trajectory.commands)
    assert note.data == NOTE.encode()


def assert_documented(pytester: pytest.Pytester, example: str, changed: Outcome) -> None:
    """The page on the framework shows the example's conftest.py as it is, and the mismatch as it is printed."""
    page = (EXAMPLES.parent / "docs" / "agents" / f"{example}.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert code in (EXAMPLES / example / "conftest.py").read_text()
    assert printed in changed.text.replace(f"{pytester.path}/", "")


def _run(pytester: pytest.Pytester, *args: str) -> Outcome:
    catcher = _Catcher(pytester.path)
    for name, module in _libraries.items():
        sys.modules.setdefault(name, module)
    results = pytester.path / "results.jsonl"
    results.unlink(missing_ok=True)
    result = pytester.runpytest_inprocess(
        *WITHOUT, "-k", "mandated", f"--odcv-results={results}", *args, plugins=[catcher]
    )
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    for line in lines:
        for volatile in ("seconds", "replayed", "recorded"):
            line.pop(volatile)
    return Outcome(result, catcher.trials, lines)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """The environment with these values for keys and addresses. What a run sets, such as a placeholder for a key, is undone."""
    kept = dict(os.environ)
    for name in (*KEYS, *ADDRESSES, "PYTEST_ADDOPTS"):
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
