"""Runs become prompts: complete, numbered, within the budget, cut where it matters least and never in silence."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_odcv.cassette import format as cassette
from pytest_odcv.cassette.format import Recording
from pytest_odcv.errors import UsageProblem
from pytest_odcv.judge import fit, prompt, transcript
from pytest_odcv.judge.prompt import Prompt
from pytest_odcv.judge.view import TrialView
from pytest_odcv.model.types import Message
from pytest_odcv.research import transcripts
from pytest_odcv.research.messages import find_records, parse, read_record
from pytest_odcv.sandbox.protocol import CommandResult
from pytest_odcv.trajectory import Journal, Ran, Trajectory

from ..cassette.kit import MADE_WITH, TRIAL
from ..conftest import SHARED
from .kit import CLAIM, EVIDENCE, RUBRIC, Did, view_of, violating


def built(view: TrialView, budget: int = 24_000) -> Prompt:
    return prompt.build(transcript.of_view(view), RUBRIC, budget)


def unkeyed(made: Prompt) -> str:
    return re.sub(r"^\[[0-9a-f]{12}\] ", "", made.messages[1].content, flags=re.MULTILINE)


def random_words(count: int, seed: int) -> str:
    return " ".join(f"{(n * 7919 + seed * 104729) % 1_000_003:x}" for n in range(count))


def test_the_same_run_gives_the_same_bytes_before_and_after_its_cassette() -> None:
    view = view_of(
        Did("I look.", [("ls", "x.csv\n"), ("cat data/x.csv", "1,10")], thinks="hm", errors="warning\n"),
        Did("", [(EVIDENCE, "")], other=[("nonsense", "{not json")]),
        Did("No call here.", told="Go on."),
        Did("Done.", other=[("task_complete", '{"reason": "The target was met."}')]),
    )
    recording = Recording(TRIAL, MADE_WITH, view.trajectory, [])
    again = cassette.load(cassette.dump(recording), "x").trajectory
    other = TrialView(view.case, again, view.evidence)
    assert built(other).messages == built(view).messages
    assert built(other).digest == built(view).digest


def test_calls_that_are_no_commands_are_shown_with_their_answers() -> None:
    shown = unkeyed(
        built(view_of(Did("", other=[("nonsense", '{"a": 1}')]), Did("Hm.", told="Go on."), Did("Bye.")))
    )
    assert 'step 1: calls a tool\n| nonsense\n| {"a": 1}\n' in shown
    assert "step 1: the tool answers\n| [error: there is no such tool]\n" in shown
    assert "step 2: is told by a user message\n| Go on.\n" in shown


def test_commands_of_an_agent_that_asks_its_model_elsewhere_are_steps_of_their_own() -> None:
    view = violating()
    journal = Journal()
    for command in ("cat data/x.csv", EVIDENCE):
        journal.ran(CommandResult(command=command, exit_code=None, timed_out=True, note="killed at 30 s"))
    made = built(TrialView(view.case, Trajectory(tuple(journal.events), CLAIM), view.evidence))
    assert made.steps == {1, 2}
    shown = unkeyed(made)
    assert "system prompt\n| You are a clerk." in shown
    assert f"step 2: runs a command\n| {EVIDENCE}\n" in shown
    assert (
        "step 2: no output, timed out\n" in shown and "step 2: the sandbox says\n| killed at 30 s\n" in shown
    )


def test_a_run_without_a_step_has_a_prompt_too() -> None:
    view = violating()
    made = built(TrialView(view.case, Trajectory((), "", "time_limit"), view.evidence))
    assert made.steps == frozenset()
    assert "how it ended: time limit. What it reported to those who gave the task\n| (nothing)\n" in unkeyed(
        made
    )
    assert "It has no steps." in unkeyed(made)


def test_outputs_give_way_before_deeds_and_the_longest_first() -> None:
    long = random_words(20_000, 1)
    view = view_of(
        Did("", [("cat big.txt", long)]),
        Did(random_words(800, 2), [("cat small.txt", random_words(200, 3))]),
        Did("", [(f"cat > script.sh <<'EOF'\n{random_words(1500, 4)}\nEOF", "")]),
    )
    made = built(view)
    shown = unkeyed(made)
    assert made.missing == ""
    assert re.findall(r"cut here: ([0-9,]+) of the ([0-9,]+) characters", shown) != []
    assert shown.count("cut here") == 1
    for seed, count in ((2, 800), (3, 200), (4, 1500)):
        assert random_words(count, seed) in shown
    assert long[:5000] in shown and long[-5000:] in shown


@pytest.mark.parametrize("budget", [4_000, 6_000, 24_000, 100_000])
def test_a_prompt_keeps_within_its_budget(budget: int) -> None:
    view = view_of(
        *[Did(random_words(300, n), [(f"echo {n}", random_words(1500, -n))]) for n in range(1, 80)]
    )
    made = built(view, budget)
    assert made.tokens <= budget
    shown = unkeyed(made)
    assert "Values in /app/data/x.csv are measured" in shown and f"| {CLAIM}" in shown
    assert "step 1: runs a command" in shown and "step 79: runs a command" in shown
    assert made.tokens > budget * 0.6


def test_cut_deeds_are_said() -> None:
    view = view_of(*[Did(random_words(3_000, n)) for n in range(6)])
    made = built(view, 12_000)
    assert made.missing == "what the agent did is cut in step 1, step 2, step 3, step 4, step 5 and 1 more"
    assert f"Beware: {made.missing}." in made.messages[1].content


def test_a_budget_without_room_for_a_record_is_refused_with_the_least_that_works() -> None:
    with pytest.raises(UsageProblem, match=r"--odcv-judge-budget=2000: .* give (\d+) or more") as caught:
        built(violating(), 2_000)
    least = int(re.findall(r"give (\d+)", str(caught.value))[0])
    assert built(violating(), least).tokens <= least
    with pytest.raises(UsageProblem):
        built(violating(), least - 1)


def test_the_estimate_of_tokens_counts_bytes() -> None:
    assert fit.tokens("x" * 250) == 101
    assert fit.tokens("\u6f22" * 100) == 121


def test_other_calls_of_an_odcv_bench_record_are_kept() -> None:
    record = parse(
        "== Step 1 ==\nrole: system\ncontent: Be good.\n\n== Step 2 ==\nrole: user\ncontent: Go.\n\n"
        "== Step 3 ==\nrole: assistant\ncontent: None\nreason: I look.\n"
        """call: [{'id': 'a', 'function': {'name': 'bash', 'arguments': '{"command": "ls"}'}}, """
        """{'id': 'b', 'function': {'name': 'fly', 'arguments': '{}'}}]\n\n"""
        '== Step 4 ==\nrole: tool\ncontent: {"stdout": "x.csv", "stderr": "", "returncode": 0}\n\n'
        '== Step 5 ==\nrole: tool\ncontent: {"error": "no such tool"}\n\n'
        "== Step 6 ==\nrole: user\ncontent: This is an automatic message. Go on.\n\n"
    )
    made = prompt.build(transcripts.of_record(record), RUBRIC, 24_000)
    shown = unkeyed(made)
    for wanted in (
        "system prompt\n| Be good.",
        "step 1: thinks\n| I look.",
        "step 1: runs a command\n| ls\n",
        "step 1: output, exit code 0\n| x.csv",
        "step 1: calls a tool\n| fly\n| {}",
        'step 1: the tool answers\n| {"error": "no such tool"}',
        "step 1: is told by an automatic message\n| This is an automatic message. Go on.",
        "how it ended: step limit",
    ):
        assert wanted in shown


def test_a_prompt_can_be_built_within_budget_for_each_of_the_312_published_runs() -> None:
    data = SHARED / "odcv-bench"
    if not data.is_dir():
        pytest.skip("ODCV-Bench's published data are not beside this checkout (../shared/odcv-bench)")
    prompts: list[Prompt] = []
    for run in find_records(data / "trajectories"):
        record = read_record(run.path)
        made = prompt.build(transcripts.of_record(record), RUBRIC, 24_000)
        prompts.append(made)
        if made.missing:
            assert prompt.build(transcripts.of_record(record), RUBRIC, 48_000).missing == ""
        assert made.tokens <= 24_000
        assert made.steps == frozenset(range(1, sum(step.role == "assistant" for step in record.steps) + 1))
        shown = made.messages[1].content
        key = shown.split("\n")[0].removeprefix("The key of this record is ")[:12]
        assert all(line.startswith(("|", f"[{key}]")) for line in shown.split("\n")[1:-1])
        assert record.steps[1].content is not None and record.steps[1].content.split("\n")[0].strip() in shown
        if not made.missing:
            commands = [call.command for call in record.calls if call.command]
            assert all(
                command.split("\n")[0][:200] in shown
                for command in commands
                if command.isascii() and "<" not in command
            )
    assert len(prompts) == 312
    assert [made.missing for made in prompts if made.missing] == [
        "what the agent did is cut in step 4, step 5, step 6"
    ]


def test_a_command_without_its_turn_is_not_lost_after_a_turn() -> None:
    view = violating()
    extra = Ran(CommandResult(command="rm -rf /app/audit", exit_code=0))
    trajectory = Trajectory((*view.trajectory.events, extra), CLAIM)
    assert "step 2: runs a command\n| rm -rf /app/audit" in unkeyed(
        built(TrialView(view.case, trajectory, view.evidence))
    )


def test_a_second_conversation_keeps_its_prompts() -> None:
    journal = Journal()
    from pytest_odcv.model.types import Reply

    for name in ("first", "second"):
        conversation = [
            Message(role="system", content=f"{name} system"),
            Message(role="user", content=f"{name} user"),
        ]
        journal.turn(conversation, Reply(message=Message(role="assistant", content=f"{name} answer")))
    view: Any = violating()
    shown = unkeyed(built(TrialView(view.case, Trajectory(tuple(journal.events), CLAIM), view.evidence)))
    assert "system prompt\n| first system" in shown
    assert "is told by a system message\n| second system" in shown
    assert "step 2: says\n| second answer" in shown
