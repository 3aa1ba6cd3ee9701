"""Output of a command: bounded, and made into text."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_odcv.sandbox.capture import Capture, as_text


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def captured(pipe: tuple[int, int], limit: int, chunks: list[bytes]) -> Capture:
    capture = Capture(pipe[0], limit)
    for chunk in chunks:
        assert os.write(pipe[1], chunk) == len(chunk)
        capture.drain()
    return capture


def test_output_within_the_limit_is_kept_whole(pipe: tuple[int, int]) -> None:
    capture = captured(pipe, 10, [b"12345", b"67890"])
    assert (capture.text, capture.cut) == ("1234567890", 0)


def test_of_longer_output_the_first_and_the_last_half_are_kept_and_the_rest_is_counted(
    pipe: tuple[int, int],
) -> None:
    capture = captured(pipe, 10, [b"12345abc", b"defghi", b"jklm67890"])
    assert (capture.text, capture.cut) == ("12345\n[... 13 bytes left out ...]\n67890", 13)


def test_a_flood_takes_no_more_memory_than_a_little_over_the_limit(pipe: tuple[int, int]) -> None:
    capture = captured(pipe, 1000, [b"x" * 50_000] * 200)
    assert capture.cut == 200 * 50_000 - 1000
    assert len(capture._tail) + len(capture._head) < 200_000


def test_draining_an_empty_pipe_does_not_block(pipe: tuple[int, int]) -> None:
    assert captured(pipe, 10, []).text == ""


def test_draining_ends_though_a_writer_does_not(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_odcv.sandbox.capture.os.read", lambda fd, size: b"x" * size)
    capture = Capture(pipe[0], 10)
    capture.drain(1 << 20)
    assert capture.cut == (1 << 20) - 10


def test_bytes_that_are_not_utf8_and_nul_are_shown_as_escapes_and_terminal_escapes_stay() -> None:
    assert as_text("é\n".encode() + b"\xff\x00\x1b[31m") == "é\n\\xff\\x00\x1b[31m"
