"""Answers that were paid for, written down as they come: what `kill -9` leaves of a trial or a judge, for the next run to go on from.

A file of one JSON object a line beside the recording to come, and gone when that is there. Lines are added whole; a line that was cut is
passed over when the file is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CassetteError
from ..model.types import Message, Reply
from ..trajectory import Event, Exchanged, Turn, retold
from .store import write_atomically

if TYPE_CHECKING:
    from ..http.exchange import Exchange

_VERSION = 1
Sampling = Mapping[str, float] | None


class Lines:
    """A file that is written anew once and then added to. Every method that writes raises CassetteError where it cannot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def begin(self, entries: Iterable[dict[str, Any]]) -> None:
        """Write the file anew, whole or not at all."""
        self.close()
        # Not synced: what a process has written outlives it. Only a machine that stops loses it.
        write_atomically(self._path, _text([{"odcv_answers": _VERSION}, *entries]), sync=False)
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise self._unwritable(error) from None

    def add(self, entries: Iterable[dict[str, Any]]) -> None:
        """Add what is whole or nothing."""
        assert self._file is not None, "begin first"
        data, before = _text(entries).encode(), os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            os.ftruncate(self._file, before)
            raise self._unwritable(error) from None

    def forget(self) -> None:
        """Close the file and remove it."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _unwritable(self, error: OSError) -> CassetteError:
        return CassetteError(f"{self._path}: cannot be written: {error}")


def read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file; none where there is no file of use."""
    try:
        found = [_object(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, UnicodeDecodeError):
        return []
    whole = [entry for entry in found if entry is not None]
    return whole[1:] if whole and whole[0] == {"odcv_answers": _VERSION} else []


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(entries: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


class AnswersLog:
    """The answers of a model in a trial that runs. What it is given has no secrets."""

    def __init__(self, path: Path, root: Path | None = None) -> None:
        """Folders below `root` that hold nothing without the file go with it."""
        self._path, self._root = path, root
        self._lines = Lines(path)
        self._writer: Any = None
        self._sent: Sampling = None

    def begin(self, events: Iterable[Event], sent: Sampling) -> None:
        """Forget what there was, and keep the answers among these events. `sent` are the parameters that the last was asked with, None where
        nobody knows. Raises CassetteError."""
        self._writer, self._sent = None, None
        self._lines.begin(self._entries(events, sent))

    def add(self, events: Iterable[Event], sent: Sampling) -> None:
        """Keep the answers among these events too. Raises CassetteError."""
        self._lines.add(self._entries(events, sent))

    def forget(self) -> None:
        """Close the file and remove it."""
        self._lines.forget()
        with suppress(OSError):
            for folder in self._path.parents:
                if self._root not in folder.parents:
                    break
                folder.rmdir()

    def close(self) -> None:
        self._lines.close()

    def _entries(self, events: Iterable[Event], sent: Sampling) -> list[dict[str, Any]]:
        """Commands are not kept: a trial that goes on runs them again."""
        asked: list[dict[str, Any]] = [] if sent == self._sent else [{"sent": sent}]
        self._sent = None if sent is None else dict(sent)
        return asked + [
            {"turn": _turn(event)} if isinstance(event, Turn) else {"step": self._step(event.exchange)}
            for event in events
            if isinstance(event, (Turn, Exchanged))
        ]

    def _step(self, exchange: Exchange) -> dict[str, Any]:
        from .exchanges import Writer

        self._writer = self._writer or Writer()
        step: dict[str, Any] = self._writer.step(exchange)
        if "bytes" in step:
            step["bytes"] = base64.b64encode(step["bytes"]).decode()
        return step


def load(path: Path) -> tuple[tuple[Event, ...], Sampling]:
    """The answers of a trial that was killed, as far as they can be read, none where there are none; and the parameters that the last was
    asked with."""
    entries = read(path)
    sent = [entry["sent"] for entry in entries if isinstance(entry.get("sent"), dict)]
    return retold(_events([entry for entry in entries if "sent" not in entry])), sent[-1] if sent else None


def _events(entries: list[dict[str, Any]]) -> Iterator[Turn | Exchange]:
    reader: Any = None
    for entry in entries:
        try:
            if "turn" in entry:
                yield _read_turn(entry["turn"])
                continue
            from .exchanges import Reader

            reader, step = reader or Reader(), entry["step"]
            if "bytes" in step:
                step["bytes"] = base64.b64decode(step["bytes"], validate=True)
            yield reader.exchange(step)
        except (
            CassetteError,
            KeyError,
            IndexError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
            binascii.Error,
        ):
            return  # Each entry builds on those before it.


def _turn(turn: Turn) -> dict[str, Any]:
    new = [message.model_dump(mode="json", exclude_defaults=True) for message in turn.new]
    return {"keep": turn.keep, "new": new, "reply": turn.reply.model_dump(mode="json", exclude_defaults=True)}


def _read_turn(entry: dict[str, Any]) -> Turn:
    new, keep = tuple(Message.model_validate(message) for message in entry["new"]), int(entry["keep"])
    if keep < 0:
        raise ValueError("keep is a number of messages")
    return Turn(keep, new, Reply.model_validate(entry["reply"]))
