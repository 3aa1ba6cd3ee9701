"""Reads `messages_record.txt`, ODCV-Bench's record of a run, into small typed values. Judges nothing.

The format is not escaped, so some of it is guesswork; `steps` says how the guesses are made. Nothing that cannot be read is
dropped in silence: it stays in the text that it was found in, and a note names its line. What a record cannot tell: an
assistant's content `None` may be its absence or the word, and a result belongs to the call in the same position.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from .calls import Call, Result, read_calls, read_result
from .csvfile import BadFile
from .literals import read_list, reason_text
from .steps import Header, choose, headers

PLACEHOLDER = "No explanation"
"""The harness's reason where the model gave none."""

AUTOMATIC = "This is an automatic message"
"""How the harness begins a user message of its own."""

_REASON = re.compile(r"(?:\A|\n)reason: ")
_CALL = re.compile(r"\ncall: (\[[^\n]*\])\s*\Z")
_STEP_LINE = re.compile(r"^== Step \d+ ==$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd in the record, and its line in the file, from 1."""

    line: int
    says: str


@dataclass(frozen=True, slots=True)
class Step:
    """One message. `content` None is a turn without words (see the module's text); `reason` None is the placeholder."""

    number: int
    line: int
    role: str
    content: str | None
    reason: str | None = None
    calls: tuple[Call, ...] = ()

    @property
    def automatic(self) -> bool:
        """Whether this is the harness asking to go on, not the user."""
        return self.role == "user" and (self.content or "").startswith(AUTOMATIC)


@dataclass(frozen=True, slots=True)
class Record:
    """A run. Tool steps stay among the steps; what they say is with the calls too."""

    steps: tuple[Step, ...]
    notes: tuple[Note, ...]

    @property
    def calls(self) -> list[Call]:
        return [call for step in self.steps for call in step.calls]

    @property
    def completed(self) -> bool:
        """Whether a task_complete was answered."""
        return any(call.tool == "task_complete" and call.result is not None for call in self.calls)


@dataclass(frozen=True, slots=True)
class RunFile:
    """A record below a folder of trajectories, and which trial it is of."""

    model: str
    variant: str
    scenario: str
    path: Path


def find_records(path: Path) -> Iterator[RunFile]:
    """Records at `<model>-<variant>/experiments/<scenario>/messages_record.txt`, at a path or up to three folders below it, in order
    of their paths. Raises BadFile for a folder whose name ends in neither variant."""
    for depth in range(4):
        for file in sorted(path.glob("*/" * (depth + 1) + "experiments/*/messages_record.txt")):
            folder = file.parents[2].name
            model, _, variant = folder.rpartition("-")
            if not model or variant not in ("mandated", "incentivized"):
                raise BadFile(
                    file,
                    f"expected a folder named <model>-mandated or <model>-incentivized, found {folder!r}",
                )
            yield RunFile(model, variant, file.parent.name, file)


def read_record(path: Path) -> Record:
    """Reads a file. Raises BadFile where it is missing, empty, or does not begin with step 1."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror}") from None
    try:
        return parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        note = Note(
            line,
            f"bytes that are not UTF-8, here and perhaps below, were replaced: 0x{data[error.start]:02x}",
        )
    except ValueError as error:
        raise BadFile(path, str(error)) from None
    try:
        record = parse(data.decode("utf-8-sig", "replace"))
    except ValueError as error:
        raise BadFile(path, str(error)) from None
    return replace(record, notes=(note, *record.notes))


def parse(text: str) -> Record:
    """Reads a record's text. Raises ValueError where it does not begin with step 1; whatever is odd later becomes a note."""
    if text.partition("\n")[0].endswith("\r"):
        text = text.replace("\r\n", "\n")
    candidates = headers(text)
    if not candidates or candidates[0].start != 0 or candidates[0].number != 1:
        raise ValueError(
            "line 1: expected `== Step 1 ==` and below it `role:` and `content:`; is this a messages_record.txt?"
        )
    chosen, doubtful = choose(text, candidates)
    reader = _Reader(text)
    for header in doubtful:
        reader.note(
            header.start, "where this step ends can be read in two ways; an agent may have imitated steps"
        )
    ends = [*(header.start for header in chosen[1:]), len(text)]
    steps = [reader.step(header, end) for header, end in zip(chosen, ends, strict=True)]
    starts = {header.start for header in chosen}
    for match in _STEP_LINE.finditer(text):
        if match.start() not in starts:
            reader.note(match.start(), f"looks like the beginning of a step and was read as text: {match[0]}")
    return Record(tuple(reader.answered(steps)), tuple(sorted(reader.notes, key=lambda note: note.line)))


class _Reader:
    """Reads the steps of one text and collects notes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._ids: set[str] = set()
        self.notes: list[Note] = []

    def line(self, position: int) -> int:
        return bisect_right(self._line_starts, position)

    def note(self, position: int, says: str) -> None:
        self.notes.append(Note(self.line(position), says))

    def step(self, header: Header, end: int) -> Step:
        line = self.line(header.start)
        block = self._text[header.body : end].removesuffix("\n").removesuffix("\n")
        if header.role == "assistant":
            return self._assistant(header, line, block)
        if header.role not in ("system", "user", "tool"):
            self.note(header.start, f"unknown role {header.role!r}")
        return Step(header.number, line, header.role, block)

    def _assistant(self, header: Header, line: int, block: str) -> Step:
        reasons = list(_REASON.finditer(block))
        if not reasons:
            self.note(header.start, "the turn has no line `reason:`; all of it was read as content")
            return Step(header.number, line, header.role, block)
        if len(reasons) > 1:
            self.note(
                header.body + reasons[-1].end(),
                f"{len(reasons)} lines begin with `reason:`; the last one was taken",
            )
        content = block[: reasons[-1].start()]
        tail, tail_start = block[reasons[-1].end() :], header.body + reasons[-1].end()
        calls: tuple[Call, ...] = ()
        if match := _CALL.search(tail):
            calls = self._calls(match[1], tail_start + match.start(1))
            tail = tail[: match.start()]
        reason = self._reason(tail, tail_start)
        return Step(header.number, line, header.role, None if content == "None" else content, reason, calls)

    def _reason(self, text: str, position: int) -> str | None:
        if text == PLACEHOLDER:
            return None
        if not text.startswith("["):
            return text
        try:
            readable, rest = reason_text(read_list(text))
        except ValueError:
            return text
        if rest:
            self.note(
                position, f"{rest} characters of the reason are not readable (encrypted) and were left out"
            )
        return readable

    def _calls(self, text: str, position: int) -> tuple[Call, ...]:
        line = self.line(position)
        calls, problems = read_calls(text, line)
        self.notes += [Note(line, problem) for problem in problems]
        for call in calls:
            if call.id and call.id in self._ids:
                self.note(position, f"the call id {call.id!r} was used before")
            self._ids.add(call.id)
        return tuple(calls)

    def answered(self, steps: list[Step]) -> Iterator[Step]:
        """The steps, with the results that follow a turn given to its calls in order."""
        position = 0
        while position < len(steps):
            step, position = steps[position], position + 1
            following = position
            while following < len(steps) and steps[following].role == "tool":
                following += 1
            tools = steps[position:following]
            yield self._with_results(step, [self._result(tool) for tool in tools])
            yield from tools
            position = following

    def _result(self, tool: Step) -> Result:
        result, problem = read_result(tool.content or "", tool.line)
        if problem:
            self.notes.append(Note(tool.line, problem))
        return result

    def _with_results(self, step: Step, results: list[Result]) -> Step:
        for extra in results[len(step.calls) :]:
            self.notes.append(Note(extra.line, "a result without a call"))
        calls: list[Call] = []
        for number, call in enumerate(step.calls, start=1):
            result = results[number - 1] if number <= len(results) else None
            if result is None:
                self.notes.append(
                    Note(call.line, f"call {number} of {len(step.calls)} ({call.tool}) was never answered")
                )
            elif result.completes and call.tool != "task_complete":
                says = f"the answer to call {number} ({call.tool}) is that of a task_complete; results may be out of step"
                self.notes.append(Note(result.line, says))
            calls.append(replace(call, result=result))
        return replace(step, calls=tuple(calls))
