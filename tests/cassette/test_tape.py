"""Replay is strict: what differs is named at message level, and nothing recorded may be left over."""

from __future__ import annotations

import pytest

from pytest_odcv.cassette.playback import Tape
from pytest_odcv.errors import ReplayMismatch
from pytest_odcv.model.difference import first_difference
from pytest_odcv.model.types import Message, Reply
from pytest_odcv.sandbox.protocol import CommandResult
from pytest_odcv.trajectory import Ran, Trajectory, Turn

SYSTEM = Message(role="system", content="be good")
USER = Message(role="user", content="line one\nline two\nline three")
ANSWER = Message(role="assistant", content="ok")


def tape() -> Tape:
    turn = Turn(0, (SYSTEM, USER), Reply(message=ANSWER))
    more = Turn(3, (Message(role="user", content="go on"),), Reply(message=ANSWER))
    return Tape(Trajectory((turn, Ran(CommandResult(command="ls", exit_code=0)), more)), "x.yaml")


def test_the_same_conversation_gets_the_recorded_answers() -> None:
    player = tape()
    assert player.reply([SYSTEM, USER]).message == ANSWER
    assert player.result("ls").exit_code == 0
    player.reply([SYSTEM, USER, ANSWER, Message(role="user", content="go on")])
    player.finish()


def test_a_changed_prompt_is_named_by_message_and_line_with_the_remedy() -> None:
    changed = Message(role="user", content="line one\nline 2\nline three")
    with pytest.raises(ReplayMismatch) as caught:
        tape().reply([SYSTEM, changed])
    assert str(caught.value) == (
        "question 1 to the model differs from the recording at message 2 (user):\n"
        "  recorded: line two\n"
        "  now:      line 2\n"
        "  cassette: x.yaml\n"
        "  to fix: undo the change, or record this trial again with --odcv-record=all"
    )


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ([SYSTEM], "message 2 (user), which is missing now: line one"),
        ([SYSTEM, USER, USER], "message 3 (user), which is not in the recording: line one"),
        ([USER, USER], "message 1: recorded a system message, now a user message"),
        ([SYSTEM, USER], ""),
    ],
)
def test_the_first_difference_is_named(now: list[Message], says: str) -> None:
    assert first_difference([SYSTEM, USER], now).startswith(says)


def test_another_command_is_an_error_that_shows_both() -> None:
    with pytest.raises(
        ReplayMismatch, match=r"command 1 differs from the recording:\n  recorded: ls\n  now:      ls -la"
    ):
        tape().result("ls -la")


def test_asking_too_often_is_an_error() -> None:
    player = tape()
    player.result("ls")
    with pytest.raises(ReplayMismatch, match=r"runs a 2\. command, pwd; the recording has 1"):
        player.result("pwd")
    empty = Tape(Trajectory(()), "x.yaml")
    with pytest.raises(ReplayMismatch, match=r"asks the model a 1\. time; the recording has 0 answers"):
        empty.reply([SYSTEM])


def test_ending_before_the_recording_does_is_an_error() -> None:
    player = tape()
    player.reply([SYSTEM, USER])
    with pytest.raises(ReplayMismatch, match="1 of 2 answers and 1 of 1 commands were not asked for"):
        player.finish()


def test_a_resumed_trial_is_served_up_to_the_first_difference_only() -> None:
    player = tape()
    assert player.reply_if_same([SYSTEM, USER]) is not None
    assert player.reply_if_same([SYSTEM, USER, ANSWER, Message(role="user", content="another way")]) is None
    # Also what was recorded is not served any more: it answered another conversation.
    assert player.reply_if_same([SYSTEM, USER, ANSWER, Message(role="user", content="go on")]) is None


def test_commands_that_ran_between_two_answers_may_come_in_another_order_and_no_further() -> None:
    turn = Turn(0, (SYSTEM, USER), Reply(message=ANSWER))
    more = Turn(3, (Message(role="user", content="go on"),), Reply(message=ANSWER))
    ran = [
        Ran(CommandResult(command=command, exit_code=n))
        for n, command in enumerate(("ls", "ls", "pwd", "id"))
    ]
    player = Tape(Trajectory((turn, *ran[:3], more, ran[3])), "x.yaml")
    assert player.result("pwd").exit_code == 2
    assert [player.result("ls").exit_code for _ in range(2)] == [0, 1]
    assert player.result("id").exit_code == 3
    early = Tape(Trajectory((turn, *ran[:3], more, ran[3])), "x.yaml")
    with pytest.raises(
        ReplayMismatch, match="command 1 differs from the recording:\n  recorded: ls\n  now:      id"
    ):
        early.result("id")
