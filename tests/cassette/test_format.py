"""A cassette gives back exactly what was recorded, is deterministic, readable, and linear in steps."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odcv.agent.bash_tool import render
from pytest_odcv.cassette import format as cassette
from pytest_odcv.errors import CassetteError
from pytest_odcv.model.types import Message, Reply, ToolCall, canonical_arguments
from pytest_odcv.sandbox.protocol import CommandResult
from pytest_odcv.trajectory import Event, Ran, Turn

from .kit import recording, resealed

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


EMPTY = cassette.dump(recording())
SMALL = cassette.dump(
    recording(conversation(2), files=[{"removed": "/app/x"}, {"added": "/app/y", "text": "a\nb\n"}])
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("odcv_cassette: 99\n", "reads up to 3"),
        (
            "odcv_cassette: 0\n",
            "c.yaml:1: not a cassette: expected odcv_cassette: 3 or a version before it, found 0",
        ),
        ("odcv_cassette: -1\n", "found -1"),
        ("odcv_cassette: true\n", "found True"),
        ("odcv_cassette: '1'\n", "found '1'"),
        ("a: [1\n", "c.yaml:2: damaged: did not find expected ',' or ']'"),
        ("hello", "c.yaml:1: damaged: expected keys and values, found str"),
        ("", "c.yaml:1: damaged: expected keys and values, found nothing"),
        ("odcv_cassette: 1\n", "damaged: the file: expected a key trial"),
        ("odcv_cassette: 1\na: &x [1]\nb: *x\n", "c.yaml:2: damaged: an alias, which no recording has"),
        ("odcv_cassette: 1\na:\n  <<: {b: 1}\n", "c.yaml:3: damaged: expected a text as key"),
        ("odcv_cassette: 1\n~: 2\n", "c.yaml:2: damaged: expected a text as key"),
        ("odcv_cassette: 1\n? [1]\n: 2\n", "c.yaml:2: damaged: expected a text as key"),
        (
            "odcv_cassette: 1\nx: !!python/object/apply:os.system [true]\n",
            "c.yaml:2: damaged: could not determine",
        ),
        ("odcv_cassette: 1\nx: " + "[" * 20_000, "damaged: exceeded maximum nesting depth"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(content: str, says: str) -> None:
    with pytest.raises(CassetteError) as caught:
        cassette.load(content, "c.yaml")
    assert says in str(caught.value)
    assert "--odcv-record=all" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("seconds: 1.5", "seconds: .nan", "end.seconds: expected a number, 0 or more, found nan"),
        ("seconds: 1.5", "seconds: .inf", "end.seconds: expected a number"),
        ("seconds: 1.5", "seconds: -1", "end.seconds: expected a number"),
        ("how: completed", "how: well", "end.how: expected one of blocked, broken_off, completed"),
        ("epoch: 1", "epoch: true", "trial.epoch: expected a whole number, 1 or more, found True"),
        ("epoch: 1", "epoch: 0", "trial.epoch: expected a whole number, 1 or more, found 0"),
        ("exit: 0", "exit: zero", "expected an exit code or null, found 'zero'"),
        ("exit: 0", "exit: 0.0", "expected an exit code or null, found 0.0"),
        ("exit: 0", "exit: 0\n  forged_by: me", "expected one of the keys result, exit"),
        ("result: call_0", "result: call_9", "damaged: KeyError: 'call_9'"),
        ("bash: step 0", "bash: 7", "expected a text, found 7"),
        ("claim: done", "claim: null", "end.claim: expected a text, found None"),
        ("steps:\n", "steps: null\nolder:\n", "damaged"),
        (
            "- removed: /app/x",
            "- deleted: /app/x",
            "files.0: expected an entry with one of the keys removed, changed, added",
        ),
        ("recorded: '2026", "recorded: 'in 2026", "recorded: expected a date"),
    ],
)
def test_an_edit_that_was_sealed_must_still_be_a_recording(old: str, new: str, says: str) -> None:
    with pytest.raises(CassetteError) as caught:
        assert old in SMALL
        cassette.load(resealed(SMALL.replace(old, new, 1)), "c.yaml")
    assert says in str(caught.value)


def test_a_damaged_value_is_told_by_its_line() -> None:
    text = resealed(SMALL.replace("exit: 0", "exit: zero", 1))
    line = text[: text.index("exit: zero")].count("\n") + 1
    with pytest.raises(CassetteError, match=rf"c\.yaml:{line}: damaged"):
        cassette.load(text, "c.yaml")


# --- the seal ---------------------------------------------------------------------------------------------------------


def test_a_cassette_cut_after_any_line_is_an_error() -> None:
    lines = SMALL.splitlines(keepends=True)
    for kept in range(len(lines)):
        with pytest.raises(CassetteError, match=r"c\.yaml:\d+: (damaged|not a cassette)"):
            cassette.load("".join(lines[:kept]), "c.yaml")


def test_a_cassette_cut_after_any_character_is_an_error_or_whole() -> None:
    for kept in range(len(EMPTY)):
        try:
            found = cassette.load(EMPTY[:kept], "c.yaml")
        except CassetteError:
            continue
        assert found == cassette.load(EMPTY, "c.yaml"), f"cut after {kept} characters"


def test_a_line_that_is_missing_or_doubled_anywhere_is_an_error_or_changes_nothing() -> None:
    lines = SMALL.splitlines(keepends=True)
    whole = cassette.load(SMALL, "c.yaml")
    for n in range(len(lines)):
        for changed in ([*lines[:n], *lines[n + 1 :]], [*lines[: n + 1], *lines[n:]]):
            try:
                found = cassette.load("".join(changed), "c.yaml")
            except CassetteError:
                continue
            assert found == whole, f"line {n + 1}"


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_an_error_or_changes_nothing(at: int, flip: int) -> None:
    data = bytearray(SMALL.encode())
    data[at % len(data)] ^= flip
    try:
        found = cassette.load(data.decode("utf-8"), "c.yaml")
    except (CassetteError, UnicodeDecodeError):
        return
    assert found == cassette.load(SMALL, "c.yaml")


def test_what_is_appended_or_merged_is_an_error() -> None:
    for more in ("files: []\n", "extra: 1\n", SMALL, "---\n" + SMALL):
        with pytest.raises(CassetteError, match="damaged"):
            cassette.load(SMALL + more, "c.yaml")


def test_other_line_ends_are_no_damage() -> None:
    assert cassette.load(SMALL.replace("\n", "\r\n"), "c.yaml") == cassette.load(SMALL, "c.yaml")


def test_an_edit_names_the_command_that_seals_it() -> None:
    with pytest.raises(CassetteError, match=r"c\.yaml:\d+: damaged: .*odcv seal c\.yaml"):
        cassette.load(SMALL.replace("claim: done", "claim: well done"), "c.yaml")


def test_a_recording_of_a_version_before_seals_is_read_and_says_so() -> None:
    body = "".join(
        line for line in SMALL.splitlines(keepends=True) if not line.startswith(("seal:", "recorded:"))
    )
    old = cassette.load(body.replace("odcv_cassette: 3", "odcv_cassette: 1"), "c.yaml")
    assert (old.sealed, old.recorded) == (False, "")
    assert old.trajectory == cassette.load(SMALL, "c.yaml").trajectory


# --- what cannot be replayed is not recorded ----------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_read_back_or_refused_when_it_is_recorded(command: str, output: str) -> None:
    made = recording((Ran(CommandResult(command=command, exit_code=0, stdout=output)),), claim=output)
    try:
        text = cassette.text_to_keep(made, "c.yaml")
    except CassetteError as error:
        assert "cannot be recorded" in str(error)
        return
    assert cassette.load(text, "c.yaml") == made


def test_a_lone_surrogate_is_refused_when_it_is_recorded() -> None:
    made = recording((Ran(CommandResult(command="echo \ud800", exit_code=0)),))
    with pytest.raises(CassetteError, match=r"c\.yaml: cannot be recorded"):
        cassette.text_to_keep(made, "c.yaml")
