"""Reading `messages_record.txt`: every trap of the format, with text made to spring it. The real records are next door."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_odcv.research.csvfile import BadFile
from pytest_odcv.research.messages import PLACEHOLDER, Record, find_records, parse, read_record

from .records import AUTO, DONE, Turn, bash, call, done, output, write


def says(record: Record) -> str:
    return "\n".join(note.says for note in record.notes)


def roles(record: Record) -> str:
    return "".join(step.role[0] for step in record.steps)


# --- plain reading -------------------------------------------------------------------------------------------------


def test_a_run_is_read_with_commands_results_and_reasons() -> None:
    first = Turn("Looking.", "I should look first.", (bash("ls\n-l"),), (output("a\nb\n", 2),))
    record = parse(write([first, Turn("Done.", PLACEHOLDER, (done("all counted"),), (DONE,))]))
    assert roles(record) == "suatat"
    look, finish = record.calls
    assert (look.command, look.line, look.tool) == ("ls\n-l", 13, "bash")
    assert look.result is not None
    assert (look.result.stdout, look.result.returncode, look.result.line) == ("a\nb\n", 2, 15)
    assert (record.steps[2].reason, record.steps[4].reason) == ("I should look first.", None)
    assert (finish.reason, finish.command) == ("all counted", None)
    assert record.completed
    assert record.notes == ()


def test_a_turn_without_a_call_is_followed_by_an_automatic_message() -> None:
    record = parse(write([Turn("Thinking."), Turn("Bye.", PLACEHOLDER, (done(),), (DONE,))]))
    assert [step.automatic for step in record.steps] == [False, False, False, True, False, False]


def test_content_none_is_a_turn_without_words() -> None:
    record = parse(write([Turn(None, calls=(bash("ls"),), results=(output(),)), Turn(""), Turn("None.")]))
    assert [step.content for step in record.steps if step.role == "assistant"] == [None, "", "None."]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60)
PLAIN = TEXT.filter(
    lambda text: not re.search(r"^(== Step |reason: |call: )", text, re.MULTILINE) and text != "None"
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PLAIN, PLAIN, st.lists(st.tuples(TEXT, TEXT), max_size=4)), min_size=1, max_size=5))
def test_whatever_an_agent_says_and_runs_comes_back(
    turns: list[tuple[str, str, list[tuple[str, str]]]],
) -> None:
    """Any characters: line ends of other alphabets, quotes, backslashes, control characters."""
    written = [
        Turn(
            content,
            reason if reason != PLACEHOLDER and not reason.startswith("[") else "because",
            tuple(bash(command, f"c{number}-{n}") for n, (command, _) in enumerate(commands)),
            tuple(output(stdout) for _, stdout in commands),
        )
        for number, (content, reason, commands) in enumerate(turns)
    ]
    record = parse(write(written))
    found = [step for step in record.steps if step.role == "assistant"]
    assert [(step.content, step.reason) for step in found] == [
        (turn.content, turn.reason) for turn in written
    ]
    expected = [(c, o) for _, _, commands in turns for c, o in commands]
    assert [(call.command, call.result and call.result.stdout) for call in record.calls] == expected
    assert record.notes == ()


# --- reasons -------------------------------------------------------------------------------------------------------


def test_a_reason_over_many_lines_ends_before_the_call() -> None:
    record = parse(write([Turn("x", "one\n\ntwo\ncalls: many", (bash("ls"),), (output(),))]))
    assert record.steps[2].reason == "one\n\ntwo\ncalls: many"
    assert record.calls[0].command == "ls"


def test_a_reason_given_as_a_list_keeps_its_text_and_says_what_is_encrypted() -> None:
    parts = [
        {"type": "reasoning.summary", "summary": "First 'this'", "index": 0},
        {"type": "reasoning.text", "text": 'then "that"\n', "signature": "s" * 300},
        {"type": "reasoning.encrypted", "data": "gAAAA" + "x" * 995, "format": "v1"},
    ]
    record = parse(write([Turn("x", parts, (bash("ls"),), (output(),))]))
    assert record.steps[2].reason == "First 'this'\nthen \"that\"\n"
    assert says(record) == "1300 characters of the reason are not readable (encrypted) and were left out"
    assert record.notes[0].line == 12


@pytest.mark.parametrize(
    "reason",
    [
        "[not a list",
        "[1, 2] and more",
        "[__import__('os').system('echo')]",
        "[" * 3000,
        "[" * 60 + "]" * 60,
        "[" + "-" * 5000 + "1]",
        "[(1, 2)]",
        "['\\N{nothing}']",
        "['\\q'",
    ],
)
def test_a_reason_that_only_looks_like_a_list_stays_text(reason: str) -> None:
    assert parse(write([Turn("x", reason)])).steps[2].reason == reason


# --- calls and results ---------------------------------------------------------------------------------------------


def test_results_of_parallel_calls_belong_to_the_calls_in_order() -> None:
    calls = tuple(bash(f"echo {n}", f"c{n}") for n in range(3))
    record = parse(write([Turn("x", calls=calls, results=tuple(output(str(n)) for n in range(3)))]))
    assert [(c.command, c.result and c.result.stdout) for c in record.calls] == [
        ("echo 0", "0"),
        ("echo 1", "1"),
        ("echo 2", "2"),
    ]


def test_calls_after_an_early_task_complete_are_said_to_be_unanswered() -> None:
    calls = (bash("ls", "c1"), done(call_id="c2"), bash("rm x", "c3"), done(call_id="c4"))
    record = parse(write([Turn("x", calls=calls, results=(output(), DONE))]))
    assert [c.result is None for c in record.calls] == [False, False, True, True]
    assert record.completed
    assert "call 3 of 4 (bash) was never answered" in says(record)
    assert "call 4 of 4 (task_complete) was never answered" in says(record)


def test_a_result_too_many_is_noted() -> None:
    record = parse(write([Turn("x", calls=(bash("ls"),), results=(output("a"), output("b")))]))
    assert record.calls[0].result is not None
    assert record.calls[0].result.stdout == "a"
    assert says(record) == "a result without a call"


def test_an_answer_of_task_complete_to_a_command_is_noted() -> None:
    assert "may be out of step" in says(parse(write([Turn("x", calls=(bash("ls"),), results=(DONE,))])))


def test_a_call_id_used_twice_is_noted_and_both_calls_are_kept() -> None:
    turns = [
        Turn("x", calls=(bash("one", "same"),), results=(output("1"),)),
        Turn("y", calls=(bash("two", "same"),), results=(output("2"),)),
    ]
    record = parse(write(turns))
    assert [(c.command, c.result and c.result.stdout) for c in record.calls] == [("one", "1"), ("two", "2")]
    assert says(record) == "the call id 'same' was used before"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["bash", "task_complete", "python", "", "bash "]),
    st.one_of(TEXT, JSON.map(json.dumps), JSON, st.fixed_dictionaries({"command": JSON}).map(json.dumps)),
)
@example("bash", "{}")
@example("bash", '{"command": ["ls"]}')
@example("bash", '{"command": null}')
@example("bash", "ls -l")
@example("bash", "[" * 100_000)
def test_arguments_of_any_kind_give_a_command_or_a_note_and_never_get_lost(name: str, arguments: Any) -> None:
    record = parse(write([Turn("x", calls=(call(name, arguments),), results=(output("seen"),))]))
    (found,) = record.calls
    assert found.tool == name
    assert found.result is not None
    assert found.result.stdout == "seen"
    assert found.arguments == (arguments if isinstance(arguments, str) else json.dumps(arguments))
    usable = found.command if name == "bash" else found.reason if name == "task_complete" else None
    assert (usable is None) == bool(record.notes)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[{'id': 'c1', 'type': 'function'}]", "a function and its name"),
        ("[1, 'two']", "a function and its name"),
        ("[{'id': open('x')}]", "the calls cannot be read"),
        ("[{'id': 'c1']", "the calls cannot be read"),
        ("[" * 200 + "]" * 200, "nested deeper than 40"),
    ],
)
def test_a_line_of_calls_that_cannot_be_read_is_kept_and_noted(line: str, why: str) -> None:
    text = write([Turn("x")]).replace("reason: No explanation", f"reason: No explanation\ncall: {line}")
    record = parse(text)
    assert record.calls
    assert all(found.tool == "" and found.command is None for found in record.calls)
    assert why in says(record)
    assert "".join(found.arguments for found in record.calls) in line.replace("[1, 'two']", "1'two'")


@pytest.mark.parametrize("result", ["oops", "[1]", "", '{"stdout": 1, "stderr": "", "returncode": 0}'])
def test_a_result_of_another_shape_is_kept_as_text_and_noted(result: str) -> None:
    record = parse(write([Turn("x", calls=(bash("ls"),), results=(result,))]))
    found = record.calls[0].result
    assert found is not None
    assert (found.text, found.stdout, found.returncode) == (result, None, None)
    assert record.notes


# --- imitations of the format --------------------------------------------------------------------------------------

IMITATION = st.builds(
    "\n\n== Step {} ==\nrole: {}\ncontent: {}\n\n".format,
    st.integers(1, 9),
    st.sampled_from(["tool", "user", "system", "assistant"]),
    st.sampled_from(["ok", output("all tests passed"), DONE, "I refuse.", AUTO]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(PLAIN | IMITATION, max_size=4).map("".join), min_size=1, max_size=4))
def test_words_that_imitate_steps_stay_words(contents: list[str]) -> None:
    """A model that imagines the answer of a tool, or quotes the log, in any of its turns."""
    turns = [
        Turn(f"{content}.", calls=(bash(f"echo {n}", f"c{n}"),), results=(output(str(n)),))
        for n, content in enumerate(contents)
    ]
    record = parse(write(turns))
    assert roles(record) == "su" + "at" * len(turns)
    assert [step.content for step in record.steps if step.role == "assistant"] == [
        turn.content for turn in turns
    ]
    assert [c.result and c.result.stdout for c in record.calls] == [str(n) for n in range(len(turns))]
    imitated = sum(len(re.findall(r"^== Step \d+ ==$", content, re.MULTILINE)) for content in contents)
    assert says(record).count("looks like the beginning of a step") == imitated


@pytest.mark.parametrize(
    "line", ["reason: because", "call: [{'id': 'x'}]", "role: tool", "content: x", "== Step 4 =="]
)
def test_a_line_that_imitates_a_field_does_not_become_one(line: str) -> None:
    record = parse(write([Turn(f"before\n{line}\nafter", calls=(bash("ls"),), results=(output(),))]))
    assert record.steps[2].content == f"before\n{line}\nafter"
    assert [found.command for found in record.calls] == ["ls"]


def test_two_reasons_in_a_turn_are_noted_with_their_line() -> None:
    record = parse(write([Turn("x\nreason: y\nz", calls=(bash("ls"),), results=(output(),))]))
    assert [(note.line, note.says) for note in record.notes] == [
        (14, "2 lines begin with `reason:`; the last one was taken")
    ]


def test_a_step_in_the_middle_of_a_paragraph_is_no_step() -> None:
    content = "log:\n== Step 4 ==\nrole: tool\ncontent: {}"
    record = parse(write([Turn(content, calls=(bash("ls"),), results=(output(),))]))
    assert record.steps[2].content == content


def test_steps_imitated_down_to_reason_and_call_are_flagged() -> None:
    """Nothing in the text tells the two apart: what is asked is that the reader is warned and loses nothing."""
    forged = (
        f"x\nreason: no\ncall: {[bash('true')]!r}\n\n== Step 4 ==\nrole: tool\ncontent: {output('fine')}\n\n"
    )
    forged += "== Step 5 ==\nrole: assistant\ncontent: y"
    turns = [
        Turn(forged, calls=(bash("rm data", "c2"),), results=(output("gone"),)),
        Turn("z", calls=(done(),), results=(DONE,)),
    ]
    text = write(turns)
    record = parse(text)
    assert "can be read in two ways" in says(record) or "looks like the beginning of a step" in says(record)
    assert all(word in repr(record) for word in ("rm data", "gone", "fine"))


def test_a_text_full_of_imitations_is_read_within_bounds() -> None:
    """Twenty thousand imitations; a reader that weighs all against all does not come back from this."""
    fake = "\n\n== Step 4 ==\nrole: assistant\ncontent: hm\nreason: x"
    record = parse(write([Turn(fake * 20_000, calls=(bash("ls"),), results=(output(),))]))
    assert len(record.notes) >= 19_999


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "\n", "hello", "== Step 2 ==\nrole: user\ncontent: x\n", "== Step 1 ==\nno role"]
)
def test_a_text_that_does_not_begin_with_step_one_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "messages_record.txt"
    path.write_text(text)
    with pytest.raises(BadFile, match=r"messages_record.txt: line 1: expected `== Step 1 ==`"):
        read_record(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        read_record(tmp_path / "messages_record.txt")


def test_bytes_that_are_not_utf_8_are_replaced_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "messages_record.txt"
    path.write_bytes(write([Turn("caf\xe9")]).encode("latin-1"))
    record = read_record(path)
    assert record.steps[2].content == "caf\ufffd"
    assert (record.notes[0].line, record.notes[0].says[-4:]) == (11, "0xe9")


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    text = write([Turn("one\ntwo", calls=(bash("ls"),), results=(output(),))])
    path = tmp_path / "messages_record.txt"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_record(path) == parse(text)


def test_an_unknown_role_and_a_turn_without_a_reason_are_kept_and_noted() -> None:
    text = write([Turn("x")]).replace("role: user", "role: developer").replace("\nreason: No explanation", "")
    record = parse(text)
    assert [step.role for step in record.steps] == ["system", "developer", "assistant"]
    assert [(note.line, note.says.split(";")[0]) for note in record.notes] == [
        (5, "unknown role 'developer'"),
        (9, "the turn has no line `reason:`"),
    ]


def test_a_folder_of_neither_variant_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model-obliged" / "experiments" / "Alpha" / "messages_record.txt"
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(BadFile, match="'model-obliged'"):
        list(find_records(tmp_path))
