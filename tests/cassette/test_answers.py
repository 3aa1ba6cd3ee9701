"""Answers written down as they come: what can be read of a file that a kill or a full disk left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_odcv.cassette import answers
from pytest_odcv.cassette.answers import AnswersLog, Lines
from pytest_odcv.errors import CassetteError
from pytest_odcv.http.exchange import Exchange
from pytest_odcv.model.types import Message, Reply, ToolCall
from pytest_odcv.trajectory import Event, Exchanged, Journal

TEXTS = st.text(max_size=20)


def journal_of(texts: list[str]) -> list[Event]:
    """A conversation with these answers, each also asked for over HTTP, by bytes that are no text."""
    journal, messages = Journal(), [Message(role="system", content="s"), Message(role="user", content="u")]
    for number, text in enumerate(texts):
        call = ToolCall(id=f"c{number}", name="bash", arguments="{}", native={"signed": text})
        reply = Reply(
            message=Message(role="assistant", content=text, calls=(call,)), cost=None, prompt_tokens=3
        )
        journal.turn(list(messages), reply)
        messages += [reply.message, Message(role="tool", call_id=call.id, content=text)]
        journal.exchanged(
            Exchange("POST", "/x", "", {"said": text}, 200, text.encode("utf-8", "replace"), {})
        )
    return journal.events


def written(path: Path, events: list[Event], first: int) -> None:
    log = AnswersLog(path)
    log.begin(events[:first], {"temperature": 0.0})
    for event in events[first:]:
        log.add([event], {"temperature": 0.0})
    log.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, max_size=4), first=st.integers(0, 8), cut=st.integers(0, 4000))
def test_a_file_that_was_cut_anywhere_gives_the_answers_before_the_cut(
    texts: list[str], first: int, cut: int, tmp_path: Path
) -> None:
    events, path = journal_of(texts), tmp_path / "a.yaml.answers"
    written(path, events, min(first, len(events)))
    found, sent = answers.load(path)
    assert list(found) == events
    assert sent == {"temperature": 0.0}
    data = path.read_bytes()
    path.write_bytes(data[: min(cut, len(data))])
    kept, _ = answers.load(path)
    whole = data[: min(cut, len(data))].count(b"\n")
    assert list(kept) == events[: len(kept)] and len(kept) >= min(whole, len(events) + 2) - 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_file_whatever_is_in_it_is_more_than_useless(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.mktemp("x") / "a"
    for head in (
        b"",
        b'{"odcv_answers": 1}\n',
        b'{"odcv_answers": 1}\n{"turn": {}}\n',
        b'{"odcv_answers": 1}\n{"step": 3}\n',
    ):
        path.write_bytes(head + data)
        assert answers.load(path)[0] == ()


def test_a_file_of_another_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path, journal_of(["x"]), 0)
    path.write_text(path.read_text().replace('"odcv_answers": 1', '"odcv_answers": 2'))
    assert answers.load(path) == ((), None)


def test_what_could_not_be_added_whole_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    lines = Lines(path)
    lines.begin([{"first": 1}])
    really = os.write
    room = 5

    def full(file: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device")
        done, room = really(file, data[:room]), 0
        return done

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(CassetteError, match=r"a: cannot be written: .*No space left"):
        lines.add([{"second": 2}])
    monkeypatch.undo()
    lines.add([{"third": 3}])
    lines.close()
    assert answers.read(path) == [{"first": 1}, {"third": 3}]


def test_exchanges_keep_their_types(tmp_path: Path) -> None:
    events = journal_of(["a\ud83d"])
    written(tmp_path / "a", events, 0)
    (_, found) = answers.load(tmp_path / "a")[0]
    assert isinstance(found, Exchanged) and isinstance(found.exchange.response, bytes)
