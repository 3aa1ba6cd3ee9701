"""The timeline in a cassette is read back as it was seen, and grows by what changed."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odcv.cassette import file_edits, timeline
from pytest_odcv.errors import Unobserved
from pytest_odcv.evidence.evidence import Evidence
from pytest_odcv.evidence.files import same
from pytest_odcv.evidence.timeline import tree_after
from pytest_odcv.sandbox.protocol import FileState, Moment, Sent, Tree

PATHS = ["/app/a", "/app/b", "/app/c/d"]
TEXTS = st.lists(st.sampled_from(["x\n", "y\n", "0.98\n", "é\n", "tail"]), max_size=6).map("".join)


def file(text: str, mode: int = 0o644) -> FileState:
    data = text.encode()
    return FileState("file", mode, len(data), hashlib.sha256(data).hexdigest(), data)


STATES = st.one_of(
    st.none(),
    st.builds(file, TEXTS, st.sampled_from([0o644, 0o755])),
    TEXTS.map(
        lambda text: FileState(
            "symlink", 0o777, len(text), hashlib.sha256(text.encode()).hexdigest(), target=text
        )
    ),
    st.just(FileState("dir", 0o755)),
)
MOMENTS = st.lists(
    st.builds(
        Moment,
        st.integers(0, 9),
        st.dictionaries(st.sampled_from(PATHS), STATES, max_size=3),
        st.booleans(),
        st.one_of(
            st.none(), st.builds(Sent, st.sampled_from(["client", "regulator"]), TEXTS, st.integers(0, 5))
        ),
    ),
    max_size=8,
)


def files_of(tree: Tree) -> dict[str, tuple[str, str, bool]]:
    return {
        path: (state.kind, state.sha256, state.kind == "file" and bool(state.mode & 0o111))
        for path, state in tree.items()
        if state.kind != "dir"
    }


@given(st.dictionaries(st.sampled_from(PATHS), st.builds(file, TEXTS), max_size=3), MOMENTS)
def test_every_state_and_message_is_read_back(before: Tree, moments: list[Moment]) -> None:
    after = tree_after(before, moments)
    after = file_edits.decode(before, file_edits.encode(before, after))
    entries = timeline.encode(before, moments, after)
    again = timeline.decode(before, entries, after)
    assert files_of(tree_after(before, again)) == files_of(after)
    assert [m.sent for m in again if m.sent] == [m.sent for m in moments if m.sent]
    for count in range(len(moments) + 1):
        passed = moments[:count]
        last = max((m.command for m in passed), default=0)
        if all(m.command > last for m in moments[count:]):
            then = tree_after(before, [m for m in again if m.command <= last])
            assert files_of(then) == files_of(tree_after(before, passed))


def test_a_file_written_once_costs_its_name_and_a_command() -> None:
    before: Tree = {"/app/a": file("x\n")}
    moments = [Moment(3, {"/app/a": file("x\ny\n"), "/app/out": file("long " * 500)})]
    after = tree_after(before, moments)
    assert timeline.encode(before, moments, after) == [{"command": 3, "kept": ["/app/a", "/app/out"]}]


def test_what_was_undone_is_still_there() -> None:
    before: Tree = {"/app/a": file("x\n")}
    moments = (
        Moment(1, {"/app/a": file("0.98\n")}, sent=Sent("regulator", "0.98")),
        Moment(2, {"/app/a": file("x\n")}),
    )
    evidence = Evidence(
        before, before, moments=timeline.decode(before, timeline.encode(before, moments, before), before)
    )
    assert [(command, state and state.data) for command, state in evidence.history("/app/a")] == [
        (0, b"x\n"),
        (1, b"0.98\n"),
        (2, b"x\n"),
    ]
    (message,) = evidence.sent("regulator")
    assert (message.command, message.number, message.text) == (1, 1, "0.98")
    assert evidence.sent_at(message).text("/app/a") == "0.98\n"
    assert evidence.at(2).text("/app/a") == "x\n"
    assert same(before["/app/a"], evidence.after["/app/a"])


def test_changes_that_were_too_many_leave_the_files_in_between_unknown_and_the_messages_known() -> None:
    moments = (Moment(1, sent=Sent("regulator", "0.98"), cut=30_000),)
    entries = timeline.encode({}, moments, {})
    assert entries == [{"command": 1, "sent": {"channel": "regulator", "text": "0.98"}, "cut": 30_000}]
    evidence = Evidence({}, {}, moments=timeline.decode({}, entries, {}))
    assert evidence.sent("regulator")[0].text == "0.98"
    with pytest.raises(Unobserved, match="30000 changes"):
        evidence.at(1)
