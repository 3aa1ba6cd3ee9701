"""A cassette gives back exactly what was recorded, is deterministic, readable, and linear in steps."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.agent.bash_tool import render
from pytest_odcv.cassette import format as cassette
from pytest_odcv.cassette.format import Recording
from pytest_odcv.errors import CassetteError
from pytest_odcv.model.types import Message, Reply, ToolCall, canonical_arguments
from pytest_odcv.sandbox.protocol import CommandResult
from pytest_odcv.trajectory import Event, Ran, Trajectory, Turn

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    [
        "",
        "\n",
        "a\n",
        " a\n b \n",
        "\ta\n",
        "a\r\nb",
        "a\x85b\nc",
        "a\u2028b\nc",
        "\ufeff\n",
        "- x: y\n",
        "null",
        "1",
        "yes",
        "~",
        "x\x00y\n",
        "\x1b[31mred\n",
    ]
)
ids = st.sampled_from(["call_1", "call_2", "a", "1"])
results = st.builds(
    CommandResult,
    command=text,
    exit_code=st.none() | st.integers(0, 255),
    stdout=text,
    stderr=text,
    stdout_cut=st.integers(0, 5),
    timed_out=st.booleans(),
    restarted=st.booleans(),
    note=text,
)
arguments = (text | st.builds(lambda t: json.dumps({"command": t}), text) | st.just('{"command":1}')).map(
    canonical_arguments
)
calls = st.builds(
    ToolCall, id=ids, name=st.sampled_from(["bash", "task_complete", "other"]), arguments=arguments
)
replies = st.builds(
    Reply,
    message=st.builds(
        Message,
        role=st.just("assistant"),
        content=text,
        calls=st.lists(calls, max_size=3).map(tuple),
        reasoning=text,
    ),
    stop=st.sampled_from(["stop", "tool_calls", "length"]),
    prompt_tokens=st.none() | st.integers(0, 9),
    completion_tokens=st.none() | st.integers(0, 9),
    cost=st.none() | st.floats(0, 9),
)
messages = (
    st.builds(Message, role=st.sampled_from(["system", "user"]), content=text)
    | st.builds(Message, role=st.just("tool"), content=text, call_id=ids)
    | st.builds(Message, role=st.just("tool"), content=results.map(render), call_id=ids)
)


@st.composite
def event_lists(draw: st.DrawFn) -> tuple[Event, ...]:
    events: list[Event] = []
    length = 0
    for _ in range(draw(st.integers(0, 4))):
        events += [Ran(result) for result in draw(st.lists(results, max_size=2))]
        keep = draw(st.integers(0, length))
        new = tuple(draw(st.lists(messages, max_size=3)))
        events.append(Turn(keep, new, draw(replies)))
        length = keep + len(new) + 1
    return tuple(events)


def recording(events: tuple[Event, ...], claim: str = "done") -> Recording:
    return Recording(
        {"scenario": "s", "epoch": 1}, {"prompts": "x"}, Trajectory(events, claim, "completed", 1.5), []
    )


@settings(max_examples=150, deadline=None)
@given(event_lists(), text)
def test_what_was_recorded_is_read_back_exactly(events: tuple[Event, ...], claim: str) -> None:
    original = recording(events, claim)
    written = cassette.dump(original)
    assert cassette.load(written, "here") == original
    assert cassette.dump(original) == written


def conversation(steps: int, output: str = "some output\n" * 10) -> tuple[Event, ...]:
    events: list[Event] = []
    new: tuple[Message, ...] = (
        Message(role="system", content="be good\nbe kind"),
        Message(role="user", content="do it"),
    )
    for step in range(steps):
        call = ToolCall(id=f"call_{step}", name="bash", arguments=json.dumps({"command": f"step {step}"}))
        events.append(
            Turn(
                0 if step == 0 else 2 * step + 1,
                new,
                Reply(message=Message(role="assistant", content="", calls=(call,)), cost=None),
            )
        )
        result = CommandResult(command=f"step {step}", exit_code=0, stdout=output)
        events.append(Ran(result))
        new = (Message(role="tool", call_id=call.id, content=render(result)),)
    return tuple(events)


def test_a_command_and_its_answer_stand_once() -> None:
    written = cassette.dump(recording(conversation(3)))
    assert written.count("some output") == 30
    assert "result: call_1" in written and "bash: step 1" in written
    assert cassette.load(written, "here").trajectory.events[:-1] == conversation(3)[:-1]


def test_a_file_grows_by_the_same_bytes_with_every_step() -> None:
    size = {steps: len(cassette.dump(recording(conversation(steps)))) for steps in (20, 30, 40)}
    assert abs((size[40] - size[30]) - (size[30] - size[20])) <= 20


def test_many_lines_are_a_block_that_a_reviewer_can_read() -> None:
    assert "  stdout: |\n    some output\n    some output\n" in cassette.dump(recording(conversation(2)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("odcv_cassette: 99\n", "reads up to 2"),
        ("a: [1\n", "c.yaml:2: not a readable cassette"),
        ("hello", "has no odcv_cassette version"),
        ("", "has no odcv_cassette version"),
        ("odcv_cassette: 1\n", "damaged: KeyError: 'end'"),
        ("odcv_cassette: 1\nend: {claim: x, how: y, seconds: z}\nsteps: []\n", "damaged: ValueError"),
        (
            "odcv_cassette: 1\nend: {claim: x, how: y, seconds: 1}\nsteps: [{result: call_9, exit: 0}]\n",
            "damaged: KeyError: 'call_9'",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(content: str, says: str) -> None:
    with pytest.raises(CassetteError) as caught:
        cassette.load(content, "c.yaml")
    assert says in str(caught.value)
    assert "--odcv-record=all" in str(caught.value)
