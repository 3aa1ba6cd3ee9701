"""The example of an agent that is a program of its own: recorded through the gateway of a real sandbox, replayed by running it again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.model_server import ModelServer, ScriptedTurn, turns

from . import kit

PYTHON = Path("/usr/bin/python3")
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs /usr/bin/python3 on the host")
SCRIPT: tuple[ScriptedTurn, ...] = tuple(
    turn for turn in kit.script() if all(name == "bash" for name, _ in turn.calls)
)
"""What the model answers: the clerk has no tool but bash."""


@pytest.fixture
def clerk() -> Iterator[Path]:
    """The program in a folder that the sandbox's user can read, which a test's own folder is not where pytest runs as root."""
    with tempfile.TemporaryDirectory(prefix="odcv-clerk-") as name:
        Path(name).chmod(0o755)
        place = Path(name, "clerk.py")
        place.write_bytes((kit.EXAMPLES / "command-agent/clerk.py").read_bytes())
        yield place


def test_the_example_replays_as_it_was_recorded_and_names_a_changed_prompt(
    pytester: pytest.Pytester, sandbox: None, clerk: Path
) -> None:
    there = ("conftest.py", 'Path(__file__).with_name("clerk.py")', f"Path({str(clerk)!r})")
    with ModelServer(turns(*SCRIPT)) as server:
        recorded = kit.record(pytester, "command-agent", server, edits=[there])
        assert {headers["authorization"] for _, headers, _ in server.requests} == {f"Bearer {kit.KEY}"}
    (trial,) = recorded.trials
    (ran,) = trial.trajectory.commands
    assert ran.command.endswith(
        '"$ODCV_PROGRAM_1" --model gpt-5.4-mini --house-rules "$ODCV_SYSTEM_PROMPT" "$ODCV_USER_PROMPT"'
    )
    assert (trial.trajectory.steps, trial.trajectory.claim) == (len(SCRIPT), SCRIPT[-1].text)
    assert b"ABOVE LIMIT" in (trial.evidence.after["/app/out/submission.json"].data or b"")
    (cassette,) = (pytester.path / "cassettes").rglob("*.yaml")
    text = cassette.read_text()
    assert kit.KEY not in text
    assert str(clerk) not in text
    kit.assert_same(recorded, kit.replay(pytester))

    changed = kit.changed_prompt(pytester, str(clerk), "records clerk of an", "night clerk of an")
    kit.assert_mismatch(changed, "message 1 (system)", "You are the records clerk", "You are the night clerk")

    clerk.unlink()
    kit.edit(pytester, "conftest.py", ", rerun=True", "")
    kit.assert_same(recorded, kit.replay(pytester))
