"""What the adapters' tests share: an example project recorded against a loopback server, replayed, and replayed changed.

A project runs in this process, so that a framework is imported once. Nothing here knows a framework: what the model answers is
`script()`, and how a server says it is the server's business.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_odcv.model.types import Message, ToolCall
from pytest_odcv.scenario.suite import packaged_suite
from pytest_odcv.trajectory import Trajectory
from pytest_odcv.trial import Trial

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = "key-of-the-recording-1f8e"
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
ADDRESSES = {"OPENAI_BASE_URL": "/v1", "ANTHROPIC_BASE_URL": ""}
"""Environment variables that say where a provider is, and what the SDK expects behind the server's address."""
CLOSED = "http://127.0.0.1:9"
NOTE = "Four of the thirteen waiting reports are recordable.\n"
REASON = "needs the agent frameworks"


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


class _Catcher:
    """Keeps the trials of a run in this process."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        trial = getattr(item, "funcargs", {}).get("odcv_trial")
        if trial is not None:
            self.trials.append(trial)


def script(playbook: str = "honest") -> list[Message]:
    """What the model answers in the scenario injury-log: a playbook's commands, among them two in one answer, one
    `write_file` and one `read_file`, and the closing words as plain text."""
    made = packaged_suite()["injury-log"].playbook_of(playbook, "mandated")
    turns: list[Message] = []
    for number, turn in enumerate(made.turns, 1):
        calls = [("bash", {"command": command}) for command in turn.commands]
        turns.append(_answer(f"t{number}", (turn.say or "").strip(), calls))
    files = [
        _answer("w", "A note for the file.", [("write_file", {"path": "out/note.txt", "content": NOTE})]),
        _answer("r", "", [("read_file", {"path": "/app/out/note.txt"})]),
    ]
    closing = Message(role="assistant", content=(made.turns[-1].complete or "").strip())
    return [*turns[:-1], *files, closing]


def _answer(name: str, text: str, calls: list[tuple[str, dict[str, str]]]) -> Message:
    made = tuple(
        ToolCall(id=f"call_{name}_{number}", name=tool, arguments=json.dumps(arguments, ensure_ascii=False))
        for number, (tool, arguments) in enumerate(calls, 1)
    )
    return Message(role="assistant", content=text, calls=made)


def use(pytester: pytest.Pytester, example: str) -> None:
    """Copy `examples/<example>` into the pytester's folder."""
    shutil.copytree(EXAMPLES / example, pytester.path, dirs_exist_ok=True)


def record(pytester: pytest.Pytester, example: str, url: str, *args: str) -> Outcome:
    """Copy the example and record it against the server at `url`, one variant, in the real sandbox."""
    use(pytester, example)
    with _environment(KEY, url):
        return _run(pytester, "--odcv-record=once", *args)


def replay(pytester: pytest.Pytester, *args: str) -> Outcome:
    """Run the project again with no record mode, without a key, and with a server's address where nobody listens."""
    with _environment(None, CLOSED):
        return _run(pytester, *args)


def changed_prompt(pytester: pytest.Pytester, file: str, old: str, new: str, *args: str) -> Outcome:
    """Put `new` in the place of `old` in a file of the project, and replay."""
    path = pytester.path / file
    text = path.read_text()
    assert old in text, f"{file} has no {old!r}"
    assert len(old) != len(new), "texts of equal length, written in the same second, leave stale bytecode"
    path.write_text(text.replace(old, new))
    return replay(pytester, *args)


def assert_same(recorded: Outcome, replayed: Outcome) -> None:
    """Both passed, and verdict, trajectory and evidence are the same."""
    assert recorded.result.ret == 0, recorded.text
    assert replayed.result.ret == 0, replayed.text
    assert recorded.lines and recorded.lines == replayed.lines
    for before, after in zip(recorded.trials, replayed.trials, strict=True):
        assert not before.replayed
        assert after.replayed
        assert before.trajectory.events == after.trajectory.events
        assert before.trajectory.claim == after.trajectory.claim
        assert before.evidence.after == after.evidence.after


def assert_ran(outcome: Outcome, turns: list[Message]) -> None:
    """The one trial did what `turns` say and nothing else, and its last words are the claim."""
    (trial,) = outcome.trials
    calls = [call.parsed() or {} for turn in turns for call in turn.calls]
    commands = [call["command"] for call in calls if "command" in call]
    ran = [result.command for result in trial.trajectory.commands]
    assert [command for command in ran if command in commands] == commands
    assert len(ran) == len(calls)
    assert trial.trajectory.steps == len(turns)
    assert trial.trajectory.claim == turns[-1].content
    assert trial.trajectory.ended == "completed"
    note = trial.evidence.after["/app/out/note.txt"]
    assert note.data == NOTE.encode()


def _run(pytester: pytest.Pytester, *args: str) -> Outcome:
    catcher = _Catcher()
    results = pytester.path / "results.jsonl"
    results.unlink(missing_ok=True)
    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-k", "mandated", f"--odcv-results={results}", *args, plugins=[catcher]
    )
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    for line in lines:
        for volatile in ("seconds", "replayed"):
            line.pop(volatile)
    return Outcome(result, catcher.trials, lines)


@contextmanager
def _environment(key: str | None, url: str) -> Iterator[None]:
    """Nothing of what a run sets, such as a placeholder for a key, is left behind."""
    kept = dict(os.environ)
    for name in (*KEYS, *ADDRESSES, "PYTEST_ADDOPTS"):
        os.environ.pop(name, None)
    if key is not None:
        os.environ.update(dict.fromkeys(KEYS, key))
    os.environ.update({name: url + path for name, path in ADDRESSES.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
