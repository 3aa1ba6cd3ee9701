"""The recording of one judge on one trial: a file of its own beside the trial's, so that a judge can be asked again, added or
dropped without touching the agent's. What the judge was asked follows from the trial's recording and is kept as hashes only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CassetteError
from ..model.types import Message, Reply, ToolCall
from ..scenario.case import segment
from . import document
from .answers import Lines, read
from .store import Store, write_atomically

VERSION = 2
"""What is written, and ends with a seal. 1 is read as well, and has none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of a judge, and the complaint that it was sent for it: empty where none was."""

    reply: Reply
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class JudgeRecording:
    """What was asked (hashes of the whole request and of its parts) and what was answered, in order."""

    trial: Mapping[str, Any]
    judge: str
    model: str
    made_with: Mapping[str, Any]
    request: str
    parts: Mapping[str, str]
    answers: tuple[Answered, ...]


def path_of(trial: Path, judge: str) -> Path:
    """`<variant>.<epoch>.judge-<judge>.yaml` beside the trial's cassette; odd characters of the name are escaped."""
    return trial.with_name(f"{trial.stem}.judge-{segment(judge)}.yaml")


def load(store: Store, path: Path) -> JudgeRecording | None:
    """None when there is none. Raises CassetteError naming the file and what to do when there is one that cannot be used."""
    found = store.read(path)
    return None if found is None else _read(*found)


def save(store: Store, path: Path, recording: JudgeRecording) -> None:
    """Write whole or not at all. Raises CassetteError."""
    write_atomically(store.root / path, dump(recording))
    store.answers_path(path).unlink(missing_ok=True)


class AnswersOfJudge:
    """The answers of a judge as they come, beside the recording to be, for a run that is killed. `request` is what is asked of it."""

    def __init__(self, store: Store, path: Path, request: str) -> None:
        self._path, self._request = store.answers_path(path), request
        self._lines = Lines(self._path)

    def begin(self, go_on: bool) -> list[Reply]:
        """Before the first answer is paid for; those of a run that was killed, to `go_on` from. Raises CassetteError where nothing could be
        kept."""
        found = [entry for entry in read(self._path) if entry.get("asked") == self._request] if go_on else []
        try:
            replies = [Reply.model_validate(entry["reply"]) for entry in found]
        except (KeyError, ValueError):
            found, replies = [], []
        self._lines.begin(found)
        return replies

    def add(self, reply: Reply) -> None:
        """Keep one more, without secrets. Raises CassetteError."""
        self._lines.add([{"asked": self._request, "reply": reply.model_dump(mode="json")}])

    def close(self) -> None:
        """Where there is an answer, the file stays until the recording is there."""
        if read(self._path):
            self._lines.close()
        else:
            self._lines.forget()


def dump(recording: JudgeRecording) -> str:
    """The file's text. Deterministic."""
    content = {
        "odcv_judgment": VERSION,
        "trial": dict(recording.trial),
        "judge": recording.judge,
        "model": recording.model,
        "made_with": dict(recording.made_with),
        "asked": {
            "sha256": recording.request,
            "parts": ", ".join(f"{name} {digest}" for name, digest in recording.parts.items()),
        },
        "answers": [_answer(answered) for answered in recording.answers],
    }
    return document.text_of(content, sealed=True)


_AGAIN = "Restore it from version control, or judge the trial again: odcv judge ... --judge MODEL --again"


def _read(file: Path, text: str) -> JudgeRecording:
    content = document.parsed(text, str(file), _AGAIN)
    version = content.get("odcv_judgment")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CassetteError(f"{file}: not a judge's recording: it has no odcv_judgment version. {_AGAIN}")
    if version > VERSION:
        raise CassetteError(
            f"{file}: written in version {version} of judges' recordings; this pytest-odcv reads up to {VERSION}. Upgrade pytest-odcv, or judge again"
        )
    if version > 1:
        document.check_seal(content, text, str(file), _AGAIN)
    try:
        parts = {
            name: digest
            for name, _, digest in (p.rpartition(" ") for p in content["asked"]["parts"].split(", "))
        }
        return JudgeRecording(
            content["trial"],
            content["judge"],
            content["model"],
            content["made_with"],
            content["asked"]["sha256"],
            parts,
            tuple(_read_answer(entry) for entry in content["answers"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(f"{file}: damaged: {type(error).__name__}: {error}. {_AGAIN}") from None


def _answer(answered: Answered) -> dict[str, Any]:
    """The reply as a person reads it: the verdict's fields where there is one well-formed call."""
    reply, message = answered.reply, answered.reply.message
    entry: dict[str, Any] = {}
    if message.content or not message.calls:
        entry["says"] = message.content
    if message.reasoning:
        entry["thinks"] = message.reasoning
    if message.calls:
        entry["calls"] = [_call(call) for call in message.calls]
    entry["stop"] = reply.stop
    entry["tokens"] = f"{_count(reply.prompt_tokens)} in, {_count(reply.completion_tokens)} out"
    entry["cost"] = reply.cost
    if answered.complaint:
        entry["complaint"] = answered.complaint
    return entry


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = call.parsed()
    plain = arguments is not None and json.dumps(arguments, ensure_ascii=False) == call.arguments
    if plain and all(_simple(value) for value in (arguments or {}).values()):
        return {"id": call.id, "tool": call.name, "with": arguments}
    return {"id": call.id, "tool": call.name, "arguments": call.arguments}


def _simple(value: Any) -> bool:
    """Whether YAML gives the value back as it was, spelling included."""
    if isinstance(value, list):
        return all(isinstance(item, int) for item in value)
    return isinstance(value, (str, int))


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else str(tokens)


def _read_answer(entry: dict[str, Any]) -> Answered:
    calls = tuple(
        ToolCall(
            id=call["id"],
            name=call["tool"],
            arguments=json.dumps(call["with"], ensure_ascii=False) if "with" in call else call["arguments"],
        )
        for call in entry.get("calls", ())
    )
    prompt, completion = (None if word == "unknown" else int(word) for word in entry["tokens"].split()[::2])
    reply = Reply(
        message=Message(
            role="assistant", content=entry.get("says", ""), calls=calls, reasoning=entry.get("thinks", "")
        ),
        stop=entry["stop"],
        prompt_tokens=prompt,
        completion_tokens=completion,
        cost=entry["cost"],
    )
    return Answered(reply, entry.get("complaint", ""))
